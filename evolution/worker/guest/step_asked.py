"""What does scoring look up for a history, and at which of its places is the answer read?

Known histories are given to `score`: the rows of item ids that it looks up say in which order it reads them, and whether
something like a mask is put behind them. Where the output of one place is picked, the place is found again by its values.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from .epoch_streams import lookups
from .step_kept import Call, CallKeeper, KeptStep
from .step_rows import Events
from .tracing_frames import Place, Places

ROWS, LEAST_ROWS = 16, 6
EVENTS = 10  # newest of a user, all different
SHARE = 0.7  # of a history that is looked up
SHIFTS = (0, 1)  # ids count from 1, or from 0


def asked(candidate: Any, data: Any, places: Places) -> dict[str, Any]:
    """{"ids", "histories", "read", "looked_up", "read_at"}; {} where no such rows are looked up.

    ids: (R, L) what is looked up for R histories, all rows of the same width. histories: (R, EVENTS), oldest first.
    read: the place in the row whose output is picked, for each row; [] where none is. looked_up, read_at: their lines.
    """
    events = Events(data)
    users, histories = _histories(events)
    if len(users) < LEAST_ROWS:
        return {}
    keeper = _Asking(places)
    with candidate.at_rest(0), torch.no_grad(), keeper:
        candidate.model.score(users, histories)
    found = _rows(keeper.step, histories, events.n_items)
    if found is None:
        return {}
    call, ids = found
    picked = _picked(keeper.step, call, ids)
    return {
        "ids": ids.tolist(),
        "histories": histories.tolist(),
        "read": [] if picked is None else picked[1],
        "looked_up": [list(place) for place in _way(keeper, call)],
        "read_at": [] if picked is None else [picked[0].told()],
    }


class _Asking(CallKeeper):
    """Keeps with each call the lines of the repo that led to it, the outermost first."""

    def __init__(self, places: Places) -> None:
        super().__init__(places)
        self.ways: list[list[Place]] = []

    def _keep(self, name: str, place: Place, args: Any, kwargs: dict[str, Any], out: Any) -> None:
        before = len(self.step.calls)
        super()._keep(name, place, args, kwargs, out)
        if len(self.step.calls) > before:
            self.ways.append(list(self._lines())[::-1])

    def _lines(self) -> Iterator[Place]:
        frame = sys._getframe(1)
        while frame is not None and frame.f_code is not asked.__code__:  # behind it is the training
            path = self._places.path(frame.f_code.co_filename)
            if path is not None:
                yield path, frame.f_lineno, frame.f_code.co_name
            frame = frame.f_back


def _histories(events: Events) -> tuple[Any, Any]:
    """Users (R,) and the newest events of each (R, EVENTS), of users whose newest events are all different."""
    users, rows = [], []
    for user in range(1, events.n_users + 1):
        newest = events.of(user)[-EVENTS:]
        if len(newest) == EVENTS == len(np.unique(newest)):
            users.append(user)
            rows.append(newest)
        if len(users) == ROWS:
            break
    return np.array(users, np.int64), np.array(rows, np.int64).reshape(-1, EVENTS)


def _rows(step: KeptStep, histories: Any, n_items: int) -> tuple[Call, Any] | None:
    """The first call that looks up most of each history, with its ids (R, L)."""
    for call in step.calls:
        for found in lookups(call.function, call.args, call.kwargs, n_items):
            if (
                found.kind != "index"
                or found.ids.dim() != 2
                or found.rows <= n_items // 2
                or len(found.ids) != len(histories)
            ):
                continue
            ids = found.ids.detach().cpu().numpy().astype(np.int64)
            held = [np.mean([np.isin(h, i + by).mean() for h, i in zip(histories, ids)]) for by in SHIFTS]
            if max(held) >= SHARE and ids.shape[1] > 1:
                return call, ids
    return None


def _picked(step: KeptStep, looked_up: Call, ids: Any) -> tuple[Call, list[int]] | None:
    """The last call that keeps one place of each row, and which: from (R, L, d) to (R, d), or to most of these columns."""
    shape = list(ids.shape)
    for call in reversed(step.calls[looked_up.number + 1 :]):
        given = next((one for one in call.inputs if one.is_floating_point() and one.dim() == 3), None)
        out = call.outputs[0]
        if given is None or list(given.shape[:2]) != shape or not out.is_floating_point():
            continue
        width = out.numel() // max(len(ids), 1)
        if (
            out.numel() % max(len(ids), 1)
            or not given.shape[-1] // 2 < width <= given.shape[-1]
            or shape[1] < 2
        ):
            continue
        for first in {0, given.shape[-1] - width}:  # classes behind the items, or in front, may be left out
            columns = given[..., first : first + width]
            same = (columns == out.reshape(len(ids), 1, -1)).all(-1)  # (R, L)
            if bool((same.sum(1) == 1).all()):
                return call, same.float().argmax(1).tolist()
    return None


def _way(keeper: _Asking, call: Call) -> list[Place]:
    """The line by which the function that made the ids hands them on; then the outermost, then where they were made."""
    way = keeper.ways[call.number]
    ids = next(one for one in call.inputs if not one.is_floating_point())
    maker = keeper.step.maker(ids)
    made = [] if maker is None else [maker.place]
    of_maker = [place for place in way for one in made if (place[0], place[2]) == (one[0], one[2])]
    return list(dict.fromkeys([*of_maker[-1:], *way[:1], *made]))
