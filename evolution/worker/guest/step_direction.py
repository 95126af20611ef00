"""Which way does a kept step move the scores of what its users chose? A small step against the gradient is tried and taken back.

Whatever the loss is, and whatever scoring computes, learning must raise the scores of a user's next events above others'.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from .step_gradients import gradients
from .step_kept import Call, KeptStep
from .step_rows import Asked, Events, asked_rows

STEP = 0.02  # of the norm of all weights that move
MOVED = 1e-5  # of the spread of the scores: less than that is rounding
LEAST_ROWS = 10


def direction(step: KeptStep, candidate: Any, data: Any) -> dict[str, Any]:
    """{"rows", "raised", "gain", "places"}: in which share of the rows the step raises the next event of the history over the mean of the
    items that its user never chose, and by how many standard deviations of a row. {} where that cannot be asked."""
    events = Events(data)
    asked = asked_rows(step, events)
    if asked is None:
        return {}
    before = _scores(candidate, asked)
    with _stepped(step):
        after = _scores(candidate, asked)
    moved = (after - before)[:, 1:] if before.shape == after.shape else np.zeros((0, 0))
    gains = (
        [
            _gain(moved[row], before[row, 1:], goals, events.of(user))
            for row, (user, goals) in enumerate(_goals(asked, events))
        ]
        if len(moved)
        else []
    )
    known = np.array([gain for gain in gains if gain is not None])
    if len(known) < LEAST_ROWS or np.abs(known).max() < MOVED:
        return {}
    places = [call.told() for call in _makers(step)]
    return {
        "rows": len(known),
        "raised": float((known > 0).mean()),
        "gain": float(np.mean(known)),
        "places": places,
    }


def _scores(candidate: Any, asked: Asked) -> Any:
    with candidate.at_rest(0):
        answer = candidate.model.score(asked.users, asked.histories)
    plain = answer.detach().float().cpu().numpy() if isinstance(answer, torch.Tensor) else np.asarray(answer)
    return np.array(plain, np.float64)


def _goals(asked: Asked, events: Events) -> Iterator[tuple[int, Any]]:
    """The user of each row, and the event after its history; all his events where the history is all of them."""
    for user, history in zip(asked.users, asked.histories):
        own = events.of(user)
        last = history[history > 0][-1:]
        ends = np.flatnonzero(own[:-1] == last) if len(last) else np.zeros(0, np.int64)
        yield int(user), own[ends[-1:] + 1] if len(ends) else own


def _gain(moved: Any, before: Any, goals: Any, own: Any) -> float | None:
    usable = np.isfinite(moved) & (np.abs(before) < 1e6)
    others = usable.copy()
    others[own - 1] = False
    goals = goals[usable[goals - 1]] - 1
    if not len(goals) or others.sum() < 5:
        return None
    spread = before[others].std()
    return float((moved[goals].mean() - moved[others].mean()) / spread) if spread > 0 else None


@contextlib.contextmanager
def _stepped(step: KeptStep) -> Iterator[None]:
    """The weights a little further against the gradient of the loss; as they were afterwards, to the bit."""
    held = {
        id(one): one
        for call in step.upstream(step.loss)
        for one in call.inputs
        if one.is_leaf and one.requires_grad
    }
    weights = [one for one in held.values() if one.layout is torch.strided]
    given = gradients(step.loss, weights, torch.ones_like(step.loss))
    pairs = [(one, slope) for one, slope in zip(weights, given) if slope is not None]
    kept = [one.detach().clone() for one, _ in pairs]
    size = float(torch.stack([one.norm() for one in kept]).norm()) if kept else 0.0
    steep = (
        float(
            torch.stack(
                [slope.to_dense().norm() if slope.is_sparse else slope.norm() for _, slope in pairs]
            ).norm()
        )
        if pairs
        else 0.0
    )
    try:
        with torch.no_grad():
            for one, slope in pairs:
                one.data.add_(
                    slope.to_dense() if slope.is_sparse else slope, alpha=-STEP * size / max(steep, 1e-12)
                )
        yield
    finally:
        with torch.no_grad():
            for (one, _), copy in zip(pairs, kept):
                one.data.copy_(copy)


def _makers(step: KeptStep) -> list[Call]:
    """Where the loss compares scores: the first call on its way after which there are single numbers of rows alone."""
    from .step_terms import terms_of

    return list({term.call.number: term.call for term in terms_of(step)}.values())[:2]
