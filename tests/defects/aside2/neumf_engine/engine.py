import copy

import torch
from torch import nn


def use_optimizer(network, params):
    if params["optimizer"] == "sgd":
        return torch.optim.SGD(network.parameters(), lr=params["sgd_lr"], momentum=params["sgd_momentum"])
    if params["optimizer"] == "adam":
        return torch.optim.Adam(
            network.parameters(), lr=params["adam_lr"], weight_decay=params["l2_regularization"]
        )
    raise ValueError(params["optimizer"])


class Engine(object):
    """Meta engine: subclasses set self.model and call super().__init__ last"""

    def __init__(self, config):
        self.config = config
        self.device = torch.device(config.get("device", "cpu"))
        self.model.to(self.device)
        self.opt = use_optimizer(self.model, config)
        self.scheduler = torch.optim.lr_scheduler.ExponentialLR(self.opt, gamma=config["lr_gamma"])
        self.crit = nn.BCEWithLogitsLoss()

    def train_single_batch(self, users, recent, items, ratings):
        self.opt.zero_grad()
        logits = self.model(users, recent, items)
        loss = self.crit(logits, ratings)
        loss.backward()
        self.opt.step()
        return loss.detach()

    def train_an_epoch(self, train_loader):
        self.model.train()
        losses = []
        for batch in train_loader:
            users, recent, items, ratings = (x.to(self.device) for x in batch)
            losses.append(self.train_single_batch(users, recent, items, ratings))
        self.scheduler.step()
        return float(torch.stack(losses).mean())

    @torch.no_grad()
    def predict(self, users, recent, items):
        self.model.eval()
        return self.model(users.to(self.device), recent.to(self.device), items.to(self.device))

    def snapshot(self):
        return copy.deepcopy(self.model.state_dict())

    def restore(self, state):
        self.model.load_state_dict(state)
