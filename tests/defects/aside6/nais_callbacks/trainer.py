import torch
import torch.nn.functional as F


class Trainer(object):
  """Runs epochs and tells the callbacks."""

  def __init__(self, model, data, conf, callbacks=(), device='cpu'):
    self.model = model
    self.data = data
    self.conf = conf
    self.device = device
    self.optimizer = torch.optim.Adam(model.parameters(), lr=conf.lr, weight_decay=conf.weight_decay)
    self.logs = {}
    self.stop = False
    self.callbacks = list(callbacks)
    for callback in self.callbacks:
      callback.trainer = self

  def _tell(self, event):
    for callback in self.callbacks:
      getattr(callback, event)()

  def loss(self, history, items, labels, weight):
    logits = self.model(history, items)
    each = F.binary_cross_entropy_with_logits(logits, labels, reduction='none')  # [B, 1 + N]
    each = each.sum(dim=1)
    loss = (each * weight).mean()
    return loss + self.conf.reg * self.model.regularization(history, items)

  def step(self, batch):
    batch = [tensor.to(self.device) for tensor in batch]
    self.optimizer.zero_grad()
    loss = self.loss(*batch)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.conf.clip)
    self.optimizer.step()
    return loss.detach()

  def run_epoch(self):
    self.model.train()
    total, steps = 0.0, 0
    for _ in range(self.conf.passes):
      self._tell('on_pass_begin')
      for batch in self.data.batches():
        total += self.step(batch)
        steps += 1
    self.logs = {'loss': float(total) / steps}
    self._tell('on_epoch_end')
    return self.logs

  def fit(self):
    for _ in range(self.conf.epochs):
      self.run_epoch()
      if self.stop:
        break
