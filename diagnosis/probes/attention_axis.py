"""Do attention weights sum to one over what they weigh?"""

from collections.abc import Iterator

from diagnosis.evidence import Evidence
from diagnosis.findings import CodePlace, FindingKind, FoundBy, Measurement, Role, Severity
from diagnosis.flow import Flow
from diagnosis.operations import DIVIDING, MASKING, MULTIPLYING, SOFTMAXES, Op, axis, place_of, trained
from diagnosis.probes.outcome import unjudged
from diagnosis.probes.probe import Probe

UNIT = "softmaxes along another axis"
KIND = FindingKind(
    code="softmax-axis",
    found_by=FoundBy.PROBE,
    title="Softmax along the wrong axis",
    why="Weights that do not sum to one over what they weigh mix other rows or positions into each answer.",
    definition="Number of softmaxes whose result is summed along another axis than it was normalised along, or that are taken of one "
    "number each, which is 1 whatever it was.",
    roles=(Role.ENCODER,),
    explains=(
        "order-ignored",
        "no-gradient",
        "more-padding",
        "padding-attended",
        "future-visible",
        "weaker-than-popularity",
        "weaker-than-markov",
        "weaker-than-ease",
    ),
)
# Calls that keep the axes of the weights as they are.
KEEPING = {"dropout", "to", "float", "half", "clone", "contiguous", "type_as", "detach", *MASKING}
CONTRACTING = {"matmul", "__matmul__", "bmm"}


def attention_axis(evidence: Evidence) -> list[Measurement]:
    """Every softmax of the traced training step whose result weighs something: is it normalised along the axis that is
    summed, or along the batch, or over the queries instead of the keys?"""
    flow = Flow(evidence.artifacts.trace)
    if not flow.backward:
        return [unjudged(KIND.code, "no training step was traced", unit=UNIT)]
    judged = 0
    for op in trained(flow):
        call = flow.ops[op]
        along = axis(call) if call["function"] in SOFTMAXES | {"log_softmax"} else None
        if along is None or len(call["in"][0]) < 2:
            continue
        if _is_of_one(flow, call):
            return [_of_one(call, along)]
        summed = set(_summed_axes(flow, op))
        judged += bool(summed)
        if _is_over_users(flow, op, evidence.training.n_items):
            return [_wrong(flow, op, along, {len(call["in"][0]) - 1})]
        if summed and along not in summed and _is_wrong(flow, call["in"][0], along):
            return [_wrong(flow, op, along, summed)]
    words = f"{judged} softmaxes are normalised along the axis that is summed"
    return [_measured(0.0, healthy=True, message=words)]


def _is_of_one(flow: Flow, call: Op) -> bool:
    """Whether a softmax has one number to share among, at each of its calls, and there are rows and places beside it."""
    same = [one for one in flow.ops if _site(one) == _site(call) and one["function"] in SOFTMAXES]
    return bool(same) and all(_shares_with_none(one["in"][0], axis(one)) for one in same)


def _site(call: Op) -> tuple[str, int]:
    return str(call["path"]), int(call["line"])


def _shares_with_none(shape: list[int], along: int | None) -> bool:
    return along is not None and shape[along] == 1 and max(shape) > 1


def _is_over_users(flow: Flow, op: int, n_items: int) -> bool:
    """Whether scores of all items for a batch of users are normalised over the users."""
    shape = flow.ops[op]["in"][0]
    of_items = len(shape) == 2 and n_items - 1 <= shape[1] <= n_items + 2 and shape[0] not in (1, shape[1])
    return of_items and axis(flow.ops[op]) == 0


def _is_wrong(flow: Flow, shape: list[int], along: int) -> bool:
    """Some models let queries compete for keys (capsules, slots). Over the batch it is always wrong, and so it is where
    a sequence attends to itself, or over the items that are asked for: what one scores hangs on the others then."""
    batch = _batch(flow)
    over_batch = along == 0 and batch > 1 and shape[0] % batch == 0
    to_itself = along == len(shape) - 2 and len(shape) > 2 and shape[-1] == shape[-2] > 1
    return shape[along] > 1 and (over_batch or to_itself or _is_over_candidates(flow, shape, along))


