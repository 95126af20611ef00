"""What would the loss of a kept step be if all scores were equal? Losses of pairs enter it by weights that their gradients tell."""

from __future__ import annotations

import math
from typing import Any

import torch

from .step_gradients import gradients
from .step_kept import Call, KeptStep

# Losses of pairs -> their value at a score, or difference of scores, of 0.
AT_NOUGHT = {
    "softplus": math.log(2),
    "logsigmoid": -math.log(2),
    "log_sigmoid": -math.log(2),
    "binary_cross_entropy_with_logits": math.log(2),
    "soft_margin_loss": math.log(2),
}


def guess(step: KeptStep) -> dict[str, Any]:
    """{"loss": the step's, "guess": what it would be of equal scores}; {} where it has no losses of pairs."""
    pairs = [
        call
        for call in step.upstream(step.loss)
        if call.function in AT_NOUGHT and call.outputs[0].requires_grad
    ]
    if not pairs or step.loss.numel() != 1:
        return {}
    value = float(step.loss.detach())
    slopes = gradients(step.loss, [step.live(call.outputs[0]) for call in pairs], torch.ones_like(step.loss))
    known = [(call, slope) for call, slope in zip(pairs, slopes) if slope is not None]
    equal = value - sum(
        float((slope * (call.outputs[0].detach() - _at_nought(call))).sum()) for call, slope in known
    )
    return {"loss": value, "guess": equal} if known and math.isfinite(equal) and math.isfinite(value) else {}


def _at_nought(call: Call) -> float:
    summed = call.kwargs.get("reduction") == "sum"
    return AT_NOUGHT[call.function] * (call.inputs[0].numel() if summed else 1)
