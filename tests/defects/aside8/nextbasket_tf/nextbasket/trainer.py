from __future__ import annotations

import copy
import logging
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader

from .config import TransformerConfig
from .data import PAD, NextItemDataset, Sequences, collate_sequences
from .evaluation import Evaluator
from .model import NextItemTransformer

logger = logging.getLogger(__name__)


class Trainer:
    def __init__(
        self,
        model: NextItemTransformer,
        sequences: Sequences,
        cfg: TransformerConfig,
        device: torch.device,
    ) -> None:
        self.model = model
        self.cfg = cfg
        self.device = device
        self.loader = DataLoader(
            NextItemDataset(sequences, cfg.max_len),
            batch_size=cfg.batch_size,
            shuffle=True,
            collate_fn=collate_sequences,
            generator=torch.Generator().manual_seed(cfg.seed),
        )
        self.optimizer = torch.optim.AdamW(self._param_groups(), lr=cfg.lr, betas=cfg.betas)
        self.scheduler = LambdaLR(self.optimizer, lambda step: min(1.0, (step + 1) / cfg.warmup_steps))

    def _param_groups(self) -> list[dict[str, Any]]:
        """Decay matrices of the blocks; leave embeddings, biases and norms alone."""
        decay, no_decay = [], []
        for name, p in self.model.named_parameters():
            (decay if p.ndim >= 2 and "emb" not in name else no_decay).append(p)
        return [
            {"params": decay, "weight_decay": self.cfg.weight_decay},
            {"params": no_decay, "weight_decay": 0.0},
        ]

    def compute_loss(self, batch: dict[str, Tensor]) -> Tensor:
        tokens = batch["tokens"].to(self.device)
        targets = batch["targets"].to(self.device)
        logits = self.model(tokens)
        return F.cross_entropy(
            logits.flatten(0, 1),
            targets.flatten() - 1,
            ignore_index=PAD - 1,
            label_smoothing=self.cfg.label_smoothing,
        )

    def train_epoch(self) -> float:
        self.model.train()
        running = torch.zeros((), device=self.device)
        for batch in self.loader:
            self.optimizer.zero_grad(set_to_none=True)
            loss = self.compute_loss(batch)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.cfg.grad_clip)
            self.optimizer.step()
            self.scheduler.step()
            running += loss.detach()
        return (running / len(self.loader)).item()

    def run(self, valid: Evaluator, test: Evaluator, epochs: int, patience: int = 10) -> dict[str, float]:
        """Trains with early stopping; returns the test metrics of the best epoch on validation."""
        best_score, best_state, bad = -1.0, None, 0
        for epoch in range(1, epochs + 1):
            loss = self.train_epoch()
            valid_metrics = valid.evaluate(self.model)
            test_metrics = test.evaluate(self.model)
            logger.info("epoch %d loss %.4f valid %s test %s", epoch, loss, valid_metrics, test_metrics)
            score = valid_metrics["ndcg"]
            if score > best_score:
                best_score, bad = score, 0
                best_state = copy.deepcopy(self.model.state_dict())
            else:
                bad += 1
                if bad >= patience:
                    break
        if best_state is not None:
            self.model.load_state_dict(best_state)
        return test.evaluate(self.model)
