"""Does scoring compute what the kept step computes? The same rows are scored in the same state.

Where no number of the step ranks items as the scores do, two functions were written for one. The product that makes the scores
is looked at: are the vectors that it multiplies those that the step multiplies?
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from .step_agreement import Candidates, Comparing, agreeing
from .step_inputs import given_otherwise
from .step_kept import Call, KeptStep
from .step_noise import is_thinned
from .step_rows import Events, asked_rows
from .step_scored import ServedStep, scored_rows, unplaced
from .step_vectors import Vectors
from .tracing_frames import KIT, Places

SAME = 0.9999
OTHER = 0.99
THINNED = 0.9  # where a part of the graph or of the numbers is left out at random in training
LEAST = 0.3  # else the rows may be others
TURNED = (
    0.9  # against the step's by so much: the same scores with another sign, and not scores of other vectors
)
PRODUCTS = {"matmul", "__matmul__", "mm", "bmm", "einsum", "linear", "cdist", "baddbmm", "addmm", "inner"}
MULTIPLYING = PRODUCTS | {
    "mul",
    "__mul__",
    "multiply",
    "cosine_similarity",
    "pairwise_distance",
    "sub",
    "__sub__",
    "dot",
}
ADDING = {"add", "__add__", "__radd__", "__iadd__", "add_", "sub", "__sub__", "mul", "__mul__", "__rmul__"}
DIVIDING = {"div", "__truediv__", "true_divide"}
TURNING = {"neg", "__neg__", "negative", "rsub", "__rsub__"}
END = 1e-6  # of a probability, from 0 and from 1
NORMS = {"norm", "linalg_vector_norm", "vector_norm", "linalg_norm"}


def serving(step: KeptStep, candidate: Any, data: Any, places: Places) -> dict[str, Any]:
    """{"rows", "agreement", "unserved", "places"}; {} where rows cannot be asked for, or more than the function may differ.

    agreement: correlation of the scores with what is most like them in the step. unserved: whether training alone
    adds something. negated: whether the scores are the lower the higher the step's. places: lines of scoring, then of training.
    """
    events = Events(data)
    asked = asked_rows(step, events)
    if asked is None or step.noisy:
        return {}
    scored, scores = scored_rows(candidate, asked, places)
    if scored is not None and (otherwise := given_otherwise(step, scored, asked)):
        scored, scores = scored_rows(candidate, asked, places, otherwise)
    if scored is None or _reads_copies(step, scored):
        return {}
    comparing = Comparing(scores, asked, events, Candidates(step, events))
    signed, by = agreeing(step, comparing)
    if abs(signed) < SAME and (logits := _unsquashed(scores)) is not None:
        straight = Comparing(logits, asked, events, Candidates(step, events))
        again = agreeing(step, straight)
        if abs(again[0]) > abs(signed):
            comparing, (signed, by) = straight, again
    best = abs(signed)
    told = {
        "rows": len(asked.users),
        "agreement": round(best, 6),
        "unserved": False,
        "negated": False,
        "places": [],
    }
    if by is None or best < LEAST:
        return {}
    if best >= THINNED and is_thinned(step):
        product = _normalised_alone(step, scored)
        told["places"] = [product.told()] if product is not None else []
        return told if product is not None else {}
    if signed < -TURNED and bool((by.outputs[0] < 0).any()):  # what is never negative is a distance
        told.update(negated=True, places=[call.told() for call in _ends(scored)])
        return told
    if best >= SAME:
        missing = _added_in_training(step, by, scored)
        blamed = [] if missing is None else [_last_sum(scored) or scored.calls[-1], missing]
    else:
        missing = _read_in_training(step, by, scored)
        parts = missing is not None or best < OTHER or _multiplies_others(step, scored, comparing)
        blamed = _parting(step, scored, comparing, missing) if parts else []
    told.update(
        unserved=missing is not None and bool(blamed),
        places=[handed if (handed := _handed_over(step, scored, call)) else call.told() for call in blamed],
    )
    told["places"] = [place for place in told["places"] if place[0] != KIT]
    return told


def _unsquashed(scores: Any) -> Any:
    """The logits of scores between 0 and 1; None of other scores. What is so near to an end that its digits are lost is no score."""
    told = np.array(scores, np.float64)
    there = np.isfinite(told) & (np.abs(told) < 1e6)
    there[:, 0] = False
    if not there.any() or told[there].min() < 0 or told[there].max() > 1:
        return None
    kept = there & (told > END) & (told < 1 - END)
    logits = np.full(told.shape, -np.inf)
    logits[kept] = np.log(told[kept] / (1 - told[kept]))
    return logits


def _handed_over(step: KeptStep, scored: ServedStep, call: Call) -> list[Any] | None:
    """[path, line, function] of what calls a function that training runs as well with vectors that training never multiplies; None
    where a product of scoring is no such one: its own line is then what differs.
    """
    around = scored.around.get(call.number, [])
    shared = any(one.place[:2] == call.place[:2] for one in step.calls)
    if call not in scored.calls or call.function not in PRODUCTS or not shared or len(around) < 3:
        return None  # the outermost is the question itself
    makers = [(one, scored.maker(one)) for one in (unplaced(scored, side) for side in _sides(call))]
    given = [one for one, maker in makers if maker is None or maker.place[2] != call.place[2]]
    known = Vectors(one for each in step.calls if _scores_pairs(step, each) for one in each.inputs)
    strange = [one for one in given if not (known.has(one) or known.has(one.transpose(-1, -2)))]
    path, line, _ = around[1]
    return [path, line, call.function] if strange else None


def _leaves(step: KeptStep, of: Any) -> list[Any]:
    """The tensors that come from outside of the step and hold numbers."""
    held = {}
    for call in step.upstream(of):
        for one, source in zip(call.inputs, call.sources):
            if source < 0 and one.is_floating_point() and one.layout is torch.strided:
                held[id(one)] = one
    return list(held.values())


def _reads_copies(step: KeptStep, scored: KeptStep) -> bool:
    """Whether scoring reads weights of its own, such as an average of those that are trained."""
    trained = [one for one in _leaves(step, step.loss) if one.requires_grad and one.dim() > 1]
    known = {one.data_ptr() for one in _leaves(step, step.loss)}
    own = [one for one in _leaves(scored, scored.loss) if one.dim() > 1 and one.data_ptr() not in known]
    return any(one.shape == other.shape and _alike(one, other) for one in own for other in trained)


def _alike(one: Any, other: Any) -> bool:
    both = torch.stack([one.detach().float().flatten(), other.detach().float().flatten()])
    return bool(torch.corrcoef(both)[0, 1] > 0.2)


def _served(scored: KeptStep) -> set[int]:
    return {one.data_ptr() for one in _leaves(scored, scored.loss)}


def _read_in_training(step: KeptStep, by: Call, scored: KeptStep) -> Call | None:
    """The call that takes parameters for the step's scores which scoring does not read."""
    served = _served(scored)
    for call in step.region(by, -1):
        for one, source in zip(call.inputs, call.sources):
            if source < 0 and one.requires_grad and one.numel() > 1 and one.data_ptr() not in served:
                return call
    return None


