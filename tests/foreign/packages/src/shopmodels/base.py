from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn


class SequenceModel(nn.Module, ABC):
    @abstractmethod
    def score_pairs(self, visitors: Tensor, last: Tensor, products: Tensor) -> Tensor:
        """visitors, last (B,), products (B, n) -> scores (B, n)"""

    @torch.no_grad()
    def score_all(self, visitors: Tensor, last: Tensor) -> Tensor:
        """(B,), (B,) -> (B, n_products)"""
        every = torch.arange(self.n_products, device=visitors.device)
        return self.score_pairs(visitors, last, every.expand(len(visitors), -1))
