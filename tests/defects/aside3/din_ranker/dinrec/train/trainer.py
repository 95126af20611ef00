import copy

import torch
from torch import nn

from .schedule import linear_warmup


class Trainer:
    def __init__(self, network, loader, validator, settings, device):
        self.network = network
        self.loader = loader
        self.validator = validator
        self.settings = settings
        self.device = device
        self.criterion = nn.BCEWithLogitsLoss()
        self.optimizer = torch.optim.AdamW(
            network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
        )
        self.schedule = linear_warmup(self.optimizer, settings.warmup_steps)
        self.best_ndcg = 0.0
        self.best_weights = None
        self.stale = 0

    def run(self):
        epoch = 0
        while True:
            epoch += 1
            loss = self.train_epoch()
            figures = self.validator.measure(self.network, self.device)
            self.remember(figures)
            yield {"epoch": epoch, "logloss": loss, **figures, "epochs_without_gain": self.stale}

    def train_epoch(self):
        self.network.train()
        total, count = torch.zeros((), device=self.device), 0
        for batch in self.loader:
            history, candidates, labels = (tensor.to(self.device) for tensor in batch)
            loss = self.train_step(history, candidates, labels)
            total += loss * len(history)
            count += len(history)
        return (total / count).item()

    def train_step(self, history, candidates, labels):
        self.optimizer.zero_grad(set_to_none=True)
        logits = self.network(history, candidates)
        loss = self.criterion(logits, labels)
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), self.settings.max_grad_norm)
        self.optimizer.step()
        self.schedule.step()
        return loss.detach()

    def remember(self, figures):
        if figures["valid_ndcg"] > self.best_ndcg:
            self.best_ndcg = figures["valid_ndcg"]
            self.best_weights = copy.deepcopy(self.network.state_dict())
            self.stale = 0
        else:
            self.stale += 1