def _is_over_candidates(flow: Flow, shape: list[int], along: int) -> bool:
    """Whether the axis is that of items which training looks up, so many a row, beside histories of another length."""
    looked_up = [
        op["in"][0]
        for op in flow.ops
        if op["phase"] == "train" and op["function"] == "embedding" and op["in"]
    ]
    rows = [shape[0], shape[along]]
    return len(shape) == 3 and along == 1 and shape[1] != shape[2] and rows in looked_up


def _batch(flow: Flow) -> int:
    """The first size of the indices that training looks up most often; 0 where there are none."""
    sizes = [
        op["in"][0][0]
        for op in flow.ops
        if op["phase"] == "train" and op["function"] == "embedding" and op["in"] and len(op["in"][0]) > 1
    ]
    return max(set(sizes), key=sizes.count) if sizes else 0


def _summed_axes(flow: Flow, op: int) -> Iterator[int]:
    """The axes of a softmax's result that later calls sum over."""
    rank = len(flow.ops[op]["in"][0])
    todo, seen = [op], {op}
    while todo:
        here = todo.pop()
        for user in flow.consumers(f"o{here}"):
            call = flow.ops[user]
            function = call["function"]
            if user in seen or call["phase"] != "train":
                continue
            seen.add(user)
            if function in KEEPING:
                todo.append(user)
            elif function in CONTRACTING:
                first = f"o{here}" in {*flow.slot(user, 0)}
                yield rank - 1 if first else max(rank - 2, 0)
            elif function == "einsum":
                yield from _of_equation(flow, user, here)
            elif function in MULTIPLYING | DIVIDING and _same_rank(call, rank):
                yield from _of_sums(flow, user, rank)
                if call["out"][0] == flow.ops[op]["in"][0]:  # by a mask
                    todo.append(user)


def _same_rank(call: Op, rank: int) -> bool:
    return bool(call["out"]) and len(call["out"][0]) == rank


def _of_sums(flow: Flow, product: int, rank: int) -> Iterator[int]:
    for user in flow.consumers(f"o{product}"):
        call = flow.ops[user]
        along = axis(call) if call["function"] in {"sum", "mean"} else None
        if along is not None and len(call["in"][0]) == rank:
            yield along


def _of_equation(flow: Flow, op: int, weights: int) -> Iterator[int]:
    """The axes of an einsum's operand that its result lacks."""
    equation = flow.ops[op]["scalars"].get("0")
    if not isinstance(equation, str) or "->" not in equation or "." in equation:
        return
    operands, result = equation.replace(" ", "").split("->")
    for position, letters in enumerate(operands.split(",")):
        if f"o{weights}" in flow.slot(op, position):
            yield from (place for place, letter in enumerate(letters) if letter not in result)


def _of_one(call: Op, along: int) -> Measurement:
    message = (
        f"{call['function']} along axis {along} of {tuple(call['in'][0])} is taken of one number each and gives 1 whatever it was: what "
        "computes it learns nothing"
    )
    return _measured(1.0, healthy=False, message=message, places=(place_of(call),))


def _wrong(flow: Flow, op: int, along: int, summed: set[int]) -> Measurement:
    call = flow.ops[op]
    shape = tuple(call["in"][0])
    over = "the batch" if along == 0 else "the queries"
    message = (
        f"{call['function']} along axis {along} of {shape} normalises over {over}, while its result is summed along axis {min(summed)}: "
        "weights of one answer do not sum to one"
    )
    return _measured(1.0, healthy=False, message=message, places=(place_of(call),))


def _measured(
    value: float, *, healthy: bool, message: str, places: tuple[CodePlace, ...] = ()
) -> Measurement:
    return Measurement(
        code=KIND.code,
        value=value,
        low=None,
        high=None,
        reference=0.0,
        reference_name="none",
        unit=UNIT,
        higher_is_better=False,
        healthy=healthy,
        severity=Severity.ERROR,
        message=message,
        self_reported=True,
        places=places,
    )


PROBE = Probe(kinds=(KIND,), run=attention_axis)
