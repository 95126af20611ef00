"""The vectors of a kept step by their values, so that those of scoring can be found among them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch

MOST = 400_000  # vectors of one width
LOOKED_FOR = 64  # vectors of a tensor, spread over it
CLOSE = 1e-4  # of a vector's length
FOUND = 0.7  # of those that were looked for
LEAST_WIDTH = 3


class Vectors:
    """All last dimensions of some tensors."""

    def __init__(self, tensors: Iterable[Any]) -> None:
        self._by_width: dict[int, list[Any]] = {}
        self._ready: dict[int, tuple[Any, Any]] = {}
        seen: set[int] = set()
        for one in tensors:
            if (
                id(one) in seen
                or not one.is_floating_point()
                or one.layout is not torch.strided
                or one.dim() < 2
            ):
                continue
            seen.add(id(one))
            for turned in (one, one.transpose(-1, -2)):
                if LEAST_WIDTH <= turned.shape[-1] <= 8192:
                    self._by_width.setdefault(turned.shape[-1], []).append(
                        turned.detach().reshape(-1, turned.shape[-1])
                    )

    def knows(self, width: int) -> bool:
        """Whether there are vectors of this width."""
        return width in self._by_width

    def has(self, tensor: Any) -> bool:
        """Whether most vectors of a tensor are among them; zeros are nobody's."""
        if tensor.layout is not torch.strided or tensor.dim() < 2:
            return False
        rows = tensor.detach().reshape(-1, tensor.shape[-1]).float()
        rows = rows[rows.abs().amax(1) > 0]
        if not len(rows) or tensor.shape[-1] not in self._by_width:
            return False
        rows = rows[torch.linspace(0, len(rows) - 1, min(LOOKED_FOR, len(rows))).long()]
        return float(self._found(rows).float().mean()) >= FOUND

    def _found(self, rows: Any) -> Any:
        held, marks = self._sorted(rows.shape[-1])
        wanted = rows @ self._weights(rows)
        at = torch.searchsorted(marks, wanted)
        near = torch.stack([(at + by).clamp(0, len(marks) - 1) for by in (-2, -1, 0, 1, 2)], 1)
        apart = (held[near] - rows[:, None]).norm(dim=-1).amin(1)
        return apart <= CLOSE * rows.norm(dim=-1)

    def _sorted(self, width: int) -> tuple[Any, Any]:
        if width not in self._ready:
            held = torch.cat(self._by_width[width])[:MOST].float()
            marks, order = (held @ self._weights(held)).sort()
            self._ready[width] = (held[order], marks)
        return self._ready[width]

    @staticmethod
    def _weights(rows: Any) -> Any:
        generator = torch.Generator().manual_seed(3)
        return torch.randn(rows.shape[-1], generator=generator).to(rows)
