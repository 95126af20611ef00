"""Numbers that a model is given from outside, such as ages and prices: does scoring give it those that training gave it?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from .step_kept import Call, KeptStep
from .step_rows import Asked, Events, asked_rows
from .step_scored import Key, ServedStep, scored_rows, unplaced
from .tracing_frames import KIT, Places

FEWEST_ROWS = 20  # of a training batch, from which a range is read
MOST_COLUMNS = 500
# A model knows its numbers between the lowest and the highest that it was trained on, and not so far beyond either as these are apart.
BEYOND = 1.0


def given(step: KeptStep) -> Iterator[tuple[Key, Any]]:
    """What calls with a gradient take in of numbers without one: rows of the batch, or one number for each."""
    for call in step.upstream(step.loss):
        if call.outputs[0].requires_grad:
            yield from _numbers(call)


def _numbers(call: Call) -> Iterator[tuple[Key, Any]]:
    for position, one in enumerate(call.inputs):
        plain = one.is_floating_point() and one.layout is torch.strided and not one.requires_grad
        if plain and one.dim() in (1, 2) and one.numel() > 1:
            yield (call.place, call.function, position), one


def beside(step: KeptStep, scored: KeptStep, asked: Asked) -> Iterator[tuple[Key, Any, Any, Call]]:
    """(where, what training gave, what scoring gave there, the call of scoring), where both have a row for each row."""
    trained = dict(reversed(list(given(step))))
    for call in scored.calls:
        for key, served in _numbers(call):
            own = trained.get(key)
            if own is None or own.shape[1:] != served.shape[1:] or len(served) != len(asked.users):
                continue
            if len(own) > int(asked.batch.max()):
                yield key, own, served, call


def given_otherwise(step: KeptStep, scored: KeptStep, asked: Asked) -> dict[Key, Any]:
    """What training gave the model for the rows that were asked for, where scoring gives it other numbers: another time, say."""
    found = {}
    for key, own, served, _ in beside(step, scored, asked):
        theirs = own[torch.as_tensor(asked.batch)]
        if not torch.allclose(theirs.float(), served.float(), rtol=1e-3, atol=1e-5):
            found[key] = theirs.detach()
    return found


def inputs(step: KeptStep, candidate: Any, data: Any, places: Places) -> dict[str, Any]:
    """{"rows", "trained", "served", "places"}: of the first column of numbers that scoring gives far outside of training's range.

    rows: how many were scored; a column is told where all of them lie outside. trained: its lowest and highest in the step. served: its
    median. Where no column is outside, the three are []; where nothing could be compared, the answer is {}.
    """
    asked = asked_rows(step, Events(data))
    scored = scored_rows(candidate, asked, places)[0] if asked is not None else None
    if asked is None or scored is None:
        return {}
    compared = False
    for _, own, served, call in beside(step, scored, asked):
        if len(own) < FEWEST_ROWS:
            continue
        compared = True
        found = _outside(own.detach().float(), served.detach().float())
        if found:
            return {"rows": len(served), **found, "places": [_told(step, scored, served, call)]}
    return {"rows": len(asked.users), "trained": [], "served": [], "places": []} if compared else {}


def _outside(own: Any, served: Any) -> dict[str, Any]:
    """The first column all of whose served numbers lie far outside; {} where there is none."""
    own, served = (
        own.reshape(len(own), -1)[:, :MOST_COLUMNS],
        served.reshape(len(served), -1)[:, :MOST_COLUMNS],
    )
    low, high = own.amin(0), own.amax(0)
    span = high - low
    beyond = (served < low - BEYOND * span) | (served > high + BEYOND * span)
    columns = ((span > 0) & beyond.all(0) & served.isfinite().all(0)).nonzero()[:, 0].tolist()
    if not columns:
        return {}
    one = columns[0]
    return {"trained": [float(low[one]), float(high[one])], "served": [float(served[:, one].median())]}


def _told(step: KeptStep, scored: ServedStep, served: Any, call: Call) -> list[Any]:
    """[path, line, function] of what asks for these numbers: the innermost frame around their making that training does not run."""
    maker = scored.maker(unplaced(scored, served)) or call
    shared = {(each.place[0], each.place[2]) for each in step.calls}
    for path, line, scope in scored.around.get(maker.number, []):
        if (path, scope) not in shared and path != KIT:
            return [path, line, maker.function]
    return maker.told()
