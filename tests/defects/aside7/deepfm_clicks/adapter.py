import numpy as np
import torch

from clicks import Clicks, Negatives, pad
from deepfm import DeepFM
from engine import Engine
from features import Catalogue
from options import parse


class Shop:
    def __init__(self, data, opt):
        columns = data.item_columns
        category = np.array(["/".join(path) for path in columns.categories])
        catalogue = Catalogue(
            category, np.array(columns.store), columns.price, columns.average_rating, opt.price_buckets
        )
        by_user = {
            u: np.asarray(data.items[data.offsets[u]:data.offsets[u + 1]]) for u in range(1, data.n_users + 1)
        }
        draws = Negatives(by_user, data.n_users, data.n_items, np.random.default_rng(opt.seed))
        self.opt = opt
        self.clicks = Clicks(by_user, draws, opt.max_hist, opt.n_neg, opt.batch_size, opt.seed)
        self.model = DeepFM(catalogue.field_dims(data.n_users), opt.dim, opt.hidden, opt.dropout)
        self.engine = Engine(self.model, catalogue, opt)

    def fit(self):
        for _ in range(self.opt.epochs):
            yield {"loss": self.engine.train(self.clicks)}

    def score(self, users, histories):
        hist = pad([row[row > 0] for row in np.asarray(histories)], self.opt.max_hist)
        return self.engine.score_all(np.asarray(users), hist)

    def state_dict(self):
        return self.model.state_dict()

    def load_state_dict(self, state):
        self.model.load_state_dict(state)


def build(data, *, device, seed):
    torch.manual_seed(seed)
    return Shop(data, parse(["--seed", str(seed), "--device", device]))
