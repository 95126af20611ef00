import numpy as np
import torch

from events import last_events


class Candidates:
    """Each test user's item among n_cand items that the user never touched; drawn once."""

    def __init__(self, by_user, users, items, n_items, opt):
        self.opt = opt
        self.hist = last_events([by_user[u] for u in users.tolist()], opt.max_hist)
        rng = np.random.default_rng(opt.seed)
        rows = []
        for u, target in zip(users.tolist(), items.tolist()):
            unseen = np.setdiff1d(np.arange(1, n_items + 1), np.append(by_user[u], target))
            rows.append(rng.choice(unseen, size=min(opt.n_cand, len(unseen)), replace=False))
        width = min(map(len, rows))
        self.negatives = torch.from_numpy(np.stack([r[:width] for r in rows]))
        self.targets = torch.from_numpy(np.asarray(items, dtype=np.int64))

    @torch.no_grad()
    def __call__(self, model, k=10):
        model.eval()
        ranks = []
        for hist, neg, pos in zip(self.hist.split(512), self.negatives.split(512), self.targets.split(512)):
            scores = model.rank_scores(hist.to(self.opt.device)).cpu()
            target_score = scores.gather(1, pos.unsqueeze(1))
            ranks.append((scores.gather(1, neg) >= target_score).sum(dim=1))
        ranks = torch.cat(ranks)
        hit = (ranks < k).float()
        return hit.mean().item(), (hit / torch.log2(ranks + 2.0)).mean().item()
