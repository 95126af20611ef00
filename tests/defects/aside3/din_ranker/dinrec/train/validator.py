import numpy as np
import torch


class Validator:
    """NDCG and hit rate of held-out events among candidates that are drawn once."""

    def __init__(self, examples, owned, settings, n_items):
        self.examples = examples
        self.top_k = settings.top_k
        self.candidates = self._draw(examples, owned, settings.num_candidates, n_items)

    def _draw(self, examples, owned, n, n_items):
        rng = np.random.default_rng(2024)
        rows = []
        for user, target in zip(examples.users, examples.target):
            free = np.flatnonzero(~owned[user])
            free = free[(free > 0) & (free != target)]
            others = rng.choice(free, size=min(n, len(free)), replace=False)
            others = np.pad(others, (0, n - len(others)))
            rows.append(np.concatenate([[target], others]))
        return np.stack(rows)

    @torch.no_grad()
    def measure(self, network, device):
        network.eval()
        history = torch.as_tensor(self.examples.history, device=device)
        candidates = torch.as_tensor(self.candidates, device=device)
        scores = network(history, candidates)
        scores = scores.masked_fill(candidates == 0, -torch.inf)
        rank = (scores[:, 1:] >= scores[:, :1]).sum(dim=1)
        hit = rank < self.top_k
        ndcg = hit / torch.log2(rank + 2.0)
        return {"valid_hit": hit.float().mean().item(), "valid_ndcg": ndcg.mean().item()}
