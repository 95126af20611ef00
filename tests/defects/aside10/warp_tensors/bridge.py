import numpy as np
import torch

from fit import feature_table, frequent
from log import Log, Rivals, batches
from warp import Factors, Ranker, Settings, learn, learner, restore, snapshot


class Bridge:
    def __init__(self, data, device, seed):
        torch.manual_seed(seed)
        self.s = s = Settings(seed=seed)
        columns = data.item_columns
        paths = ["/".join(path) for path in columns.categories]
        features, total = feature_table([paths, list(columns.store)])
        events = [(u, i) for u, i in zip(data.users, data.items)]
        self.log = frequent(Log.of(events), s.min_count)
        self.rivals = Rivals.of(self.log, data.n_users, data.n_items, np.random.default_rng(seed))
        factors = Factors.new(data.n_users, data.n_items, total, s.dim, device)
        self.ranker = Ranker(factors, features.to(device))
        self.optimizer = learner(self.ranker, s)

    def fit(self):
        s = self.s
        for _ in range(s.epochs):
            feed = batches(self.log, self.rivals, s.n_past, s.n_rivals, s.batch)
            yield {"loss": learn(self.ranker, self.optimizer, feed, s)}

    def score(self, users, histories):
        past = np.zeros((len(users), self.s.n_past), dtype=np.int64)
        for row, h in zip(past, np.asarray(histories)):
            newest = h[h > 0][::-1][:self.s.n_past]
            row[:len(newest)] = newest
        return self.ranker.scores(np.asarray(users), past)

    def state_dict(self):
        return snapshot(self.ranker)

    def load_state_dict(self, state):
        restore(self.ranker, state)


def build(data, *, device, seed):
    return Bridge(data, device, seed)
