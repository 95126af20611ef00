from __future__ import annotations

import copy
import math

import numpy as np
import torch
from torch import Tensor, nn

from .config import Config
from .data import SequenceDataset, make_loader, pad_left
from .losses import info_nce, next_item_loss
from .model import Encoder


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict]:
    """Decay for the matrices of layers; none for tables, norms and biases."""
    tables = {id(m.weight) for m in model.modules() if isinstance(m, nn.Embedding)}
    decayed = [p for p in model.parameters() if p.ndim > 1 and id(p) not in tables]
    others = [p for p in model.parameters() if p.ndim <= 1 or id(p) in tables]
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]


def warm_then_cosine(step: int, warmup: int, total: int) -> float:
    if step < warmup:
        return (step + 1) / warmup
    progress = min(1.0, (step - warmup) / max(1, total - warmup))
    return 0.5 * (1 + math.cos(math.pi * progress))


class Average:
    """An exponential average of the weights; it answers the questions."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self.decay = decay
        self.steps = 0

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        self.steps += 1
        decay = min(self.decay, self.steps / (self.steps + 9))
        for averaged, weight in zip(self.model.parameters(), model.parameters()):
            averaged.lerp_(weight, 1 - decay)


class Trainer:
    def __init__(self, sequences: list[np.ndarray], category: np.ndarray, config: Config, device: torch.device) -> None:
        train = config.train
        self.config = config
        self.device = device
        dataset = SequenceDataset(
            sequences, len(category) - 1, config.model.max_len, train.substitute, config.seed
        )
        self.loader = make_loader(dataset, train.batch_size, config.seed)
        self.model = Encoder(category, config.model).to(device)
        self.average = Average(self.model, train.average)
        self.optimizer = torch.optim.AdamW(parameter_groups(self.model, train.weight_decay), lr=train.lr)
        total = train.epochs * train.repeats * math.ceil(len(self.loader) / train.accumulate)
        self.schedule = torch.optim.lr_scheduler.LambdaLR(
            self.optimizer, lambda step: warm_then_cosine(step, train.warmup_steps, total)
        )

    def loss(self, batch) -> Tensor:
        train = self.config.train
        hidden = self.model(batch.items)
        other = self.model(batch.view)
        ranking = next_item_loss(hidden, batch.labels, self.model.table(), train.label_smoothing)
        contrast = info_nce(hidden[:, -1], other[:, -1], batch.users, train.temperature)
        return ranking + train.contrast * contrast

    def epoch(self) -> dict[str, float]:
        self.model.train()
        train = self.config.train
        losses = []
        for _ in range(train.repeats):
            for index, batch in enumerate(self.loader, start=1):
                loss = self.loss(batch.to(self.device))
                (loss / train.accumulate).backward()
                losses.append(loss.detach())
                if index % train.accumulate == 0 or index == len(self.loader):
                    nn.utils.clip_grad_norm_(self.model.parameters(), train.clip)
                    self.optimizer.step()
                    self.optimizer.zero_grad()
                    self.schedule.step()
                    self.average.update(self.model)
        return {"loss": float(torch.stack(losses).mean())}

    @torch.no_grad()
    def scores(self, histories: list[np.ndarray]) -> np.ndarray:
        """-> (B, n_items + 1)"""
        rows = pad_left([row[-self.config.model.max_len :] for row in histories])
        return self.average.model.scores(rows.to(self.device)).cpu().numpy()
