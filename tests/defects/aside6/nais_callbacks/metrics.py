import math

import numpy as np
import torch

from dataset import last_events


def evaluate(model, users, max_len, k):
  """users: list of (seen items, target). Hit rate and NDCG at k over all items that were not seen."""
  history = np.stack([last_events(seen, max_len) for seen, _ in users])
  scores = model.predict(torch.from_numpy(history)).numpy()
  scores[:, 0] = -np.inf
  for row, (seen, _) in enumerate(users):
    scores[row, seen] = -np.inf
  top = np.argsort(-scores, axis=1)[:, :k]
  hr, ndcg = [], []
  for row, (_, target) in enumerate(users):
    place = np.flatnonzero(top[row] == target)
    hr.append(float(len(place) > 0))
    ndcg.append(1.0 / math.log2(place[0] + 2) if len(place) else 0.0)
  return float(np.mean(hr)), float(np.mean(ndcg))
