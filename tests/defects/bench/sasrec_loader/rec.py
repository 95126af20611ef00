"""Entry point used by the serving side."""

import numpy as np
import torch
from config import cfg
from dataset import get_loader
from network import SeqNet
from trainer import Trainer


class SASRecommender:
    def __init__(self, data, device, seed):
        self.device = torch.device(device)
        u2i = {
            u: data.items[data.offsets[u] : data.offsets[u + 1]].tolist() for u in range(1, data.n_users + 1)
        }
        self.net = SeqNet(data.n_items, cfg).to(self.device)
        loader = get_loader(u2i, data.n_items, cfg, seed)
        self.trainer = Trainer(self.net, loader, cfg, self.device)

    def fit(self):
        while True:
            yield {"train_loss": self.trainer.run_epoch()}

    @torch.no_grad()
    def score(self, users, histories):
        self.net.eval()
        x = torch.as_tensor(np.asarray(histories), device=self.device)
        x = x[:, -cfg.max_len :]
        return self.net.full_logits(x)

    def item_embeddings(self):
        return self.net.embed.tok.weight.detach()

    def state_dict(self):
        return self.net.state_dict()

    def load_state_dict(self, sd):
        self.net.load_state_dict(sd)


def build(data, *, device, seed):
    torch.manual_seed(seed)
    np.random.seed(seed)
    return SASRecommender(data, device, seed)
