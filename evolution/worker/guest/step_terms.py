"""The terms that the loss of a kept step is the sum of: which gradient each gives the weights, and which only shrink them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch

from .step_gradients import gradients
from .step_kept import Call, KeptStep

ADDING = {"add", "__add__", "__radd__", "__iadd__", "add_"}
SUBTRACTING = {"sub", "__sub__", "__isub__", "sub_"}
SCALING = {
    "mul",
    "__mul__",
    "__rmul__",
    "mul_",
    "__imul__",
    "div",
    "__truediv__",
    "div_",
    "__itruediv__",
    "neg",
    "__neg__",
}
# Calls that a penalty is made of, between what it shrinks and its number.
OF_PENALTIES = (
    ADDING | SUBTRACTING | SCALING
    | {"pow", "__pow__", "square", "abs", "norm", "linalg_vector_norm", "vector_norm", "sum", "mean", "exp", "sqrt", "stack",
       "rsub", "__rsub__", "flatten", "reshape", "view", "float", "log", "cat"}
)  # fmt: skip
CURVES = {"exp", "log"}  # of a divergence, which a norm has not
MOST_TERMS = 200
LONGEST_WAY = 100
MOST_COMPARED = 12  # terms whose gradients are taken one by one
FAINT = 1e-3  # of the strongest gradient
LOOKING_UP = {"embedding", "__getitem__", "index_select"}
SHRINKS = 0.9  # cosine of a gradient with what it is taken at
MIXED = 0.1  # share of the rarer sign, in what a penalty may shrink: an activation or a loss has one sign


class Term:
    """call: which made it. way: the calls between it and the loss, from the loss on. factor: times which it is added."""

    def __init__(self, tensor: Any, call: Call, way: tuple[Call, ...], factor: float) -> None:
        self.tensor, self.call, self.way, self.factor = tensor, call, way, factor


def terms_of(step: KeptStep) -> list[Term]:
    """The terms with a gradient, of one number each; the whole loss where it is no sum."""
    return list(_terms(step, step.loss, step.maker(step.loss), (), 1.0))


def _terms(
    step: KeptStep, tensor: Any, call: Call | None, way: tuple[Call, ...], factor: float
) -> Iterator[Term]:
    if call is None or not tensor.requires_grad or len(way) > LONGEST_WAY:
        return
    moved = [n for n, one in enumerate(call.inputs) if one.requires_grad]
    single = tensor.numel() == 1 and all(call.inputs[n].numel() == 1 for n in moved)
    if single and (call.function in ADDING | SUBTRACTING or (call.function in SCALING and len(moved) == 1)):
        for n in moved:
            (slope,) = gradients(tensor, [call.inputs[n]], torch.ones_like(tensor))
            source = call.sources[n]
            maker = step.calls[source] if source >= 0 else None
            rate = _written_rate(call, tensor, n) if slope is None else float(slope)
            yield from _terms(step, call.inputs[n], maker, (*way, call), factor * rate)
    else:
        yield Term(tensor, call, way, factor)


def _written_rate(call: Call, tensor: Any, n: int) -> float:
    """What a call that wrote into its input made of it, as no graph leads back to what that was: 1 of `loss += term`, the weight of
    `penalty *= weight`."""
    before = float(call.inputs[n].detach())
    return float(tensor.detach()) / before if call.function in SCALING and before else 1.0


def terms(step: KeptStep) -> dict[str, Any]:
    """What each part of the loss is worth to the weights: {"value", "gradient", "penalty", "penalty_gradient", "places"}.

    value, gradient: of everything but penalties, gradient as the norm over all weights. penalty: the same of terms that only shrink
    what they take: weights, or activations (a KL divergence). places: where the penalty gets its weight. faint: terms that hardly weigh
    anything beside the others, though they are no decay: {"gradient", "places"} of each.
    """
    found = terms_of(step)[:MOST_TERMS]
    shrinking = [term for term in found if _is_penalty(step, term)]
    others = [term for term in found if not any(term is one for one in shrinking)]
    if not others:
        return {}
    weights = _weights(step)
    return {
        "value": _value(others),
        "gradient": _norm(gradient_of(others, weights)),
        "penalty": _value(shrinking),
        "penalty_gradient": _norm(gradient_of(shrinking, weights)),
        "places": _weighed(shrinking, others) if shrinking else [],
        "faint": list(_faint(step, found, weights)),
    }


def _faint(step: KeptStep, found: list[Term], weights: list[Any]) -> Iterator[dict[str, Any]]:
    """The terms with a gradient that is next to nothing."""
    if not 1 < len(found) <= MOST_COMPARED:
        return
    norms = [_norm(gradient_of([term], weights)) for term in found]
    for term, norm in zip(found, norms):
        if 0 < norm < FAINT * max(norms) and not _is_decay(step, term):
            others = [one for one in found if one is not term]
            yield {"gradient": norm, "places": _weighed([term], others)}


def _is_decay(step: KeptStep, term: Term) -> bool:
    """Whether it is weight decay in other words, which is meant to be faint: taken of parameters, of rows of them, or as a
    plain norm of what a model answers with.
    """
    carriers = list(_carriers(step, term))
    if all(one.is_leaf or _is_of_leaves(step.maker(one)) for one in carriers):
        return True
    return _is_norm(step, term) and _shrinks(step, term) >= SHRINKS


def _is_norm(step: KeptStep, term: Term) -> bool:
    """Whether only powers, sums and sizes lie between the term and what it is taken of."""
    return not {call.function for call in _calls_of(step, term)} & CURVES


def _is_of_leaves(call: Call | None) -> bool:
    return (
        call is not None
        and call.function in LOOKING_UP
        and all(one.is_leaf for one in call.inputs if one.requires_grad)
    )


def _weighed(shrinking: list[Term], others: list[Term]) -> list[list[Any]]:
    """Where penalties get their weight: the call nearest to the loss that scales them alone, else the one that adds them."""
    shared = {call.number for term in others for call in term.way}
    own = [call for term in shrinking for call in term.way if call.number not in shared]
    scaling = [call for call in own if call.function in SCALING]
    adding = [call for term in shrinking for call in term.way if call.number in shared]
    chosen = [*scaling[:1], *adding[-1:], shrinking[0].call]
    return [list(place) for place in dict.fromkeys(tuple(call.told()) for call in chosen)]


def _value(found: list[Term]) -> float:
    return _finite(sum(float(term.tensor.detach().flatten()[0]) * term.factor for term in found))


def ranking_terms(step: KeptStep) -> list[Term]:
    """The terms that are no penalties."""
    found = terms_of(step)[:MOST_TERMS]
    return [term for term in found if not _is_penalty(step, term)]


def _is_penalty(step: KeptStep, term: Term) -> bool:
    """Whether it shrinks what it takes, or takes nothing but whole parameters."""
    return all(one.is_leaf for one in _carriers(step, term)) or _shrinks(step, term) >= SHRINKS


def gradient_of(found: list[Term], weights: list[Any]) -> list[Any]:
    """Of the sum of these terms to each of the weights, None where nothing leads there."""
    total: list[Any] = [None] * len(weights)
    for term in found:
        given = gradients(term.tensor, weights, torch.full_like(term.tensor, term.factor))
        total = [
            one if other is None else other if one is None else one + other
            for one, other in zip(total, given)
        ]
    return total


def _norm(given: list[Any]) -> float:
    return _finite(
        math.sqrt(
            sum(
                float(one.coalesce().values().norm() if one.is_sparse else one.norm()) ** 2
                for one in given
                if one is not None
            )
        )
    )


def _weights(step: KeptStep) -> list[Any]:
    held: dict[int, Any] = {}
    for call in step.upstream(step.loss):
        for one in call.inputs:
            if one.is_leaf and one.requires_grad and one.layout is torch.strided:
                held[id(one)] = one
    return list(held.values())


def _shrinks(step: KeptStep, term: Term) -> float:
    carriers = list({id(one): one for one in _carriers(step, term)}.values())
    if not carriers or any(not _has_both_signs(one) for one in carriers):
        return 0.0
    given = gradients(term.tensor, carriers, torch.ones_like(term.tensor))
    pairs = [
        (one.detach().float(), slope.float()) for one, slope in zip(carriers, given) if slope is not None
    ]
    along = sum(float((one * slope).sum()) for one, slope in pairs)
    size = math.sqrt(sum(float((one * (slope != 0)).norm()) ** 2 for one, slope in pairs))
    steep = math.sqrt(sum(float(slope.norm()) ** 2 for _, slope in pairs))
    sign = math.copysign(1.0, term.factor)
    return _finite(max(-1.0, min(1.0, sign * along / (size * steep)))) if size * steep > 0 else 0.0


def _carriers(step: KeptStep, term: Term) -> Iterator[Any]:
    """What the term is a penalty of: the tensors from which on only powers, norms and sums are taken."""
    for call in _calls_of(step, term):
        for one, source in zip(call.inputs, call.sources):
            if one.requires_grad and not _is_of_penalties(step, source):
                yield one


def _calls_of(step: KeptStep, term: Term) -> Iterator[Call]:
    """The calls that make the term of what it is a penalty of."""
    todo, seen = [term.call], set()
    while todo:
        call = todo.pop()
        if call.number in seen:
            continue
        seen.add(call.number)
        yield call
        todo += [
            step.calls[source]
            for one, source in zip(call.inputs, call.sources)
            if one.requires_grad and _is_of_penalties(step, source)
        ]


def _is_of_penalties(step: KeptStep, source: int) -> bool:
    return source >= 0 and step.calls[source].function in OF_PENALTIES


def _has_both_signs(tensor: Any) -> bool:
    plain = tensor.detach()
    if plain.numel() < 2:
        return False
    share = float((plain > 0).float().mean()), float((plain < 0).float().mean())
    return min(share) >= MIXED


def _finite(value: float) -> float:
    return value if math.isfinite(value) else 0.0
