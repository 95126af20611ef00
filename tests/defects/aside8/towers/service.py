import numpy as np
import torch

from events import group, last_events
from towers import TwoTower
from train import Learner, get_parser


class RetrievalService:
    def __init__(self, data, opt):
        self.opt = opt
        order = np.lexsort((np.asarray(data.timestamps), np.asarray(data.users)))
        by_user = group(np.asarray(data.users)[order], np.asarray(data.items)[order])
        self.model = TwoTower(int(data.n_items), opt).to(opt.device)
        self.learner = Learner(self.model, by_user, opt)

    def fit(self):
        while True:
            yield {"in_batch_softmax": self.learner.one_epoch()}

    def score(self, users, histories):
        self.model.eval()
        hist = last_events(np.asarray(histories), self.opt.max_hist).to(self.opt.device)
        return self.model.rank_scores(hist).cpu().numpy()

    def item_embeddings(self):
        self.model.eval()
        with torch.no_grad():
            return self.model.all_items().cpu().numpy()

    def state_dict(self):
        return self.model.state_dict()

    def load_state_dict(self, state):
        self.model.load_state_dict(state)


def build(data, *, device, seed):
    opt = get_parser().parse_args([])
    opt.device, opt.seed = device, seed
    torch.manual_seed(seed)
    return RetrievalService(data, opt)
