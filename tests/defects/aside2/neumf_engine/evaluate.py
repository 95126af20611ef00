import math

import numpy as np
import torch


class MetronAtK(object):
    """HR and NDCG among the candidates of evaluate_data; ties count against the held-out item"""

    def __init__(self, top_k, chunk=256):
        self.top_k = top_k
        self.chunk = chunk

    def rank(self, scores, wanted):
        rivals = np.delete(scores, wanted)
        return int((rivals >= scores[wanted]).sum())

    def scored(self, engine, part):
        """one array of scores for each row of part"""
        sizes = [len(candidates) for _, _, candidates in part]
        users = np.repeat([user for user, _, _ in part], sizes)
        recent = np.repeat(np.stack([recent for _, recent, _ in part]), sizes, axis=0)
        items = np.concatenate([candidates for _, _, candidates in part])
        scores = engine.predict(torch.as_tensor(users), torch.as_tensor(recent), torch.as_tensor(items))
        return np.split(scores.cpu().numpy(), np.cumsum(sizes)[:-1])

    def evaluate(self, engine, rows):
        rows = list(rows)
        hits, gains = 0, 0.0
        for start in range(0, len(rows), self.chunk):
            for scores in self.scored(engine, rows[start : start + self.chunk]):
                rank = self.rank(scores, len(scores) - 1)
                if rank < self.top_k:
                    hits += 1
                    gains += math.log(2) / math.log(rank + 2)
        return hits / len(rows), gains / len(rows)
