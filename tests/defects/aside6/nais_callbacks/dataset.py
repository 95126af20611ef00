import csv

import numpy as np
import torch


class TrainData(object):
  """All examples of all users as tensors, and the negatives of the present epoch.

  An example is an event with at least one event before it. Items run from 1.
    history: (E, L) the newest events before it, filled up with 0 on the left
    target: (E,)
    weight: (E,) by the rating of the event, 1 on average
    negatives: (E, N)
  """

  def __init__(self, users, num_items, conf, seed):
    """users: list of (items, ratings), oldest first."""
    self.num_items = num_items
    self.conf = conf
    self.rng = np.random.RandomState(seed)

    history, target, weight, owner = [], [], [], []
    for u, (items, ratings) in enumerate(users):
      for t in range(1, len(items)):
        history.append(last_events(items[:t], conf.max_len))
        target.append(items[t])
        weight.append(ratings[t])
        owner.append(u)
    self.history = torch.from_numpy(np.stack(history))
    self.target = torch.tensor(target)
    self.weight = torch.tensor(weight, dtype=torch.float32)
    self.weight = self.weight / self.weight.mean()
    self.owner = np.array(owner)

    self.bought = np.zeros((len(users), num_items + 1), dtype=bool)
    for u, (items, _) in enumerate(users):
      self.bought[u, items] = True
    counts = np.bincount(np.concatenate([items for items, _ in users]), minlength=num_items + 1)[1:]
    self.popularity = np.sqrt(counts + 1.0)
    self.popularity = self.popularity / self.popularity.sum()
    self.negatives = None

  def __len__(self):
    return len(self.target)

  def _draw(self, size):
    uniform = self.rng.randint(1, self.num_items + 1, size)
    popular = self.rng.choice(self.num_items, size, p=self.popularity) + 1
    return np.where(self.rng.rand(*size) < self.conf.popular_share, popular, uniform)

  def resample(self):
    size = (len(self), self.conf.num_neg)
    drawn = self._draw(size)
    for _ in range(10):
      hit = self.bought[self.owner[:, None], drawn]
      if not hit.any():
        break
      drawn[hit] = self._draw((hit.sum(),))
    self.negatives = torch.from_numpy(drawn)

  def batches(self):
    order = torch.from_numpy(self.rng.permutation(len(self)))
    for rows in order.split(self.conf.batch_size):
      items = torch.cat([self.target[rows].unsqueeze(1), self.negatives[rows]], dim=1)
      labels = torch.zeros(items.shape)
      labels[:, 0] = 1
      yield self.history[rows], items, labels, self.weight[rows]


def last_events(items, max_len):
  row = np.zeros(max_len, dtype=np.int64)
  items = items[-max_len:]
  if len(items):
    row[-len(items):] = items
  return row


def load_csv(path):
  """user,item,timestamp,rating. Returns users with at least four events as (items, ratings), and the largest item."""
  logs = {}
  with open(path) as f:
    for row in csv.DictReader(f):
      logs.setdefault(row['user'], []).append((int(row['timestamp']), int(row['item']), float(row['rating'])))
  users = []
  for events in logs.values():
    events.sort()
    if len(events) > 3:
      users.append((np.array([e[1] for e in events]), np.array([e[2] for e in events])))
  return users, max(int(items.max()) for items, _ in users)
