import math

import torch


def ndcg_at_k(ranked, relevant, k):
    """ranked: list of ids, relevant: set of ids"""
    gain = sum(1 / math.log2(place + 2) for place, item in enumerate(ranked[:k]) if item in relevant)
    ideal = sum(1 / math.log2(place + 2) for place in range(min(k, len(relevant))))
    return gain / ideal if ideal else 0.0


class ValidationLoop:
    """Early stopping on a held-out part of the users."""

    def __init__(self, module, batches, patience=3):
        self.module = module
        self.batches = batches
        self.patience = patience
        self.best, self.bad, self.best_weights = -1.0, 0, None

    def run(self):
        self.module.eval()
        values = []
        with torch.no_grad():
            for x, relevant in self.batches:
                scores = self.module.predict_step(x)
                scores[:, 0] = float("-inf")
                scores.scatter_(1, x, float("-inf"))
                for row, wanted in zip(scores.topk(10).indices.tolist(), relevant):
                    values.append(ndcg_at_k(row, wanted, 10))
        return sum(values) / max(len(values), 1)

    def should_stop(self):
        val_ndcg = self.run()
        if val_ndcg > self.best:
            self.best, self.bad = val_ndcg, 0
            self.best_weights = {k: v.clone() for k, v in self.module.state_dict().items()}
        else:
            self.bad += 1
        return self.bad >= self.patience
