"""python run.py LOG.csv, or build() for the shop."""
import sys

import numpy as np
import torch

from callbacks import KeepBest, Print, Resample, StepDecay, Validate
from conf import load_conf
from dataset import TrainData, last_events, load_csv
from metrics import evaluate
from nais import NAIS
from trainer import Trainer


class ShopNAIS(object):

  def __init__(self, log, conf, device, seed):
    self.conf = conf
    self.device = device
    users = []
    for u in range(1, log.n_users + 1):
      rows = slice(log.offsets[u], log.offsets[u + 1])
      items = np.asarray(log.items[rows])
      ratings = np.ones(len(items)) if log.ratings is None else np.asarray(log.ratings[rows])
      users.append((items, ratings))
    self.model = NAIS(log.n_items, conf).to(device)
    data = TrainData(users, log.n_items, conf, seed)
    callbacks = [Resample(), StepDecay(conf.lr_decay_every, conf.lr_decay)]
    self.trainer = Trainer(self.model, data, conf, callbacks, device)

  def fit(self):
    while True:
      yield self.trainer.run_epoch()

  def score(self, users, histories):
    rows = [last_events(row[row > 0], self.conf.max_len) for row in np.asarray(histories)]
    return self.model.predict(torch.from_numpy(np.stack(rows)).to(self.device)).cpu().numpy()

  def state_dict(self):
    return self.model.state_dict()

  def load_state_dict(self, state):
    self.model.load_state_dict(state)


def build(log, *, device, seed):
  torch.manual_seed(seed)
  return ShopNAIS(log, load_conf(), torch.device(device), seed)


def main(path):
  conf = load_conf()
  torch.manual_seed(conf.seed)
  users, num_items = load_csv(path)
  train = [(items[:-2], ratings[:-2]) for items, ratings in users]
  valid = [(items[:-2], items[-2]) for items, _ in users]
  test = [(items[:-1], items[-1]) for items, _ in users]

  model = NAIS(num_items, conf)
  keep = KeepBest('ndcg', conf.patience)
  callbacks = [
      Resample(),
      StepDecay(conf.lr_decay_every, conf.lr_decay),
      Validate(valid, conf.top_k),
      Print(),
      keep,
  ]
  Trainer(model, TrainData(train, num_items, conf, conf.seed), conf, callbacks).fit()
  keep.restore()
  print('test HR %.4f NDCG %.4f' % evaluate(model, test, conf.max_len, conf.top_k))


if __name__ == '__main__':
  main(sys.argv[1])
