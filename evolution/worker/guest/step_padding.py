"""Are padded places of a kept step part of its loss? Their gradient says so."""

from __future__ import annotations

from typing import Any

import torch

from .step_future import Histories, histories_of
from .step_gradients import gradients
from .step_kept import Call, KeptStep

LEAST = 20  # padded places
MOST = 0.5  # of them that count


def padding(step: KeptStep, n_items: int) -> dict[str, Any]:
    """{"padded", "counted", "share", "places"}: how many padded places have no target, the share of them that the loss has a
    gradient on, and the share of its whole gradient. {} where the step is not about the event after each place."""
    histories = histories_of(step, n_items)
    if histories is None:
        return {}
    empty = (histories.ids <= 0) & (histories.targets <= 0)
    laid_out = [call for call in step.upstream(step.loss) if _is_laid_out(call, histories)]
    slopes = [(call, _slope(step, call, histories)) for call in laid_out[::-1]]
    last = next(((call, slope) for call, slope in slopes if slope is not None), None)
    if last is None or int(empty.sum()) < LEAST:
        return {}
    call, slope = last
    reached = slope > 0
    for one, other in slopes:  # a mask is multiplied in behind what it hides, which has no gradient before
        if other is not None and one.outputs[0].dim() == histories.ids.dim():
            reached = reached & (other > 0)
    counted = float(reached[empty].float().mean())
    share = float(slope[empty].sum() / slope.sum().clamp(min=1e-30))
    places = _places(step, call) if counted > MOST else []
    return {
        "padded": int(empty.sum()),
        "counted": counted,
        "share": min(share, 1.0),
        "places": [one.told() for one in places],
    }


def _is_laid_out(call: Call, histories: Histories) -> bool:
    out = call.outputs[0]
    return out.is_floating_point() and out.requires_grad and list(out.shape[:2]) == list(histories.ids.shape)


def _slope(step: KeptStep, call: Call, histories: Histories) -> Any:
    """Largest gradient of the loss at each place, of what depends on the histories; None where it is nothing."""
    out = call.outputs[0]
    (reads,) = gradients(out, [histories.rows])
    (slope,) = gradients(step.loss, [out], torch.ones_like(step.loss))
    if reads is None or slope is None or not bool((slope != 0).any()):
        return None
    return slope.detach().reshape(*histories.ids.shape, -1).abs().amax(-1)


def _places(step: KeptStep, call: Call) -> list[Call]:
    """The calls that make one number of all places, and what leads to them, nearest to the loss last."""
    after = [
        one
        for one in step.upstream(step.loss)
        if one.number > call.number and call.number in {c.number for c in step.region(one, call.number - 1)}
    ]
    single = [one for one in after if one.outputs[0].numel() == 1]
    flat = [
        one
        for one in after
        if one.outputs[0].numel() > 1 and one.number < (single[0].number if single else 0)
    ]
    return [*single[:1], *flat[:1]] or [call]
