"""Gaussian diffusion over vectors of items (Ho et al. 2020, Song et al. 2021); the net predicts the clean vector."""
from __future__ import annotations

from typing import Callable

import torch
from torch import Tensor


class GaussianDiffusion:
    def __init__(self, steps: int, low: float, high: float, device: str) -> None:
        beta = torch.linspace(low, high, steps, device=device)
        self.steps = steps
        self.kept = torch.cumprod(1 - beta, dim=0)  # variance of the signal after step t, close to 0 at the last

    def noised(self, clean: Tensor, t: Tensor) -> Tensor:
        """clean (B, I), t (B,) from 0 -> (B, I)"""
        kept = self.kept[t].unsqueeze(1)
        return kept.sqrt() * clean + (1 - kept).sqrt() * torch.randn_like(clean)

    def weight(self, t: Tensor, ceiling: float) -> Tensor:
        """Signal-to-noise ratio, cut at `ceiling` (Hang et al. 2023), relative to the ceiling."""
        ratio = self.kept[t] / (1 - self.kept[t])
        return ratio.clamp(max=ceiling) / ceiling

    @torch.no_grad()
    def restore(self, predict: Callable[[Tensor, Tensor], Tensor], n_rows: int, width: int) -> Tensor:
        """From the mean of the noise to a clean vector, without drawing anything (DDIM, eta = 0)."""
        x = torch.zeros(n_rows, width, device=self.kept.device)
        for step in reversed(range(self.steps)):
            t = torch.full((n_rows,), step, device=x.device)
            clean = predict(x, t)
            kept = self.kept[step]
            noise = (x - kept.sqrt() * clean) / (1 - kept).sqrt()
            before = self.kept[step - 1] if step > 0 else torch.ones_like(kept)
            x = before.sqrt() * clean + (1 - before).sqrt() * noise
        return x


class StepSampler:
    """Draws steps in proportion to the root of their mean squared loss (Nichol & Dhariwal 2021)."""

    def __init__(self, steps: int, memory: float, floor: float, device: str) -> None:
        self.square = torch.ones(steps, device=device)
        self.memory = memory
        self.floor = floor

    def probabilities(self) -> Tensor:
        p = self.square.sqrt()
        return (1 - self.floor) * p / p.sum() + self.floor / len(p)

    def draw(self, n: int) -> tuple[Tensor, Tensor]:
        """-> steps (n,), and weights (n,) that make a weighted mean that of uniform draws"""
        p = self.probabilities()
        t = torch.multinomial(p, n, replacement=True)
        return t, 1 / (p[t] * len(p))

    def learn(self, t: Tensor, losses: Tensor) -> None:
        """t (B,), losses (B,)"""
        total = torch.zeros_like(self.square).index_add_(0, t, losses.detach() ** 2)
        count = torch.zeros_like(self.square).index_add_(0, t, torch.ones_like(losses))
        drawn = count > 0
        mean = total[drawn] / count[drawn]
        self.square[drawn] = self.memory * self.square[drawn] + (1 - self.memory) * mean
