# what the platform imports

import gru
import numpy as np
import torch


class Served:
    def __init__(self, data, device, seed):
        seqs = [data.items[a:b] for a, b in zip(data.offsets[1:-1], data.offsets[2:])]
        self.run = gru.Run(seqs, data.n_items, seed, device)

    def fit(self):
        while True:
            yield {"bpr_max": self.run.one_epoch()}

    def score(self, users, histories):
        return self.run.after(np.asarray(histories))

    def item_embeddings(self):
        return self.run.net.E.weight.detach()

    def state_dict(self):
        return {k: v.clone() for k, v in self.run.net.state_dict().items()}

    def load_state_dict(self, state):
        self.run.net.load_state_dict(state)


def build(data, *, device, seed):
    torch.manual_seed(seed)
    return Served(data, device, seed)
