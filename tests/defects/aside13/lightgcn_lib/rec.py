import numpy as np
import torch

from conf import config
from dataloader import Dataset
from model import SimGCL
from train import make_optimizer, train_one_epoch


class GraphRecommender:
    """The library's ids are those of its Dataset; items or users without an event in training are asked for nothing"""

    def __init__(self, data, device, seed):
        np.random.seed(seed)
        torch.manual_seed(seed)
        self.n_items = data.n_items
        rows = zip(data.users.tolist(), data.items.tolist(), data.timestamps.tolist())
        self.dataset = Dataset(list(rows))
        self.model = SimGCL(config, self.dataset).to(device)
        self.optimizer = make_optimizer(self.model, config)
        self.columns = np.array(list(self.dataset.item2id))  # our item -> theirs

    def fit(self):
        for _ in range(config["epochs"]):
            yield {"loss": train_one_epoch(self.model, self.dataset, self.optimizer, config)}

    @torch.no_grad()
    def score(self, users, histories):
        self.model.eval()
        device = self.model.user_embedding.weight.device
        ours = torch.tensor([self.dataset.user2id[user] for user in np.asarray(users).tolist()], device=device)
        scores = np.full((len(ours), self.n_items + 1), -1e9, dtype=np.float32)
        scores[:, self.columns] = self.model.predict(ours).cpu().numpy()
        return scores

    def state_dict(self):
        return self.model.state_dict()

    def load_state_dict(self, state):
        self.model.load_state_dict(state)


def build(data, *, device, seed):
    return GraphRecommender(data, device, seed)
