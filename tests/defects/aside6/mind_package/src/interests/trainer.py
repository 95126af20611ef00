from __future__ import annotations

import torch
from torch import nn
from torch.utils.data import DataLoader

from .config import TrainConfig
from .losses import overlap, ranking_loss
from .model import InterestModel


class Trainer:
    def __init__(self, model: InterestModel, loader: DataLoader, config: TrainConfig, device: torch.device) -> None:
        self.model = model
        self.loader = loader
        self.config = config
        self.device = device
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=config.lr, weight_decay=config.weight_decay)
        self.warmup = torch.optim.lr_scheduler.LambdaLR(
            self.optimizer, lambda step: min(1.0, (step + 1) / config.warmup_steps)
        )

    def epoch(self) -> dict[str, float]:
        self.model.train()
        total, seen = torch.zeros((), device=self.device), 0
        for _ in range(self.config.passes):
            for batch in self.loader:
                batch = batch.to(self.device)
                self.optimizer.zero_grad(set_to_none=True)
                logits, interests = self.model(batch.history, batch.target, batch.negatives)
                loss = ranking_loss(logits, self.config.label_smoothing)
                loss = loss + self.config.diversity * overlap(interests)
                loss.backward()
                nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip_norm)
                self.optimizer.step()
                self.warmup.step()
                total += loss.detach() * len(batch.target)
                seen += len(batch.target)
        return {"loss": float(total) / seen}
