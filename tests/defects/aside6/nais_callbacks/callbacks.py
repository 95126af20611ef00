import copy

from metrics import evaluate


class Callback(object):
  trainer = None

  def on_pass_begin(self):
    pass

  def on_epoch_end(self):
    pass


class Resample(Callback):
  """New negatives for every pass."""

  def on_pass_begin(self):
    self.trainer.data.resample()


class StepDecay(Callback):

  def __init__(self, every, factor):
    self.every = every
    self.factor = factor
    self.epochs = 0

  def on_epoch_end(self):
    self.epochs += 1
    if self.epochs % self.every == 0:
      for group in self.trainer.optimizer.param_groups:
        group['lr'] *= self.factor


class Validate(Callback):

  def __init__(self, users, k):
    """users: list of (seen items, target)."""
    self.users = users
    self.k = k

  def on_epoch_end(self):
    hr, ndcg = evaluate(self.trainer.model, self.users, self.trainer.conf.max_len, self.k)
    self.trainer.logs.update(hr=hr, ndcg=ndcg)


class Print(Callback):

  def on_epoch_end(self):
    print('  '.join('%s %.4f' % pair for pair in self.trainer.logs.items()))


class KeepBest(Callback):
  """Remembers the weights of the best epoch, and stops after `patience` epochs without a better one."""

  def __init__(self, monitor, patience):
    self.monitor = monitor
    self.patience = patience
    self.best = None
    self.state = None
    self.waited = 0

  def on_epoch_end(self):
    value = self.trainer.logs[self.monitor]
    if self.best is None or value > self.best:
      self.best = value
      self.state = copy.deepcopy(self.trainer.model.state_dict())
      self.waited = 0
    else:
      self.waited += 1
      self.trainer.stop = self.waited >= self.patience

  def restore(self):
    self.trainer.model.load_state_dict(self.state)
