from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def step_embedding(t: Tensor, dim: int, longest: float = 100.0) -> Tensor:
    """t (B,) -> (B, dim): cosines, then sines"""
    freq = torch.exp(-math.log(longest) * torch.arange(dim // 2, device=t.device) / (dim // 2))
    angle = t.unsqueeze(1).float() * freq
    return torch.cat([angle.cos(), angle.sin()], dim=1)


class Residual(nn.Module):
    def __init__(self, dim: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.up = nn.Linear(dim, 2 * dim)
        self.down = nn.Linear(2 * dim, dim)
        self.shift = nn.Linear(dim, dim)
        self.drop = nn.Dropout(dropout)

    def forward(self, h: Tensor, step: Tensor) -> Tensor:
        z = self.norm(h) + self.shift(step)
        return h + self.down(self.drop(F.silu(self.up(z))))


class Denoiser(nn.Module):
    """Predicts the clean vector of what comes next from a noisy one, its step, and what came before."""

    def __init__(self, n_items: int, dim: int, step_dim: int, depth: int, dropout: float) -> None:
        super().__init__()
        self.width = n_items + 1
        self.step_dim = step_dim
        self.noisy = nn.Linear(self.width, dim)
        self.past = nn.Embedding(self.width, dim, padding_idx=0)
        self.newest = nn.Embedding(self.width, dim, padding_idx=0)
        self.nobody = nn.Parameter(torch.zeros(dim))
        self.step = nn.Sequential(nn.Linear(step_dim, dim), nn.SiLU(), nn.Linear(dim, dim))
        self.blocks = nn.ModuleList(Residual(dim, dropout) for _ in range(depth))
        self.norm = nn.LayerNorm(dim)
        self.out = nn.Linear(dim, self.width)
        self.drop = nn.Dropout(dropout)
        for table in (self.past, self.newest):
            nn.init.normal_(table.weight, std=0.5)
            with torch.no_grad():
                table.weight[0] = 0

    def condition(self, history: Tensor, fade: float) -> Tensor:
        """history (B, L) left-padded with 0 -> (B, D)"""
        age = torch.arange(history.size(1) - 1, -1, -1, device=history.device)
        weight = (history > 0) * fade ** age
        weight = weight / weight.sum(1, keepdim=True).clamp(min=1e-9)
        mean = torch.einsum("bl,bld->bd", weight, self.past(history))
        return self.drop(mean + self.newest(history[:, -1]))

    def forward(self, x: Tensor, t: Tensor, condition: Tensor) -> Tensor:
        step = self.step(step_embedding(t, self.step_dim))
        h = self.noisy(x) + condition
        for block in self.blocks:
            h = block(h, step)
        return self.out(self.norm(h))
