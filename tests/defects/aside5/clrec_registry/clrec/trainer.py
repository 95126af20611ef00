from __future__ import annotations

import torch
from torch import nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict]:
    """Matrices of layers decay; tables, biases and norms do not."""
    tables = {id(m.weight) for m in model.modules() if isinstance(m, nn.Embedding)}
    decay = [p for p in model.parameters() if p.ndim > 1 and id(p) not in tables]
    rest = [p for p in model.parameters() if p.ndim <= 1 or id(p) in tables]
    return [{"params": decay, "weight_decay": weight_decay}, {"params": rest, "weight_decay": 0.0}]


class Trainer:
    def __init__(self, model: nn.Module, loader, conf: dict, device):
        self.model = model
        self.loader = loader
        self.conf = conf
        self.device = device
        self.optimizer = AdamW(parameter_groups(model, conf["weight_decay"]), lr=conf["lr"])
        warmup = conf["warmup_steps"]
        self.scheduler = LambdaLR(self.optimizer, lambda step: min(1.0, (step + 1) / warmup))

    def epoch(self) -> dict[str, float]:
        self.model.train()
        sums: dict[str, torch.Tensor] = {}
        steps = 0
        for _ in range(self.conf["passes"]):
            for batch in self.loader:
                loss, parts = self.model.loss(batch.to(self.device))
                self.optimizer.zero_grad(set_to_none=True)
                loss.backward()
                nn.utils.clip_grad_norm_(self.model.parameters(), self.conf["clip"])
                self.optimizer.step()
                self.scheduler.step()
                for name, value in {"loss": loss.detach(), **parts}.items():
                    sums[name] = sums.get(name, 0.0) + value
                steps += 1
        return {name: float(value) / steps for name, value in sums.items()}