def _added_in_training(step: KeptStep, by: Call, scored: KeptStep) -> Call | None:
    """The call after `by` that adds parameters to the scores which scoring does not read."""
    served = _served(scored)
    here = {id(out) for out in by.outputs}
    for call in step.calls[by.number + 1 :]:
        if (
            not any(id(one) in here for one in call.inputs)
            or call.outputs[0].numel() != by.outputs[0].numel()
        ):
            continue
        here |= {id(out) for out in call.outputs}
        if call.function not in ADDING:
            continue
        for one in call.inputs:
            if id(one) in here or not one.requires_grad or one.numel() < 2:
                continue
            own = [leaf for leaf in (_leaves(step, one) or [one]) if leaf.requires_grad and leaf.numel() > 1]
            if own and all(leaf.data_ptr() not in served for leaf in own):
                return call
    return None


def _last_product(scored: KeptStep) -> Call | None:
    width = scored.loss.shape[-1]
    products = [
        call
        for call in scored.upstream(scored.loss)
        if call.function in PRODUCTS and call.outputs[0].shape[-1] in (width - 1, width, width + 1)
    ]
    return products[-1] if products else None


def _last_sum(scored: KeptStep) -> Call | None:
    """The last arithmetic on the scores, where what is missing would have been added."""
    width = scored.loss.shape[-1]
    reckoned = [
        call
        for call in scored.upstream(scored.loss)
        if call.function in PRODUCTS | ADDING | TURNING | DIVIDING
        and call.outputs[0].shape[-1] in (width - 1, width, width + 1)
    ]
    return reckoned[-1] if reckoned else None


def _ends(scored: KeptStep) -> list[Call]:
    """What makes the scores: where a sign is turned, else the last product."""
    turning = [call for call in scored.upstream(scored.loss) if call.function in TURNING]
    product = _last_product(scored)
    return [*turning[-1:], *([product] if product is not None else [])] or scored.calls[-1:]


def _normalised_alone(step: KeptStep, scored: KeptStep) -> Call | None:
    """The product of scoring, where both its sides were just made equally long and none of the step's was."""
    product = _last_product(scored)
    if product is None or not all(_is_normalised(scored, one) for one in _sides(product)):
        return None
    for call in step.upstream(step.loss):
        if call.function == "cosine_similarity" or (
            _scores_pairs(step, call) and any(_is_normalised(step, one) for one in _sides(call))
        ):
            return None
    return product


