import numpy as np

from engine import Engine, number
from registry import config


class Plugin:
    def __init__(self, data, device, seed):
        cols = data.item_columns
        features = number([("/".join(c), s) for c, s in zip(cols.categories, cols.store)])
        seqs = {}
        for u in range(1, data.n_users + 1):
            s = np.asarray(data.items[data.offsets[u]:data.offsets[u + 1]]).tolist()
            if s:
                seqs[u] = s
        self.cfg = config(seed=seed)
        self.engine = Engine(seqs, features, self.cfg, device)

    def fit(self):
        for _ in range(self.cfg["epochs"]):
            yield {"loss": self.engine.epoch()}

    def score(self, users, histories):
        return self.engine.scores([h[h > 0] for h in np.asarray(histories)])

    def state_dict(self):
        return self.engine.net.state_dict()

    def load_state_dict(self, state):
        self.engine.net.load_state_dict(state)


def build(data, *, device, seed):
    return Plugin(data, device, seed)
