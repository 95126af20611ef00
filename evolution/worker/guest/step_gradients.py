"""Gradients inside a kept step: what moves what, and how much."""

from __future__ import annotations

from typing import Any

import torch


def gradients(of: Any, to: list[Any], weights: Any = None) -> list[Any]:
    """d sum(weights * of) / d each of `to`, a zero-like None where nothing leads there; the step's graph stays as it is.

    weights: of the shape of `of`; random ones where None, so that sums that never change (of a normalised row) move as well.
    """
    if not of.requires_grad:
        return [None] * len(to)
    if weights is None:
        weights = random_like(of)
    usable = [one for one in to if one.requires_grad]
    found = (
        iter(torch.autograd.grad(of, usable, grad_outputs=weights, retain_graph=True, allow_unused=True))
        if usable
        else iter(())
    )
    return [next(found) if one.requires_grad else None for one in to]


def random_like(tensor: Any) -> Any:
    """Numbers around 1 of a generator of our own: the candidate's random numbers stay as they are."""
    generator = torch.Generator().manual_seed(5)
    return (0.5 + torch.rand(tensor.shape, generator=generator)).to(tensor)
