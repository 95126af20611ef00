"""How far apart can the logits of a kept step get? Vectors of one length give cosines, times whatever stretches them.

What the calls are named does not matter: the vectors that are multiplied are looked at, and the product held against the logits.
"""

from __future__ import annotations

from typing import Any

import torch

from .step_kept import Call, KeptStep

PRODUCTS = {"matmul", "__matmul__", "mm", "bmm", "linear", "inner", "einsum"}
MULTIPLYING = {"mul", "__mul__", "__rmul__", "multiply"}
SUMMING = {"sum"}
CLASSES = {"cross_entropy", "log_softmax", "softmax", "logsumexp"}
SCALING = {"mul", "__mul__", "__rmul__", "mul_", "__imul__", "div", "__truediv__", "div_", "__itruediv__"}
# Calls after a product that change no distance between two logits by more than a factor.
THROUGH = SCALING | {
    "view", "reshape", "flatten", "squeeze", "unsqueeze", "contiguous", "float", "masked_fill", "cat", "__getitem__", "clone",
    "masked_fill_", "concat", "stack", "index_select", "masked_select", "transpose", "t", "T", "permute",
}  # fmt: skip
SHIFTING = {"add", "__add__", "__radd__", "add_", "__iadd__", "sub", "__sub__", "sub_", "__isub__"}
EVEN = 1e-3  # spread of the lengths of vectors that were made equally long
STEADY = 1e-3  # of the factor between a product and the logits
LEAST_ROWS = 4
LEAST_CLASSES = 3


def scale(step: KeptStep) -> dict[str, Any]:
    """{"classes", "width": the largest possible distance of two logits, "seen": the largest distance now, "biased": whether each class has a bias beside
    that, the same for all rows, "places"}.

    {} where no softmax over classes is part of the loss, or where its logits have no bound. places: where the logits are stretched, where
    the vectors are multiplied, where they are compared.
    """
    for call in step.upstream(step.loss):
        if call.function in CLASSES and call.inputs and call.inputs[0].requires_grad:
            found = _of_loss(step, call)
            if found:
                return found
    return {}


def _of_loss(step: KeptStep, loss: Call) -> dict[str, Any]:
    logits = loss.inputs[0]
    classes = logits.shape[_axis(loss)] if logits.dim() else 0
    product, between = _product(step, logits)
    if product is None or classes < LEAST_CLASSES:
        return {}
    if any(_is_learned(call) for call in between if call.function in SCALING):
        return {}
    lengths = _lengths(step, product)
    stretching = [call for call in between if call.function in SCALING]
    factor = _factor_of(stretching)
    if lengths is None or factor is None:
        return {}
    inner = [one for given in product.inputs if (one := _stretched(step, given)) is not None]
    told = {call.place: call for call in (*stretching, *inner, product, loss)}
    plain = logits.detach().float()
    usual = plain[plain.abs() < 1e4]
    return {
        "classes": int(classes),
        "width": 2.0 * lengths * factor,
        "seen": float(usual.max() - usual.min()) if usual.numel() else 0.0,
        "biased": any(call.function in SHIFTING and _bias_of(call) for call in between),
        "places": [call.told() for call in told.values()],
    }


def _is_learned(call: Call) -> bool:
    """Whether the number that stretches is a parameter, which goes where the loss wants it."""
    return sum(one.requires_grad for one in call.inputs) > 1


def _axis(loss: Call) -> int:
    if loss.function == "cross_entropy":
        return 1 if loss.inputs[0].dim() > 1 else 0
    told = loss.kwargs.get("dim", next((one for one in loss.args[1:2] if isinstance(one, int)), -1))
    return told if isinstance(told, int) and -loss.inputs[0].dim() <= told < loss.inputs[0].dim() else -1


def _product(step: KeptStep, logits: Any) -> tuple[Call | None, list[Call]]:
    """The product that the logits are, up to a factor, and the calls in between, the last first."""
    between: list[Call] = []
    tensor = logits
    while (call := step.maker(tensor)) is not None:
        if call.function in PRODUCTS or _is_dot(step, call):
            return call, between
        moved = [one for one in call.inputs if one.requires_grad and one.numel() > 1]
        if call.function in SHIFTING and len(moved) > 1:
            moved = [one for one in moved if not any(one is bias for bias in _bias_of(call))]
        shifted = call.function in SHIFTING and len(moved) == 1  # by what is not learned, such as log q
        if not moved or not (call.function in THROUGH or shifted) or len(between) > 20:
            return None, between
        between.append(call)
        tensor = max(moved, key=lambda one: one.numel())
    return None, between


def _bias_of(call: Call) -> list[Any]:
    """The parameters with one number for each class that a sum takes."""
    return [
        one for one in call.inputs if one.is_leaf and one.requires_grad and one.dim() == 1 and one.numel() > 1
    ]


def _is_dot(step: KeptStep, call: Call) -> bool:
    before = step.maker(call.inputs[0]) if call.function in SUMMING and call.inputs else None
    return before is not None and before.function in MULTIPLYING and len(before.inputs) == 2


def _lengths(step: KeptStep, product: Call) -> float | None:
    """The product of the two lengths, where all vectors on either side are equally long; None where they are not."""
    if product.function in SUMMING:
        given = step.maker(product.inputs[0])
        sides, along = (given.inputs if given is not None else []), (-1, -1)
    else:
        sides = [one for one in product.inputs if one.is_floating_point() and one.dim() > 1][:2]
        along = (-1, -1 if product.function in ("linear", "inner") else -2)
    if len(sides) != 2:
        return None
    if product.function == "einsum":
        along = (-1, -1)
    first, second = (_length(one, axis) for one, axis in zip(sides, along))
    return None if first is None or second is None else first * second


def _length(side: Any, axis: int) -> float | None:
    lengths = side.detach().float().norm(dim=axis).flatten()
    lengths = lengths[lengths > 0]  # of padding
    if len(lengths) < LEAST_ROWS or side.shape[axis] < 2:
        return None
    return float(lengths.mean()) if float(lengths.std()) < EVEN * float(lengths.mean()) else None


def _factor_of(stretching: list[Call]) -> float | None:
    """By how much these calls together stretch; None where one of them does not by one number."""
    total = 1.0
    for call in stretching:
        rate = _factor(max(call.inputs, key=lambda one: (one.requires_grad, one.numel())), call.outputs[0])
        if rate is None:
            return None
        total *= rate
    return total


def _factor(before: Any, after: Any) -> float | None:
    one, other = before.detach().float().flatten(), after.detach().float().flatten()
    if one.numel() != other.numel():
        return None
    usable = (other.abs() < 1e4) & (one.abs() < 1e4) & (one.abs() > 0.1 * one.abs()[one.abs() < 1e4].amax())
    rate = other[usable] / one[usable]
    if not len(rate):
        return None
    steady = float(rate.std()) if len(rate) > 1 else 0.0
    return float(rate.mean().abs()) if steady < STEADY * float(rate.mean().abs()) + 1e-6 else None


def _stretched(step: KeptStep, tensor: Any) -> Call | None:
    """The call that stretches a side of the product by one number."""
    call = step.maker(tensor)
    if call is None or call.function not in SCALING or _is_learned(call):
        return None
    others = [one for one in call.inputs if isinstance(one, torch.Tensor) and one.numel() > 1]
    return call if len(others) == 1 else None
