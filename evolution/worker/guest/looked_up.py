"""What the first traced training steps look up in tables about as large as there are items or users: ids, row by row.

Held against the log by `numbering_fit`; nothing is judged here.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .epoch_streams import lookups, reads_ids

KINDS = ("index", "multi-hot")
MOST_CALLS = 60
MOST_IDS = 400_000  # of one call; a larger one is no batch


class LookedUp:
    """step: how many backward passes were before. rows: of the table. ids: (B,) or (B, T), those of a set as rows of one batch."""

    __slots__ = ("ids", "kind", "line", "path", "rows", "step")

    def __init__(self, kind: str, ids: Any, rows: int, place: tuple[str, int, str], step: int) -> None:
        self.kind, self.ids, self.rows, self.step = kind, ids, rows, step
        self.path, self.line = place[0], place[1]


class LookupRecorder:
    """Keeps the lookups of a few steps. least_rows: smaller tables are of neither items nor users."""

    def __init__(self, n_items: int, least_rows: int) -> None:
        self.kept: list[LookedUp] = []
        self._n_items, self._least_rows = n_items, least_rows

    def reads(self, function: str) -> bool:
        """Whether calls of a function are looked at; asked first, because it is cheap."""
        return len(self.kept) < MOST_CALLS and reads_ids(function)

    def note(self, function: str, place: tuple[str, int, str], args: Any, kwargs: Any, step: int) -> None:
        """Keep what a call looks up, if that is a batch of ids."""
        for found in lookups(function, args, kwargs, self._n_items):
            if found.kind not in KINDS or found.rows < self._least_rows:
                continue
            ids = found.ids.detach()
            if 0 < ids.dim() <= 2 and 1 < ids.numel() <= MOST_IDS:
                plain = np.asarray(ids.cpu().numpy())
                self.kept.append(LookedUp(found.kind, plain, int(found.rows), place, step))
