import numpy as np

from interactions import Interactions
from recommender import Recommender
from train_caser import get_parser
from utils import set_seed


class CaserAdapter(object):
    """Users count from 1 out there and from 0 in here; items from 1 in both"""

    def __init__(self, data, device, seed):
        self.args = get_parser().parse_args(["--seed", str(seed)])
        set_seed(seed)
        self.train = Interactions(
            np.asarray(data.users) - 1,
            np.asarray(data.items),
            np.asarray(data.timestamps),
            num_users=data.n_users,
            num_items=data.n_items + 1,
        )
        self.train.to_sequence(self.args.L, self.args.T)
        self.model = Recommender(self.args, device)
        self.model._initialize(self.train)

    def fit(self):
        for _ in range(self.args.n_iter):
            yield {"loss": self.model.fit_epoch(self.train)}

    def score(self, users, histories):
        past = [[int(item) for item in history if item > 0] for history in np.asarray(histories)]
        return self.model.predict(np.asarray(users) - 1, past)

    def state_dict(self):
        return self.model._net.state_dict()

    def load_state_dict(self, state):
        self.model._net.load_state_dict(state)


def build(data, *, device, seed):
    return CaserAdapter(data, device, seed)
