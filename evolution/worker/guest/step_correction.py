"""How a kept step corrects the logits of sampled classes for how often each is drawn.

Classes that are drawn as often as they are popular compete too often; log q is taken off each class's column. Added instead, or
taken off rows, it does harm or nothing.
"""

from __future__ import annotations

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
        if call.function not in CLASSES or not call.inputs or call.inputs[0].dim() != 2:
            continue
        logits = call.inputs[0]
        sampled = _sampled(step, logits, events)
        if not sampled:
            continue
        for one in step.upstream(logits):
            found = _judged(one, logits, [often[ids] for ids in sampled])
            if found:
                return {"kind": found, "classes": int(logits.shape[1]), "places": [one.told(), call.told()]}
        if _are_targets(call, logits):
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
        if ids.ndim == 1 and len(ids) == logits.shape[1] >= LEAST_CLASSES and one.rows > events.n_items // 2:
            found += [
                ids + shift
                for shift in SHIFTS
                if ids.min() + shift >= 0 and ids.max() + shift <= events.n_items
            ]
    return found


def _judged(call: Call, logits: Any, often: list[Any]) -> str:
    """What a call that adds known numbers to the logits does; "" where it is no correction."""
    if call.function not in SUMMING or call.outputs[0].shape != logits.shape:
        return ""
    known = [
        one
        for one in call.inputs
        if not one.requires_grad and one.is_floating_point() and one.numel() >= LEAST_CLASSES
    ]
    given = [one for one in call.inputs if one.requires_grad]
    if len(known) != 1 or len(given) != 1:
        return ""
    sign = -1.0 if "sub" in call.function and known[0] is call.inputs[-1] else 1.0
    spread = (sign * known[0].detach().float()).expand(logits.shape).cpu().numpy()
    (slope,) = (
        gradients(logits, [call.outputs[0]], torch.ones_like(logits))
        if call.outputs[0] is not logits
        else (torch.ones(1),)
    )
    turned = np.sign(float(slope.sum())) if slope is not None else 1.0
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


def _product(step: KeptStep, logits: Any) -> Call:
    products = [
        call
        for call in step.upstream(logits)
        if "matmul" in call.function or call.function in ("mm", "linear", "einsum")
    ]
    return products[-1] if products else step.upstream(logits)[-1]
