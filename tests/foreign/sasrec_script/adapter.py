"""Plugs the script `main.py` into evolverec, without a change to the script.

The script's own split and evaluation are bypassed: it trains on all the events it is given, and is asked for scores.
"""

import random
import sys

import numpy as np
import torch


def _import_script():
    """`main` reads the command line when it is imported; let it find its defaults there."""
    own = sys.argv
    sys.argv = ["main.py"]
    try:
        import main
    finally:
        sys.argv = own
    return main


script = _import_script()


class Adapter:
    def __init__(self, data, args):
        self.args = args
        self.n_users, self.n_items = data.n_users, data.n_items
        self.histories = {
            user: data.items[data.offsets[user] : data.offsets[user + 1]].tolist()
            for user in range(1, data.n_users + 1)
        }
        self.net = script.Net(data.n_items, args).to(args.device)
        script.init_weights(self.net)
        self.adam = torch.optim.Adam(self.net.parameters(), lr=args.lr, betas=(0.9, 0.98))

    def fit(self):
        while True:
            yield {
                "loss": script.train_epoch(
                    self.net, self.adam, self.histories, self.n_users, self.n_items, self.args
                )
            }

    def score(self, users, histories):
        """The script answers one user at a time, for a sequence of exactly maxlen."""
        self.net.eval()
        histories = np.asarray(histories)
        items = np.arange(self.n_items + 1)
        scores = np.zeros((len(users), self.n_items + 1), np.float32)
        for row, (user, history) in enumerate(zip(users, histories)):
            seq = np.zeros(self.args.maxlen, np.int64)
            newest = history[-self.args.maxlen :]
            seq[len(seq) - len(newest) :] = newest
            scores[row] = self.net.predict(user, seq, items)
        return scores

    def item_embeddings(self):
        return self.net.emb.weight.detach()


def build(data, *, device, seed):
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    args = script.args
    args.device = device
    return Adapter(data, args)
