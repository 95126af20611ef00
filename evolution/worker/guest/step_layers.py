"""Linear layers of a kept step that are applied to each other with nothing in between: together they are one linear layer."""

from __future__ import annotations

from typing import Any

from .step_kept import Call, KeptStep

LAYERS = {"linear", "matmul", "__matmul__", "mm", "addmm"}
# Calls that leave the values of their first argument as they are, in another shape. Dropout is at its mean in a kept step.
SHAPING = {
    "view",
    "reshape",
    "flatten",
    "squeeze",
    "unsqueeze",
    "contiguous",
    "clone",
    "float",
    "to",
    "view_as",
}
ADDING = {"add", "__add__", "__iadd__", "__radd__", "add_"}
LOOKING_UP = {"embedding", "index_select"}
WIDE = 3  # rows of a table beside items: padding, masks, unknown


class _Layer:
    """A call that multiplies by a matrix of weights. before, after: its widths."""

    def __init__(self, call: Call, weight: Any, before: int, after: int) -> None:
        self.call, self.weight, self.before, self.after = call, weight, before, after


def layers(step: KeptStep, n_items: int) -> dict[str, Any]:
    """{"layers": how many are applied to the result of another, "before", "between", "after": widths of the first pair, "places"}.

    {} where there are none. A pair with a narrower width in between is a factorised layer, and what multiplies by a table of items
    compares with them: both are left out. places: where the second of the first pair is applied, then the first.
    """
    found = [one for call in step.upstream(step.loss) if (one := _layer(call)) is not None]
    by_call = {one.call.number: one for one in found}
    pairs = [
        (first, second)
        for second in found
        if (first := _directly_before(step, second, by_call)) is not None
        and not _is_meant(step, first, second, n_items)
    ]
    if not pairs:
        return {}
    first, second = pairs[0]
    return {
        "layers": len(pairs),
        "before": first.before,
        "between": first.after,
        "after": second.after,
        "places": [second.call.told(), first.call.told()],
    }


def _layer(call: Call) -> _Layer | None:
    if call.function not in LAYERS or len(call.inputs) < 2 or not call.outputs:
        return None
    if call.function == "linear":
        weight, before, after = call.inputs[1], call.inputs[1].shape[-1], call.inputs[1].shape[0]
        return _Layer(call, weight, before, after) if _is_weight(weight) else None
    given, weight = call.inputs[-2:]
    if not _is_weight(weight) or given.dim() < 2:
        return None
    return _Layer(call, weight, weight.shape[0], weight.shape[1])


def _is_weight(tensor: Any) -> bool:
    return bool(tensor.is_leaf and tensor.requires_grad and tensor.dim() == 2 and min(tensor.shape) > 1)


def _directly_before(step: KeptStep, layer: _Layer, by_call: dict[int, _Layer]) -> _Layer | None:
    """The layer whose result this one alone takes, reshaped at most, with a bias at most."""
    at = 0 if layer.call.function == "linear" else len(layer.call.inputs) - 2
    taken, source = layer.call.inputs[at], layer.call.sources[at]
    while source >= 0:
        call = step.calls[source]
        if sum(1 for _ in step.users(taken)) > 1:
            return None
        if source in by_call:
            return by_call[source]
        at = _carried(call)
        if at < 0:
            return None
        taken, source = call.inputs[at], call.sources[at]
    return None


def _carried(call: Call) -> int:
    """Which input a call hands on unchanged, or with a bias added; -1 for none."""
    if call.function in SHAPING and call.inputs:
        return 0
    if call.function in ADDING and len(call.inputs) == 2:
        biases = [
            n for n, one in enumerate(call.inputs) if one.is_leaf and one.requires_grad and one.dim() == 1
        ]
        return 1 - biases[0] if len(biases) == 1 else -1
    return -1


def _is_meant(step: KeptStep, first: _Layer, second: _Layer, n_items: int) -> bool:
    """Whether two layers do what one could not: a narrow one saves parameters, and a table of items is no layer."""
    if first.after < min(first.before, second.after) or second.after == 1:
        return True
    if any(call.function in LOOKING_UP for call in step.users(second.weight)):
        return True
    return n_items <= second.after <= n_items + WIDE and first.after <= first.before
