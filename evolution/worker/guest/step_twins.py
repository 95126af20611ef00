"""Is the right class of a row among its wrong ones as well? Where the rows of a batch share their classes, an item can stand there twice.

Which ids the columns of the logits stand for is told by what moves them: the look-up whose row j alone moves column j.
"""

from __future__ import annotations

from typing import Any

import torch

from .step_correction import of_views
from .step_gradients import gradients
from .step_kept import Call, KeptStep
from .step_rows import Events, index_lookups

LEAST_CLASSES = 8
FEWEST_ROWS = 8
PADDING = 0  # may stand there as often as it likes, as the rows that have it as their target are left out
SURELY_OUT = -1e3  # a logit below was masked


def twins(step: KeptStep, data: Any) -> dict[str, Any]:
    """{"rows", "twice", "classes", "places"}: rows of a softmax whose classes all rows share, and how many of these have their own target in
    another column too, where nothing masks it. {} where no such softmax is found.
    """
    events = Events(data)
    for call in step.upstream(step.loss):
        if call.function != "cross_entropy" or len(call.inputs) < 2:
            continue
        logits, goals = call.inputs[0], call.inputs[1]
        sized = logits.dim() == 2 and goals.dim() == 1 and not goals.is_floating_point()
        if not sized or len(goals) < FEWEST_ROWS or logits.shape[1] < LEAST_CLASSES:
            continue
        told = _told(step, logits, goals, events)
        if told is None:
            continue
        again = (told == _targets(step, logits, goals, told, events)[:, None]) & (
            logits.detach() > SURELY_OUT
        )
        again[torch.arange(len(goals)), goals.clamp(min=0)] = False
        twice = int(again.any(1).sum())
        product = _where(step, logits)
        places = [one.told() for one in ((call, product) if product is not None else (call,))]
        return {
            "rows": len(goals),
            "twice": twice,
            "classes": int(logits.shape[1]),
            "places": places if twice else [],
        }
    return {}


def _told(step: KeptStep, logits: Any, goals: Any, events: Events) -> Any:
    """The id of each column that all rows share (1, C), -1 where it is not known; None where most are not, or the columns are views of the rows."""
    width = logits.shape[1]
    for call, one in index_lookups(step, events.n_items):
        if (
            one.ids.dim() != 1
            or one.rows <= events.n_items // 2
            or not LEAST_CLASSES <= len(one.ids) <= width
        ):
            continue
        for first in {0, width - len(one.ids)}:
            if _moves_column(logits, call.outputs[0], first, len(one.ids)):
                if first == 0 and len(goals) == width and of_views(step, logits, events):
                    return None
                ids = torch.full((1, width), -1, dtype=torch.long, device=logits.device)
                ids[0, first : first + len(one.ids)] = one.ids.detach().long()
                return ids
    return None


def _moves_column(logits: Any, rows: Any, first: int, many: int) -> bool:
    """Whether row j of a look-up alone moves column `first + j`, in the first and in the last row of the logits."""
    for row, place in ((0, many - 1), (len(logits) - 1, 0)):
        weights = torch.zeros_like(logits)
        weights[row, first + place] = 1.0
        (slope,) = gradients(logits, [rows], weights)
        moved = [] if slope is None else slope.flatten(1).abs().sum(1).nonzero().flatten().tolist()
        if moved != [place]:
            return False
    return True


def _targets(step: KeptStep, logits: Any, goals: Any, told: Any, events: Events) -> Any:
    """The id of each row's right class (R,), -2 where it is not known: that of its column, or of a look-up with a row for each row."""
    own = told[0][goals.clamp(min=0)]
    own = torch.where((goals >= 0) & (own >= 0), own, torch.full_like(own, -2))
    if bool((own >= 0).any()):
        return own
    for call, one in index_lookups(step, events.n_items):
        if one.ids.shape == goals.shape and _moves_right(logits, goals, call.outputs[0]):
            return one.ids.detach().long()
    return own


def _moves_right(logits: Any, goals: Any, rows: Any) -> bool:
    """Whether row i of a look-up moves the right class of row i, and no other class of it."""
    row = len(goals) - 1
    moved = []
    for column in (int(goals[row]), (int(goals[row]) + 1) % logits.shape[1]):
        weights = torch.zeros_like(logits)
        weights[row, column] = 1.0
        (slope,) = gradients(logits, [rows], weights)
        moved.append([] if slope is None else slope.flatten(1).abs().sum(1).nonzero().flatten().tolist())
    return moved[0] == [row] and row not in moved[1]


def _where(step: KeptStep, logits: Any) -> Call | None:
    """The product that gives the logits; None where there is none."""
    products = [
        call
        for call in step.upstream(logits)
        if "matmul" in call.function or call.function in ("mm", "linear", "einsum")
    ]
    return products[-1] if products else None
