from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from .config import TransformerConfig
from .data import PAD, pad_right
from .model import NextItemTransformer


class Evaluator:
    """Full ranking of the catalogue for one held-out item per user."""

    def __init__(
        self,
        histories: dict[int, np.ndarray],
        targets: dict[int, int],
        cfg: TransformerConfig,
        device: torch.device,
    ) -> None:
        self.cfg = cfg
        self.device = device
        self.users = sorted(targets)
        self.histories = [torch.from_numpy(histories[u]) for u in self.users]
        self.targets = torch.tensor([targets[u] for u in self.users], device=device)

    def evaluate(self, model: NextItemTransformer) -> dict[str, float]:
        model.eval()
        ranks = []
        for start in range(0, len(self.users), self.cfg.eval_batch_size):
            stop = start + self.cfg.eval_batch_size
            ranks.append(self._ranks(model, self.histories[start:stop], self.targets[start:stop]))
        return self._metrics(torch.cat(ranks))

    def _ranks(self, model: NextItemTransformer, histories: list[Tensor], targets: Tensor) -> Tensor:
        tokens = pad_right([h[-self.cfg.max_len :] for h in histories]).to(self.device)
        lengths = (tokens != PAD).sum(dim=1)
        scores = model.predict(tokens, lengths)
        for row, history in enumerate(histories):
            scores[row, history.to(self.device)] = float("-inf")
        wanted = scores.gather(1, targets[:, None])
        better = (scores > wanted).sum(dim=1)
        ties = (scores == wanted).sum(dim=1) - 1
        return better + ties / 2  # 0-based; ties count half

    def _metrics(self, ranks: Tensor) -> dict[str, float]:
        hit = (ranks < self.cfg.top_k).float()
        gain = hit / torch.log2(ranks + 2)
        return {
            "hr": hit.mean().item(),
            "ndcg": gain.mean().item(),
            "mrr": (hit / (ranks + 1)).mean().item(),
        }