def _sides(product: Call) -> list[Any]:
    return [one for one in product.inputs if one.is_floating_point() and one.dim() > 1]


def _is_normalised(step: KeptStep, tensor: Any) -> bool:
    call = step.maker(unplaced(step, tensor))
    if call is None or call.function == "normalize":
        return call is not None
    by = step.maker(call.inputs[-1]) if call.function in DIVIDING and len(call.inputs) > 1 else None
    return by is not None and any(one.function in NORMS for one in (by, *map(step.maker, by.inputs)) if one)


def _parting(step: KeptStep, scored: KeptStep, comparing: Comparing, missing: Call | None) -> list[Call]:
    """The lines that compute something else, best first; [] where that cannot be said. missing: a call that training alone makes."""
    alone = [missing] if missing is not None else []
    product = _last_product(scored)
    if product is None:
        return alone
    query, table = _multiplied(step, product, len(comparing.scores))
    other = _first_other(step, scored)
    if query or not table:
        own = [] if query or table else _makers_of(step, scored, product, len(comparing.scores))
        return [*own, product, *alone, *([] if query else other)]
    if other and other[0] is not product:
        return [*other, *alone]
    return [*alone, *other]


def _makers_of(step: KeptStep, scored: KeptStep, product: Call, rows: int) -> list[Call]:
    """The call that makes the table which a product of scoring multiplies, on a line that no step has: it is taken from elsewhere there."""
    trained = {call.place for call in step.calls}
    width = product.outputs[0].shape[-1]
    whole = [unplaced(scored, side) for side in _sides(product)]
    tables = [one for one in whole if one.dim() and len(one) >= width - 1 and len(one) != rows]
    makers = [scored.maker(one) for one in tables]
    return [
        one
        for one in makers
        if one is not None
        and one.place not in trained
        and one.place != product.place
        and one.place[2] == product.place[2]
    ][:1]


def _multiplied(step: KeptStep, product: Call, rows: int) -> tuple[bool, bool]:
    """Whether the step multiplies the vectors of users that a product of scoring takes, and those of items."""
    n_items = product.outputs[0].shape[-1] - 1
    multiplied = Vectors(
        one
        for call in step.upstream(step.loss)
        if _scores_pairs(step, call) and not _is_layer(call, n_items)
        for one in call.inputs
    )
    sides = [one for one in product.inputs if one.is_floating_point() and one.dim() > 1]
    queries = [one for one in sides if rows in one.shape[:-1]]
    tables = [one for one in sides if not any(one is other for other in queries)]
    query = all(multiplied.has(one) for one in queries)
    return query, all(multiplied.has(one) or multiplied.has(one.transpose(-1, -2)) for one in tables)


def _multiplies_others(step: KeptStep, scored: KeptStep, comparing: Comparing) -> bool:
    """Whether scoring multiplies neither vectors of users nor of items that the step does, as where one of them has no norms."""
    product = _last_product(scored)
    return product is not None and not any(_multiplied(step, product, len(comparing.scores)))


def _is_layer(call: Call, n_items: int) -> bool:
    """Whether a call multiplies by a matrix of weights that has no row for each item."""
    weights = [one for one in call.inputs if one.is_leaf and one.requires_grad and one.dim() == 2]
    return call.function in PRODUCTS and any(max(one.shape) < n_items - 1 for one in weights)


def _scores_pairs(step: KeptStep, call: Call) -> bool:
    """Whether a call multiplies vectors to numbers, rather than to other vectors as a layer does."""
    if call.function not in MULTIPLYING or not call.inputs:
        return False
    if call.function in PRODUCTS or call.function in ("cosine_similarity", "pairwise_distance", "dot"):
        return call.outputs[0].shape[-1:] != call.inputs[0].shape[-1:]
    return any(user.function in ("sum", "norm", "pow") for user in step.users(call.outputs[0]))


def _first_other(step: KeptStep, scored: KeptStep) -> list[Call]:
    """The first call of scoring that makes something else of what the step has as well."""
    held = Vectors(one for call in step.upstream(step.loss) for one in (*call.inputs, *call.outputs))
    for call in scored.upstream(scored.loss):
        made, taken = _comparable(held, call.outputs), _comparable(held, call.inputs)
        if made and taken and all(map(held.has, taken)) and not any(map(held.has, made)):
            return [call]
    return []


def _comparable(held: Vectors, tensors: list[Any]) -> list[Any]:
    """Those that can be compared: of a width that the step has, too. Others are as wide as a batch's longest history."""
    return [one for one in tensors if one.is_floating_point() and one.dim() > 1 and held.knows(one.shape[-1])]
