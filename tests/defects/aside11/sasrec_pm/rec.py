import numpy as np
import torch

from main import get_parser, new_model, train_epoch
from utils import WarpSampler, to_seq


class Recommender:
    def __init__(self, data, device, seed):
        self.args = get_parser().parse_args([])
        self.args.device, self.args.seed = device, seed
        torch.manual_seed(seed)
        self.itemnum = data.n_items
        self.user_train = {}
        for u in range(1, data.n_users + 1):
            items = data.items[data.offsets[u]:data.offsets[u + 1]]
            self.user_train[u] = [int(i) for i in items]
        self.model = new_model(data.n_users, data.n_items, self.args)

    def fit(self):
        args = self.args
        sampler = WarpSampler(self.user_train, self.itemnum, args.batch_size, args.maxlen, args.seed)
        num_batch = (len(self.user_train) - 1) // args.batch_size + 1
        bce = torch.nn.BCEWithLogitsLoss()
        adam = torch.optim.Adam(self.model.parameters(), lr=args.lr, betas=(0.9, 0.98))
        try:
            for _ in range(args.num_epochs):
                yield {"loss": train_epoch(self.model, sampler, num_batch, bce, adam, args)}
        finally:
            sampler.close()

    @torch.no_grad()
    def score(self, users, histories):
        self.model.eval()
        seqs = np.array([to_seq(h[h > 0], self.args.maxlen) for h in np.asarray(histories)])
        everything = np.tile(np.arange(self.itemnum + 1), (len(seqs), 1))
        return self.model.predict(users, seqs, everything).cpu().numpy()

    def state_dict(self):
        return self.model.state_dict()

    def load_state_dict(self, state):
        self.model.load_state_dict(state)


def build(data, *, device, seed):
    return Recommender(data, device, seed)
