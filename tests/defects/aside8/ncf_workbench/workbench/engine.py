"""The engine: optimiser, schedule, training epochs, evaluation, early stopping."""

from __future__ import annotations

import copy
import math

import numpy as np
import torch
from torch import nn

from workbench.interactions import Interactions
from workbench.metrics import Ranks
from workbench.sampling import InstanceFeed


class EarlyStopping:
    """Remembers the weights of the best epoch."""

    def __init__(self, patience: int) -> None:
        self.patience = patience
        self.best = -math.inf
        self.bad_epochs = 0
        self.weights: dict | None = None

    def update(self, value: float, model: nn.Module) -> bool:
        """True when it is time to stop."""
        if value > self.best:
            self.best = value
            self.bad_epochs = 0
            self.weights = copy.deepcopy(model.state_dict())
        else:
            self.bad_epochs += 1
        return self.bad_epochs >= self.patience


class Engine:
    """Trains `model` on `train`. Subclass and override `batch_loss` for another objective."""

    def __init__(
        self, model: nn.Module, train: Interactions, settings: dict, device: str = "cpu", seed: int | None = None
    ) -> None:
        self.settings = settings
        self.device = torch.device(device)
        self.model = model.to(self.device)
        self.feed = InstanceFeed(train, settings, settings["seed"] if seed is None else seed)
        self.criterion = nn.BCEWithLogitsLoss()
        self.optimizer = torch.optim.Adam(self.param_groups(), lr=settings["adam_lr"])
        self.scheduler = torch.optim.lr_scheduler.LambdaLR(self.optimizer, self.lr_factor)

    def param_groups(self) -> list[dict]:
        """Weight decay for matrices of the network only, as embeddings and biases do not want it."""
        decayed, free = [], []
        for name, parameter in self.model.named_parameters():
            matrix = name.endswith("weight") and "embedding" not in name and "bias" not in name
            (decayed if matrix else free).append(parameter)
        return [
            {"params": decayed, "weight_decay": self.settings["l2_regularization"]},
            {"params": free, "weight_decay": 0.0},
        ]

    def lr_factor(self, step: int) -> float:
        """Linear warm-up, then a cosine down to the floor at the end of the last epoch."""
        warmup, floor = self.settings["warmup_steps"], self.settings["lr_floor"]
        total = self.settings["num_epoch"] * len(self.feed)
        if step < warmup:
            return (step + 1) / warmup
        progress = min(1.0, (step - warmup) / max(1, total - warmup))
        return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * progress))

    def batch_loss(self, users: torch.Tensor, items: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return self.criterion(self.model(users, items), labels)

    def train_an_epoch(self) -> float:
        self.model.train()
        total, count = torch.zeros((), device=self.device), 0
        for arrays in self.feed.epoch():
            users, items, labels = (torch.from_numpy(a).to(self.device) for a in arrays)
            self.optimizer.zero_grad()
            loss = self.batch_loss(users, items, labels)
            loss.backward()
            self.optimizer.step()
            self.scheduler.step()
            total += loss.detach() * len(users)
            count += len(users)
        return (total / count).item()

    @torch.no_grad()
    def score_all(self, users: np.ndarray) -> torch.Tensor:
        self.model.eval()
        return self.model.all_items(torch.as_tensor(users, device=self.device))

    @torch.no_grad()
    def evaluate(self, held_out: Interactions, candidates: np.ndarray, batch_size: int = 512) -> Ranks:
        """Where each target stands among its candidates."""
        self.model.eval()
        ranks = Ranks(self.settings["topk"])
        for start in range(0, len(held_out), batch_size):
            rows = slice(start, start + batch_size)
            lists = torch.from_numpy(candidates[rows]).to(self.device)
            users = torch.from_numpy(held_out.users[rows]).to(self.device)
            scores = self.model(users.unsqueeze(1).expand_as(lists), lists)
            is_target = candidates[rows] == held_out.items[rows, None]
            ranks.add(scores.cpu().numpy(), is_target)
        return ranks

    def run(self, valid: Interactions, valid_lists: np.ndarray) -> float:
        """Trains until the validation NDCG no longer grows, then goes back to its best epoch."""
        stopper = EarlyStopping(self.settings["patience"])
        for epoch in range(self.settings["num_epoch"]):
            loss = self.train_an_epoch()
            ranks = self.evaluate(valid, valid_lists)
            print(f"[epoch {epoch}] loss {loss:.4f}  HR {ranks.hit_ratio():.4f}  NDCG {ranks.ndcg():.4f}")
            if stopper.update(ranks.ndcg(), self.model):
                break
        self.model.load_state_dict(stopper.weights)
        return stopper.best
