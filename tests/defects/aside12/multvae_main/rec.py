import numpy as np
import torch

from dataset import SparseRows
from main import Run, parser, predict, train


class Recommender:
    def __init__(self, data, device, seed):
        args = parser.parse_args([])
        args.seed = seed
        self.n_items = data.n_items
        users, items = np.asarray(data.users), np.asarray(data.items)
        self.train_data = SparseRows(users - 1, items - 1, data.n_users, data.n_items)
        self.run = Run(args, data.n_items, torch.device(device))

    def fit(self):
        for _ in range(self.run.args.epochs):
            yield {"loss": train(self.run, self.train_data)}

    def score(self, users, histories):
        rows = np.zeros((len(histories), self.n_items + 1), dtype=np.float32)
        np.put_along_axis(rows, np.asarray(histories), 1.0, axis=1)
        logits = predict(self.run, rows[:, 1:])
        return np.pad(logits, ((0, 0), (1, 0)))

    def state_dict(self):
        return self.run.model.state_dict()

    def load_state_dict(self, state):
        self.run.model.load_state_dict(state)


def build(data, *, device, seed):
    return Recommender(data, device, seed)
