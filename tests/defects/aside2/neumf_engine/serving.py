import numpy as np
import torch
from config import neumf_config
from data import SampleGenerator
from neumf import NeuMFEngine


class NeuMFRecommender(object):
    def __init__(self, data, device, seed):
        self.config = {
            **neumf_config,
            "num_users": data.n_users,
            "num_items": data.n_items,
            "device": device,
            "seed": seed,
        }
        ratings = {"userId": np.array(data.users), "itemId": np.array(data.items), "num_items": data.n_items}
        self.generator = SampleGenerator(ratings, self.config, hold_out=False)
        self.engine = NeuMFEngine(self.config)

    def fit(self):
        for epoch in range(self.config["num_epoch"]):
            loader = self.generator.instance_a_train_loader(epoch)
            yield {"loss": self.engine.train_an_epoch(loader)}

    def score(self, users, histories):
        width, n = self.config["recent"], self.config["num_items"] + 1
        histories = np.asarray(histories)
        recent = np.zeros((len(histories), width), dtype=np.int64)
        kept = histories[:, -width:]
        recent[:, width - kept.shape[1] :] = kept
        items = torch.arange(n)
        rows = []
        for start in range(0, len(recent), 64):
            u = torch.as_tensor(np.asarray(users)[start : start + 64]).repeat_interleave(n)
            r = torch.as_tensor(recent[start : start + 64]).repeat_interleave(n, dim=0)
            rows.append(self.engine.predict(u, r, items.repeat(len(u) // n)).view(-1, n))
        return torch.cat(rows)

    def state_dict(self):
        return self.engine.snapshot()

    def load_state_dict(self, state):
        self.engine.restore(state)


def build(data, *, device, seed):
    np.random.seed(seed)
    torch.manual_seed(seed)
    return NeuMFRecommender(data, device, seed)
