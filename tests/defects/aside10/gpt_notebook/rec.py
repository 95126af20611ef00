import numpy as np
import torch

import nextitem as nb


class Rec:
    def __init__(self, data, device, seed):
        torch.manual_seed(seed)
        self.gen = torch.Generator().manual_seed(seed)
        off = data.offsets
        seqs = [np.asarray(data.items[off[u]:off[u + 1]]).tolist() for u in range(1, data.n_users + 1)]
        self.data = nb.windows(seqs).to(device)
        self.W = {k: torch.nn.Parameter(p.detach().to(device)) for k, p in nb.init(data.n_items).items()}
        self.opt = nb.optimizer(self.W)
        self.device = device

    def fit(self):
        for _ in range(nb.EPOCHS):
            yield {'loss': nb.epoch(self.W, self.opt, self.data, self.gen)}

    def score(self, users, histories):
        x = torch.as_tensor(np.array(histories), device=self.device)
        return nb.last(self.W, x[:, -nb.T:]).cpu().numpy()

    def state_dict(self):
        return {k: p.detach().clone() for k, p in self.W.items()}

    def load_state_dict(self, state):
        with torch.no_grad():
            for k, p in self.W.items():
                p.copy_(state[k])


def build(data, *, device, seed):
    return Rec(data, device, seed)
