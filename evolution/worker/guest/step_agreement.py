"""Do numbers of a kept step rank items as other scores do? Scores are compared up to a scale and a constant for each row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from .step_kept import Call, KeptStep
from .step_rows import SHIFTS, Asked, Events, facts_lookups, index_lookups

MOST_COMPARED = 40_000_000  # numbers of one tensor
LEAST_ITEMS = 5  # of a row, to be compared by themselves
MOST_PAIRS = 12  # look-ups whose differences are tried


class Candidates:
    """ids: (N,) of items that a tensor's last dimension may stand for; or (B,), (B, K) beside rows. As the log counts them."""

    def __init__(self, step: KeptStep, events: Events) -> None:
        n = events.n_items
        self.columns: dict[int, list[Any]] = {
            n: [np.arange(1, n + 1)],
            **{n + more: [np.arange(n + more)] for more in (1, 2, 3)},
        }
        self.beside: list[Any] = []
        looked_up = [found for _, found in index_lookups(step, n)]
        for found in (*looked_up, *facts_lookups(step, n)):
            ids = found.ids.detach().cpu().numpy().astype(np.int64)
            if found.rows < n // 2 or ids.max(initial=0) > n + 2:
                continue
            for shift in SHIFTS:
                shifted = np.where((ids + shift >= 1) & (ids + shift <= n), ids + shift, 0)
                if ids.ndim == 1:
                    self.columns.setdefault(len(ids), []).append(shifted)
                if ids.ndim <= 3:
                    self.beside.append(shifted)


class Comparing:
    """Scores (R, n_items + 1) of the rows that were asked for, beside what a step computed for them."""

    def __init__(self, scores: Any, asked: Asked, events: Events, candidates: Candidates) -> None:
        self._asked, self._candidates = asked, candidates
        self.scores = np.array(scores, np.float64)
        self._usable = np.isfinite(self.scores) & (self.scores > -1e6)
        self._usable[:, 0] = False
        for row, user in enumerate(asked.users):
            self._usable[row, events.of(user)] = False  # they may be hidden on purpose

    def agreement(self, tensor: Any) -> float:
        """The correlation with the scores, the strongest of all ways in which the tensor may hold them; 0 where there is none."""
        plain = tensor.detach()
        if (
            not plain.is_floating_point()
            or plain.layout is not torch.strided
            or not 1 < plain.numel() < MOST_COMPARED
        ):
            return 0.0
        return max(self._ways(plain), key=abs, default=0.0)

    def _ways(self, plain: Any) -> Iterator[float]:
        for ids in self._candidates.columns.get(plain.shape[-1], []):
            yield self._by_rows(plain.reshape(-1, plain.shape[-1]), ids)
        array = plain.float().cpu().numpy().astype(np.float64)
        fitting = [
            ids
            for ids in self._candidates.beside
            if ids.size == plain.numel() and _rows(plain) in (len(ids), ids.size)
            if self._asked.has_rows(ids.shape)
        ]
        values = array.reshape(fitting[0].shape) if fitting else array
        for ids in fitting[:MOST_PAIRS]:
            yield self._beside(values.reshape(ids.shape), [ids])
        for place, ids in enumerate(fitting[:MOST_PAIRS]):
            for other in fitting[:place]:
                yield abs(self._beside(values.reshape(ids.shape), [ids, other]))  # either may come first

    def _by_rows(self, rows: Any, ids: Any) -> float:
        """Each row of scores beside the row that is most like it."""
        if len(rows) < len(self.scores) // 2:
            return 0.0
        found = []
        for row, scores in enumerate(self.scores):
            columns = np.flatnonzero(
                (ids > 0)
                & self._usable[row, np.minimum(ids, self.scores.shape[1] - 1)]
                & (ids < self.scores.shape[1])
            )
            if len(columns) < LEAST_ITEMS:
                continue
            wanted = torch.as_tensor(_unit(scores[ids[columns]]), dtype=torch.float32, device=rows.device)
            near = rows[:, torch.as_tensor(columns, device=rows.device)].float()
            near = near - near.mean(1, keepdim=True)
            like = (near @ wanted) / near.norm(dim=1).clamp(min=1e-12)
            like = like.nan_to_num(0.0)
            found.append(float(like[like.abs().argmax()]))
        return float(np.median(found)) if len(found) >= LEAST_ITEMS else 0.0

    def _beside(self, values: Any, sets: list[Any]) -> float:
        """values (B,) or (B, K): of the items `sets[0]`, or of their difference to `sets[1]`."""
        mine, theirs = [], []
        for row in range(len(self.scores)):
            ids, given = self._asked.at(sets[0], row), self._asked.at(values, row)
            known = self._known(row, ids)
            told = self.scores[row, ids]
            if len(sets) > 1:
                other = self._asked.at(sets[1], row)
                known &= self._known(row, other)
                told = told - self.scores[row, other]
            mine.append(given[known])
            theirs.append(told[known])
        if min(len(one) for one in mine) >= LEAST_ITEMS:
            return float(np.median([_unit(a) @ _unit(b) for a, b in zip(mine, theirs)]))
        if sum(len(one) for one in mine) < 2 * LEAST_ITEMS:
            return 0.0
        return float(_unit(np.concatenate(mine)) @ _unit(np.concatenate(theirs)))

    def _known(self, row: int, ids: Any) -> Any:
        return (ids > 0) & np.isfinite(self.scores[row, ids]) & (self.scores[row, ids] > -1e6)


def _rows(tensor: Any) -> int:
    """Rows of a batch, or of its places one after the other."""
    return tensor.shape[0] if tensor.dim() else 0


def _unit(values: Any) -> Any:
    centred = values - values.mean() if len(values) else values
    length = np.linalg.norm(centred)
    return centred / length if length > 1e-12 else np.zeros_like(centred)


def agreeing(step: KeptStep, comparing: Comparing) -> tuple[float, Call | None]:
    """The strongest agreement of anything that the loss is made of, and the first call that reached it."""
    best, by = 0.0, None
    for call in step.upstream(step.loss):
        for out in call.outputs:
            found = comparing.agreement(out) if out.requires_grad else 0.0
            if abs(found) > abs(best) + 1e-6:
                best, by = found, call
    return best, by
