import math

import torch


class MetronAtK(object):
    """HR and NDCG among the candidates of evaluate_data; ties count against the held-out item"""

    def __init__(self, top_k):
        self.top_k = top_k

    def rank(self, scores, wanted):
        rivals = torch.cat([scores[:wanted], scores[wanted + 1 :]])
        return int((rivals >= scores[wanted]).sum())

    def evaluate(self, engine, rows):
        hits, gains, count = 0, 0.0, 0
        for user, recent, candidates in rows:
            n = len(candidates)
            items = torch.as_tensor(candidates)
            scores = engine.predict(
                torch.full((n,), int(user)), torch.as_tensor(recent).expand(n, -1), items
            )
            rank = self.rank(scores, n - 1)
            if rank < self.top_k:
                hits += 1
                gains += math.log(2) / math.log(rank + 2)
            count += 1
        return hits / count, gains / count
