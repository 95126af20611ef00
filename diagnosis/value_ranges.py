"""How far apart two values of a traced tensor can be, where the calls that made it bound them: a probability lies within
1, a cosine within 2, and a temperature stretches both."""

from diagnosis.flow import Flow
from diagnosis.operations import (
    ADDING,
    DIVIDING,
    JOINING,
    MASKING,
    MULTIPLYING,
    NEGATING,
    PRODUCTS,
    REARRANGING,
    SQUASHING,
    SUBTRACTING,
    factor,
    made_by,
)

BOUNDED = {**dict.fromkeys(SQUASHING, 1.0), "tanh": 2.0, "cosine_similarity": 2.0, "hardtanh": 2.0}
DEPTH = 40


def value_range(flow: Flow, op: int, depth: int = DEPTH) -> float | None:
    """The largest difference between two values that call `op` can return; None where nothing bounds them."""
    call = flow.ops[op]
    function = call["function"]
    if depth == 0:
        return None
    if function in BOUNDED:
        return BOUNDED[function]
    if function in REARRANGING or function in MASKING or function in NEGATING:
        return _of_slot(flow, op, 0, depth)
    if function in JOINING:
        return _most([_of_slot(flow, op, slot, depth) for slot in range(len(call["inputs"]))])
    if function in MULTIPLYING | DIVIDING:
        return _scaled(flow, op, depth)
    if function in ADDING:
        return _shifted(flow, op, depth)
    if function in PRODUCTS and len(call["inputs"]) == 2:
        return 2.0 if all(_has_length_one(flow, op, slot) for slot in (0, 1)) else None
    if function == "sum":
        return _summed(flow, op)
    return None


def _of_slot(flow: Flow, op: int, slot: int, depth: int) -> float | None:
    sources = flow.slot(op, slot)
    if not sources or any(not source.startswith("o") for source in sources):
        return None
    return _most([value_range(flow, int(source[1:]), depth - 1) for source in sources if source != f"o{op}"])


def _most(ranges: list[float | None]) -> float | None:
    known = [width for width in ranges if width is not None]
    return max(known) if known and len(known) == len(ranges) else None


def _scaled(flow: Flow, op: int, depth: int) -> float | None:
    call = flow.ops[op]
    by, inner = factor(call), _of_slot(flow, op, 0, depth)
    if by is None or by == 0 or inner is None or len(call["in"]) != 1:
        return None
    return inner * abs(by) if call["function"] in MULTIPLYING else inner / abs(by)


def _shifted(flow: Flow, op: int, depth: int) -> float | None:
    call = flow.ops[op]
    first = _of_slot(flow, op, 0, depth)
    if len(call["in"]) == 1:
        return first
    second = _of_slot(flow, op, 1, depth) if call["function"] in SUBTRACTING else None
    return None if first is None or second is None else first + second


def _summed(flow: Flow, op: int) -> float | None:
    """The sum of products of two vectors of length 1 is a cosine."""
    for way in made_by(flow, op):
        call = flow.ops[way[0]]
        cosine = call["function"] in MULTIPLYING and len(call["in"]) == 2
        if not (cosine and all(_has_length_one(flow, way[0], slot) for slot in (0, 1))):
            return None
    return 2.0


def _has_length_one(flow: Flow, op: int, slot: int) -> bool:
    ways = list(made_by(flow, op, slot))
    return bool(ways) and all(_normalises(flow, way[0]) for way in ways)


def _normalises(flow: Flow, op: int) -> bool:
    call = flow.ops[op]
    if call["function"] == "normalize":
        return True
    if call["function"] not in DIVIDING or len(call["in"]) != 2:
        return False
    by = [flow.ops[way[0]]["function"] for way in made_by(flow, op, 1)]
    by += [
        flow.ops[inner[0]]["function"]
        for way in made_by(flow, op, 1)
        if flow.ops[way[0]]["function"] in {"clamp", "clamp_min", "add", "maximum"}
        for inner in made_by(flow, way[0])
    ]
    return any(name in {"norm", "linalg_norm", "vector_norm", "linalg_vector_norm"} for name in by)
