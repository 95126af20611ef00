"""Does an earlier position of a kept step see later events?

A position whose target is the event after it must not depend on that event. Its gradient says whether it does, for every
way of mixing positions: attention, convolutions, recurrence. The first call whose result depends on it is the cause.
"""

from __future__ import annotations

from typing import Any

import torch

from .epoch_streams import lookups
from .step_attention import mixing_places
from .step_gradients import gradients, random_like
from .step_kept import Call, KeptStep

FOLLOWS = 0.9  # of the places hold the event that is put in at the next place: the loss is about next events
LEAST_PAIRS = 8
SMALL = 1e-6  # relative to the gradient of what may be seen
MOST_ROWS = 0.5  # of the batch, in which it must show


class Histories:
    """ids: (B, T) or (T, B) as looked up. targets: of the same shape. rows: what was looked up, (*ids.shape, d). axis: that of time."""

    def __init__(self, ids: Any, targets: Any, rows: Any, axis: int) -> None:
        self.ids, self.targets, self.rows, self.axis = ids, targets, rows, axis

    def over_time(self, tensor: Any) -> Any:
        """A tensor that begins as the ids do, with rows first and time second."""
        return tensor.transpose(0, 1) if self.axis == 0 else tensor


def histories_of(step: KeptStep, n_items: int) -> Histories | None:
    """The histories put in, where the step aims at the event after each place; None where it does not."""
    whole = [one for call in step.calls for one in (*call.inputs, *call.outputs) if _is_ids(one)]
    for call in step.calls:
        for found in lookups(call.function, call.args, call.kwargs, n_items):
            rows = call.outputs[0]
            if (
                found.kind != "index"
                or found.rows < n_items // 2
                or not rows.requires_grad
                or found.ids.dim() != 2
            ):
                continue
            if list(rows.shape[:-1]) != list(found.ids.shape):
                continue
            for axis in (1, 0):
                targets = next((other for other in whole if _follows(found.ids, other, axis)), None)
                if targets is not None:
                    return Histories(found.ids, targets, rows, axis)
    return None


def _is_ids(tensor: Any) -> bool:
    return tensor.dim() == 2 and tensor.dtype in (torch.int64, torch.int32)


def _follows(ids: Any, other: Any, axis: int) -> bool:
    """Whether `other` holds at each place what `ids` holds at the next one."""
    if other is ids or other.shape != ids.shape or ids.shape[axis] < 3:
        return False
    here = other.narrow(axis, 0, ids.shape[axis] - 1)
    there = ids.narrow(axis, 1, ids.shape[axis] - 1)
    both = (here > 0) & (there > 0)
    pairs = int(both.sum())
    return pairs >= LEAST_PAIRS and float((here == there)[both].float().mean()) >= FOLLOWS


def future(step: KeptStep, n_items: int) -> dict[str, Any]:
    """{"rows", "seen", "places"}: rows that were looked at, the share of them in which a position sees what follows it, and
    where that begins. {} where the step is not about next events, or rows are mixed anyway."""
    histories = histories_of(step, n_items)
    if histories is None:
        return {}
    cut = _Cut(histories)
    if not cut.rows:
        return {}
    along = [call for call in step.upstream(step.loss) if _is_laid_out(call, histories)]
    last = next((call for call in reversed(along) if cut.reads(call.outputs[0])), None)
    if last is None or not cut.is_trained(step.loss, last.outputs[0]) or cut.mixes_rows(last.outputs[0]):
        return {}
    share = cut.leaks(last.outputs[0])
    if share < MOST_ROWS:
        return {"rows": cut.rows, "seen": share, "places": []}
    first = next(call for call in along if call is last or cut.leaks(call.outputs[0]) >= MOST_ROWS)
    clean = {id(one) for call in along if call.number < first.number for one in call.outputs}
    places = mixing_places(step, first, clean, int(histories.ids.shape[histories.axis]))
    return {"rows": cut.rows, "seen": share, "places": [call.told() for call in places]}


def _is_laid_out(call: Call, histories: Histories) -> bool:
    out = call.outputs[0]
    shape = list(histories.ids.shape)
    of_weights = (
        out.dim() == 3 and out.shape[-1] == shape[histories.axis]
    )  # of positions for positions, before a mask
    fits = list(out.shape[:2]) == shape and not of_weights
    return fits and out.is_floating_point() and out.requires_grad and out is not histories.rows


class _Cut:
    """Time is cut between two places that most rows fill: what is before must not depend on what is after."""

    def __init__(self, histories: Histories) -> None:
        self._histories = histories
        filled = histories.over_time(histories.ids) > 0  # (B, T)
        both = (filled[:, :-1] & filled[:, 1:]).sum(0)
        self._at = int(both.argmax())
        self._chosen = filled[:, self._at] & filled[:, self._at + 1]  # (B,)
        self._filled = filled
        self.rows = int(self._chosen.sum())

    def _gradient(self, of: Any, rows: Any) -> Any:
        """Of the places before the cut in these rows: (B, T) largest absolute gradient on what was looked up; None."""
        weights = self._histories.over_time(torch.zeros_like(of))
        mask = self._filled & rows[:, None]
        mask[:, self._at + 1 :] = False
        drawn = self._histories.over_time(random_like(of))
        weights[mask] = drawn[mask]
        (found,) = gradients(of, [self._histories.rows], self._histories.over_time(weights))
        return None if found is None else self._histories.over_time(found).abs().amax(-1)

    def reads(self, of: Any) -> bool:
        """Whether it depends on what was looked up at all."""
        found = self._gradient(of, self._chosen)
        return found is not None and bool((found > 0).any())

    def leaks(self, of: Any) -> float:
        """The share of rows in which places before the cut depend on events after it."""
        found = self._gradient(of, self._chosen)
        if found is None:
            return 0.0
        before = found[:, : self._at + 1].amax(1)
        after = torch.where(self._filled, found, torch.zeros_like(found))[:, self._at + 1 :].amax(1)
        return (
            float((after > SMALL * before)[self._chosen & (before > 0)].float().mean())
            if bool((before > 0).any())
            else 0.0
        )

    def mixes_rows(self, of: Any) -> bool:
        """Whether a row depends on other rows of the batch, as after a batch normalisation."""
        one = torch.zeros_like(self._chosen)
        one[int(self._chosen.nonzero()[0])] = True
        found = self._gradient(of, one)
        return found is not None and bool((found[~one] > SMALL * found[one].max()).any())

    def is_trained(self, loss: Any, of: Any) -> bool:
        """Whether the loss is about places before the cut, rather than about the last one alone."""
        (found,) = gradients(loss, [of], torch.ones_like(loss))
        if found is None:
            return False
        found = (
            self._histories.over_time(found).flatten(2).abs().amax(-1)
            if found.dim() > 2
            else self._histories.over_time(found).abs()
        )
        return float((found[:, : self._at + 1] > 0).any(1)[self._chosen].float().mean()) > MOST_ROWS
