"""Where the ids of a step's candidates are put together, and which of them the loss takes for the right one."""

from __future__ import annotations

from typing import Any

import numpy as np

from .step_kept import Call, KeptStep
from .step_rows import Asked, Events, asked_rows, index_lookups

JOINING = {"cat", "stack", "concat", "concatenate", "hstack", "column_stack", "dstack"}
CLASSES = {"cross_entropy", "nll_loss"}
KEEPING_COLUMNS = {
    "div", "__truediv__", "mul", "__mul__", "__rmul__", "sub", "__sub__", "add", "__add__", "masked_fill", "clamp", "float", "contiguous",
}  # fmt: skip
OWN = 0.9  # of the rows in which a column holds an event of the user
OTHERS = 0.6


def joined_at(step: KeptStep, n_items: int) -> list[Call]:
    """The calls that put the ids of several candidates beside each other before they are looked up."""
    found = [
        call
        for _, one in index_lookups(step, n_items)
        for call in step.upstream(one.ids)
        if call.function in JOINING
    ]
    return list({call.number: call for call in found}.values())


def wrong_class(step: KeptStep, data: Any) -> dict[str, Any]:
    """{"right", "taken", "places"}: the column of the candidates that holds the users' own events, and that which the loss takes for them.
    {} where they are the same, or the loss does not name one column for all rows."""
    events = Events(data)
    asked = asked_rows(step, events)
    if asked is None:
        return {}
    for call in step.upstream(step.loss):
        column = _named_column(call)
        for _, one in index_lookups(step, events.n_items) if column >= 0 else ():
            width = call.inputs[0].shape[1]
            if one.ids.dim() < 2 or one.ids.shape[-1] != width:
                continue
            own = _own_by_column(one.ids.detach().cpu().numpy(), asked, events)
            right = int(own.argmax())
            if own[right] >= OWN and (np.delete(own, right) < OTHERS).all() and right != column:
                return {
                    "right": right,
                    "taken": column,
                    "places": [where.told() for where in _places(step, call, one.ids)],
                }
        joined = _joined_scores(step, call.inputs[0]) if column >= 0 else None
        right = _own_part(step, joined, asked, events) if joined is not None else -1
        if joined is not None and right not in (-1, column):
            named = step.maker(call.inputs[1])
            places = [joined, *([named] if named is not None else []), call]
            return {"right": right, "taken": column, "places": [where.told() for where in places]}
    return {}


def _joined_scores(step: KeptStep, logits: Any) -> Call | None:
    """The call that puts the scores of several sets of candidates beside each other; None where the logits are made in one piece."""
    call = step.maker(logits)
    while call is not None and call.function in KEEPING_COLUMNS and call.inputs:
        call = step.maker(max(call.inputs, key=lambda one: one.numel()))
    if call is None or call.function not in JOINING or call.outputs[0].shape[-1:] != logits.shape[-1:]:
        return None
    return call if sum(one.shape[-1] for one in call.inputs) == logits.shape[-1] else None


def _own_part(step: KeptStep, joined: Call, asked: Asked, events: Events) -> int:
    """The column of the only set of one candidate each that are the users' own events; -1 where there is no one such set."""
    own, at = [], 0
    for part in joined.inputs:
        if part.shape[-1] == 1 and _is_own(step, part, asked, events):
            own.append(at)
        at += part.shape[-1]
    return own[0] if len(own) == 1 else -1


def _is_own(step: KeptStep, part: Any, asked: Asked, events: Events) -> bool:
    numbers = {call.number for call in step.upstream(part)}
    for call, one in index_lookups(step, events.n_items):
        if (
            call.number not in numbers
            or one.ids.numel() != part.numel()
            or one.rows < events.n_items // 2
            or not asked.has_rows(one.ids.shape)
        ):
            continue
        ids = one.ids.detach().cpu().numpy()
        if _own_by_column(ids.reshape(len(ids), -1), asked, events).min() >= OWN:
            return True
    return False


def _named_column(call: Call) -> int:
    """The class that a loss takes for the right one in every row; -1 where there is no such."""
    if (
        call.function not in CLASSES
        or len(call.inputs) < 2
        or call.inputs[1].dim() != 1
        or call.inputs[0].dim() != 2
    ):
        return -1
    named = call.inputs[1].unique()
    return (
        int(named[0]) if len(named) == 1 and len(call.inputs[1]) > 1 and not named.is_floating_point() else -1
    )


def _own_by_column(ids: Any, asked: Asked, events: Events) -> Any:
    rows = [asked.at(ids, row).reshape(-1)[-ids.shape[-1] :] for row in range(len(asked.users))]
    return np.mean([np.isin(items, events.of(user)) for items, user in zip(rows, asked.users)], axis=0)


def _places(step: KeptStep, loss: Call, ids: Any) -> list[Call]:
    joined = [call for call in step.upstream(ids) if call.function in JOINING]
    named = step.maker(loss.inputs[1])
    return [*joined[-1:], *([named] if named is not None else []), loss]
