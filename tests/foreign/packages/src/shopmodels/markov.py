import torch
from torch import Tensor, nn

from .base import SequenceModel


class MarkovFactors(SequenceModel):
    """Who someone is, plus what was bought last: two factorisations in one (as FPMC)."""

    def __init__(self, n_visitors: int, n_products: int, dim: int) -> None:
        super().__init__()
        self.n_products = n_products
        self.visitor = nn.Embedding(n_visitors, dim)
        self.wanted = nn.Embedding(n_products, dim)
        self.last = nn.Embedding(n_products, dim)
        self.next = nn.Embedding(n_products, dim)
        self.bias = nn.Embedding(n_products, 1)
        for table in (self.visitor, self.wanted, self.last, self.next):
            nn.init.normal_(table.weight, std=0.1)
        nn.init.zeros_(self.bias.weight)

    def score_pairs(self, visitors: Tensor, last: Tensor, products: Tensor) -> Tensor:
        taste = torch.einsum("bd,bnd->bn", self.visitor(visitors), self.wanted(products))
        follows = torch.einsum("bd,bnd->bn", self.last(last), self.next(products))
        return taste + follows + self.bias(products).squeeze(-1)
