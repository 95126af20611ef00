"""How a kept step corrects the logits of sampled classes for how often each is drawn.

Classes that are drawn as often as they are popular compete too often; log q is taken off each class's column. Added instead, or
taken off rows, it does harm or nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from .step_gradients import gradients
from .step_kept import Call, KeptStep
from .step_rows import SHIFTS, Events, index_lookups

CLASSES = {"cross_entropy", "log_softmax", "softmax"}
SUMMING = {
    "add",
    "__add__",
    "__radd__",
    "__iadd__",
    "add_",
    "sub",
    "__sub__",
    "__isub__",
    "sub_",
    "rsub",
    "__rsub__",
}
ALIKE = 0.8  # correlation of a correction with the logarithm of how often classes occur
LEAST_CLASSES = 8


def correction(step: KeptStep, data: Any) -> dict[str, Any]:
    """{"kind", "classes", "places"}: "right", "added" (it favours what is drawn often), "rows" (it is the same for all classes of a row), or
    "none" where the classes are the targets of the batch and nothing corrects. {} where the loss has no sampled classes."""
    events = Events(data)
    often = np.log(np.bincount(events.items, minlength=events.n_items + 1) + 1.0)
    for call in step.upstream(step.loss):
        if call.function not in CLASSES or not call.inputs or call.inputs[0].dim() not in (2, 3):
            continue
        logits = call.inputs[0]
        sampled = _sampled(step, logits, events)
        for one in step.upstream(logits) if sampled else ():
            found = _judged(one, logits, [often[ids] for ids in sampled])
            if found:
                return {"kind": found, "classes": int(logits.shape[1]), "places": [one.told(), call.told()]}
        beside = _judged_beside(step, call, events, often)
        if beside is not None:
            return beside
        if sampled and _are_targets(call, logits) and not of_views(step, logits, events):
            product = _product(step, logits)
            return {
                "kind": "none",
                "classes": int(logits.shape[1]),
                "places": [where.told() for where in (product, call)],
            }
    return {}


def _sampled(step: KeptStep, logits: Any, events: Events) -> list[Any]:
    """Ids of the items that columns of the logits may stand for."""
    found = []
    for _, one in index_lookups(step, events.n_items):
        ids = one.ids.detach().cpu().numpy().astype(np.int64)
        if (
            logits.dim() == 2
            and ids.ndim == 1
            and len(ids) == logits.shape[1] >= LEAST_CLASSES
            and one.rows > events.n_items // 2
        ):
            found += [
                ids + shift
                for shift in SHIFTS
                if ids.min() + shift >= 0 and ids.max() + shift <= events.n_items
            ]
    return found


def _judged_beside(step: KeptStep, softmax: Call, events: Events, often: Any) -> dict[str, Any] | None:
    """The same where each row has classes of its own: known numbers that are added to as many logits as ids were looked up."""
    logits = softmax.inputs[0]
    if not LEAST_CLASSES <= logits.shape[-1] < events.n_items - 1:
        return None
    for one in step.upstream(logits):
        known = _added(one)
        if known is None:
            continue
        values = known.detach().float().flatten().cpu().numpy()
        like = max(
            (_corr(values, ids) for ids in _often_beside(step, events, often, len(values))),
            key=abs,
            default=0.0,
        )
        if abs(like) >= ALIKE:
            sign = _sign(one, known) * _turned(logits, one) * like
            places = [one.told(), softmax.told()]
            return {
                "kind": "right" if sign < 0 else "added",
                "classes": int(logits.shape[-1]),
                "places": places,
            }
    return None


def _often_beside(step: KeptStep, events: Events, often: Any, n: int) -> Iterator[Any]:
    """How often the items of each look-up of so many ids occur."""
    for _, one in index_lookups(step, events.n_items):
        if one.ids.numel() != n or one.rows <= events.n_items // 2:
            continue
        ids = one.ids.detach().cpu().numpy().astype(np.int64).flatten()
        for shift in SHIFTS:
            if ids.min() + shift >= 0 and ids.max() + shift <= events.n_items:
                yield often[ids + shift]


def _added(call: Call) -> Any:
    """The known numbers that a call adds to others, or takes from them; None where it does neither."""
    if call.function not in SUMMING:
        return None
    known = [
        one
        for one in call.inputs
        if not one.requires_grad and one.is_floating_point() and one.numel() >= LEAST_CLASSES
    ]
    given = [one for one in call.inputs if one.requires_grad]
    return known[0] if len(known) == 1 and len(given) == 1 else None


def _sign(call: Call, known: Any) -> float:
    return -1.0 if "sub" in call.function and known is call.inputs[-1] else 1.0


def _turned(logits: Any, call: Call) -> float:
    """1, or -1 where the logits are the lower the higher what the call makes."""
    if call.outputs[0] is logits:
        return 1.0
    (slope,) = gradients(logits, [call.outputs[0]], torch.ones_like(logits))
    return float(np.sign(float(slope.sum()))) if slope is not None else 1.0


def _judged(call: Call, logits: Any, often: list[Any]) -> str:
    """What a call that adds known numbers to the logits does; "" where it is no correction."""
    known = _added(call)
    if known is None or call.outputs[0].shape != logits.shape:
        return ""
    spread = (_sign(call, known) * known.detach().float()).expand(logits.shape).cpu().numpy()
    turned = _turned(logits, call)
    columns = max((_corr(turned * spread[0], one) for one in often), key=abs, default=0.0)
    if abs(columns) >= ALIKE:
        return "right" if columns < 0 else "added"
    rows = max((_corr(spread[:, 0], one) for one in often if len(one) == len(spread)), key=abs, default=0.0)
    return "rows" if abs(rows) >= ALIKE else ""


def _corr(one: Any, other: Any) -> float:
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])


def _are_targets(call: Call, logits: Any) -> bool:
    """Whether row i's right class is column i: the classes are the targets of the batch."""
    goals = call.inputs[1] if call.function == "cross_entropy" and len(call.inputs) > 1 else None
    return (
        goals is not None
        and goals.dim() == 1
        and len(goals) == logits.shape[1] == logits.shape[0]
        and bool((goals == torch.arange(len(goals), device=goals.device)).all())
    )


def of_views(step: KeptStep, logits: Any, events: Events) -> bool:
    """Whether both factors of the logits are rows of the same ids, two views of the same items: a contrast, and no choice among items
    that were drawn by popularity. A view without a gradient keeps no ids; the other one's are of its items."""
    factors = _product(step, logits).inputs[:2]
    sides = [_ids_of_rows(step, one, len(logits), events) for one in factors if one.requires_grad]
    return len(factors) == 2 and bool(sides) and bool(set.intersection(*sides))


def _ids_of_rows(step: KeptStep, factor: Any, n: int, events: Events) -> set[tuple[int, ...]]:
    """The ids of each look-up of `n` rows that a factor is made of."""
    made = step.upstream(factor)
    found = [one.ids for call, one in index_lookups(step, events.n_items) if call in made]
    return {tuple(ids.tolist()) for ids in found if ids.dim() == 1 and len(ids) == n}


def _product(step: KeptStep, logits: Any) -> Call:
    products = [
        call
        for call in step.upstream(logits)
        if "matmul" in call.function or call.function in ("mm", "linear", "einsum")
    ]
    return products[-1] if products else step.upstream(logits)[-1]
