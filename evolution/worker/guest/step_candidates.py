"""Where the ids of a step's candidates are put together, and which of them the loss takes for the right one."""

from __future__ import annotations

from typing import Any

import numpy as np

from .step_kept import Call, KeptStep
from .step_rows import Asked, Events, asked_rows, index_lookups

JOINING = {"cat", "stack", "concat", "concatenate", "hstack", "column_stack", "dstack"}
CLASSES = {"cross_entropy", "nll_loss"}
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
    return {}


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
