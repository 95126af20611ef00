import numpy as np

from bpr import BPRMF


class Recommender:
    def __init__(self, data, seed):
        self.model = BPRMF(seed=seed)
        pairs = np.stack([np.asarray(data.users), np.asarray(data.items)], axis=1) - 1
        self.model.initialize(pairs, data.n_users, data.n_items)

    def fit(self):
        for _ in range(self.model.n_epochs):
            yield {"loss": self.model.run_epoch()}

    def score(self, users, histories):
        scores = self.model.predict(np.asarray(users) - 1)
        return np.pad(scores, ((0, 0), (1, 0)))  # column 0 is nobody's

    def state_dict(self):
        return {"P": self.model.P.copy(), "Q": self.model.Q.copy(), "b": self.model.b.copy()}

    def load_state_dict(self, state):
        self.model.P, self.model.Q, self.model.b = (np.array(state[name]) for name in ("P", "Q", "b"))


def build(data, *, device, seed):
    return Recommender(data, seed)
