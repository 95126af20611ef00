import copy
import math

import torch


class Callback:
    def on_train_start(self, trainer): ...
    def on_step_end(self, trainer): ...
    def on_epoch_end(self, trainer, logs): ...


class WarmupCosine(Callback):
    """Linear warm-up, then a cosine down to `floor` of the peak."""

    def __init__(self, warmup, total, floor=0.1):
        self.warmup, self.total, self.floor = warmup, total, floor

    def factor(self, step):
        if step < self.warmup:
            return (step + 1) / self.warmup
        done = min(1.0, (step - self.warmup) / max(1, self.total - self.warmup))
        return self.floor + (1 - self.floor) * 0.5 * (1 + math.cos(math.pi * done))

    def on_train_start(self, trainer):
        self.schedule = torch.optim.lr_scheduler.LambdaLR(trainer.optimizer, self.factor)

    def on_step_end(self, trainer):
        self.schedule.step()


class WeightAverage(Callback):
    """Exponential average of the weights; the model that answers."""

    def __init__(self, decay):
        self.decay = decay

    def on_train_start(self, trainer):
        self.model = copy.deepcopy(trainer.model).requires_grad_(False).eval()

    @torch.no_grad()
    def on_step_end(self, trainer):
        for mean, now in zip(self.model.parameters(), trainer.model.parameters()):
            mean.lerp_(now, 1 - self.decay)


class BestCheckpoint(Callback):
    def __init__(self, evaluate, pairs, average, patience):
        self.evaluate, self.pairs, self.average, self.patience = evaluate, pairs, average, patience
        self.best, self.state, self.waited = -1.0, None, 0

    def on_epoch_end(self, trainer, logs):
        logs["ndcg"] = self.evaluate(self.average.model, self.pairs)["ndcg"]
        if logs["ndcg"] > self.best:
            self.best, self.waited = logs["ndcg"], 0
            self.state = copy.deepcopy(self.average.model.state_dict())
        else:
            self.waited += 1
            trainer.stop = self.waited >= self.patience


def parameter_groups(model, decay):
    """Matrices of layers decay; tables, gains, biases do not."""
    tables = {id(model.items.weight)}
    plain = [p for p in model.parameters() if p.dim() < 2 or id(p) in tables]
    decayed = [p for p in model.parameters() if p.dim() >= 2 and id(p) not in tables]
    return [{"params": decayed, "weight_decay": decay}, {"params": plain, "weight_decay": 0.0}]


class Trainer:
    def __init__(self, model, loader, cfg, callbacks=()):
        self.model, self.loader, self.cfg = model, loader, cfg
        self.callbacks = list(callbacks)
        self.optimizer = torch.optim.AdamW(parameter_groups(model, cfg.weight_decay), lr=cfg.lr)
        self.stop = False

    def notify(self, event, *args):
        for callback in self.callbacks:
            getattr(callback, event)(self, *args)

    def step(self, seq, target):
        seq, target = seq.to(self.cfg.device), target.to(self.cfg.device)
        loss = self.model.training_loss(seq, target)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.cfg.clip)
        self.optimizer.step()
        self.notify("on_step_end")
        return loss.detach()

    def fit(self, epochs):
        self.notify("on_train_start")
        for epoch in range(epochs):
            self.model.train()
            losses = [self.step(seq, target) for seq, target in self.loader]
            logs = {"loss": torch.stack(losses).mean().item()}
            self.notify("on_epoch_end", logs)
            yield logs
            if self.stop:
                return
