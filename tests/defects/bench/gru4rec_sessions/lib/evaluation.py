import numpy as np
import torch


def get_recall(indices, targets):
    """indices (B, k), targets (B,)"""
    hits = (indices == targets.view(-1, 1)).any(1)
    return hits.float().mean().item()


def get_mrr(indices, targets):
    place = (indices == targets.view(-1, 1)).nonzero()
    if len(place) == 0:
        return 0.0
    return (1.0 / (place[:, 1] + 1).float()).sum().item() / len(targets)


class Evaluation:
    """Against 100 sampled items, the same ones at every call."""

    def __init__(self, model, n_items, k=20, seed=22):
        self.model = model
        self.k = k
        self.rng = np.random.RandomState(seed)
        self.n_items = n_items
        self.cands = {}

    def candidates(self, user, target, seen):
        if user not in self.cands:
            free = np.setdiff1d(np.arange(1, self.n_items + 1), list(seen) + [target])
            self.cands[user] = self.rng.permutation(
                np.append(self.rng.choice(free, min(100, len(free)), replace=False), target)
            )
        return self.cands[user]

    def eval(self, sessions, targets):
        self.model.eval()
        recalls, mrrs = [], []
        with torch.no_grad():
            for user, seq in sessions.items():
                hidden = self.model.init_hidden(1)
                _, hidden = self.model(torch.tensor(seq).view(-1, 1), hidden)
                items = torch.as_tensor(self.candidates(user, targets[user], seq))
                logit = self.model.scores_of(hidden[-1], items)
                top = items[logit.topk(self.k).indices]
                goal = torch.tensor([targets[user]])
                recalls.append(get_recall(top, goal))
                mrrs.append(get_mrr(top, goal))
        return np.mean(recalls), np.mean(mrrs)
