"""Are attention heads cut out of a row, or across positions? A view without a transpose does the latter."""

from collections.abc import Sequence

from diagnosis.evidence import Evidence
from diagnosis.findings import FindingKind, FoundBy, Measurement, Role, Severity
from diagnosis.flow import Flow
from diagnosis.operations import Op, place_of, trained
from diagnosis.probes.outcome import unjudged
from diagnosis.probes.probe import Probe
from diagnosis.symptoms import WEAK

UNIT = "views that mix positions"
KIND = FindingKind(
    code="mixed-heads",
    found_by=FoundBy.PROBE,
    title="Heads cut across positions",
    why="A head that is cut by a view without a transpose holds parts of several positions, later ones among them.",
    definition="Number of views that turn (batch, positions, width) into (batch, heads, positions, part), or back, directly.",
    roles=(Role.ENCODER,),
    explains=("order-ignored", "history-window", "history-holes", "more-padding", "future-visible", *WEAK),
)
VIEWS = {"view", "reshape", "_unsafe_view", "contiguous_view"}


def mixed_heads(evidence: Evidence) -> list[Measurement]:
    """Every view of the traced training step, by the sizes that it is given and makes."""
    flow = Flow(evidence.artifacts.trace)
    if not flow.backward:
        return [unjudged(KIND.code, "no training step was traced", unit=UNIT)]
    views = [op for op in trained(flow) if flow.ops[op]["function"] in VIEWS]
    mixing = [
        flow.ops[op]
        for op in views
        if (_mixes(flow.ops[op]) and _takes_part_in_a_product(flow, op)) or _left_in_place(flow, op)
    ]
    if not mixing:
        return [_measured([], f"none of {len(views)} views mixes positions")]
    first = mixing[0]
    message = (
        f"attention is between the {first['out'][0][2]} heads of a position, not between its {first['out'][0][1]} positions: "
        f"{first['function']} gives {tuple(first['out'][0])}, and no transpose follows"
        if not _mixes(first)
        else f"{first['function']} turns {tuple(first['in'][0])} into {tuple(first['out'][0])} without a transpose: each head "
        "holds parts of several positions"
    )
    return [_measured(mixing, message)]


def _mixes(call: Op) -> bool:
    if not (call["in"] and call["out"]):
        return False
    before, after = call["in"][0], call["out"][0]
    return _cuts(before, after) or _cuts(after, before)


def _cuts(whole: Sequence[int], parts: Sequence[int]) -> bool:
    """(B, T, D) as (B, H, T, D / H), or as (B * H, T, D / H); sizes that could be read otherwise do not count."""
    if len(whole) != 3 or len(parts) not in (3, 4):
        return False
    batch, positions, width = whole
    heads = parts[1] if len(parts) == 4 else parts[0] // max(batch, 1)
    shape = [batch, heads, positions] if len(parts) == 4 else [batch * heads, positions]
    sensible = heads > 1 and positions > 1 and heads != positions and width != positions
    return sensible and list(parts[:-1]) == shape and parts[-1] * heads == width and parts[-1] > 1


def _left_in_place(flow: Flow, op: int) -> bool:
    """(B, T, D) became (B, T, H, D / H), whose last two axes are multiplied with others of its kind as they are."""
    call = flow.ops[op]
    if not (call["in"] and call["out"] and len(call["in"][0]) == 3 and len(call["out"][0]) == 4):
        return False
    (batch, positions, width), (*front, heads, part) = call["in"][0], call["out"][0]
    if front != [batch, positions] or heads * part != width or heads == positions or min(heads, part) < 2:
        return False
    return any(_attends(flow.ops[user], call["out"][0]) for user in flow.consumers(f"o{op}"))


def _attends(call: Op, shape: Sequence[int]) -> bool:
    batch, positions, heads, part = shape
    if call["function"] == "scaled_dot_product_attention":
        return call["in"][:2] == [list(shape), list(shape)]
    return call["function"] in {"matmul", "__matmul__"} and call["in"] == [
        list(shape),
        [batch, positions, part, heads],
    ]


def _takes_part_in_a_product(flow: Flow, op: int) -> bool:
    near = {flow.ops[user]["function"] for user in flow.downstream([op], depth=8)}
    return bool(near & {"matmul", "__matmul__", "bmm", "einsum", "linear", "scaled_dot_product_attention"})


def _measured(mixing: Sequence[Op], message: str) -> Measurement:
    return Measurement(
        code=KIND.code,
        value=float(len(mixing)),
        low=None,
        high=None,
        reference=0.0,
        reference_name="none",
        unit=UNIT,
        higher_is_better=False,
        healthy=not mixing,
        severity=Severity.ERROR,
        message=message,
        self_reported=True,
        places=tuple(place_of(call) for call in mixing),
    )


PROBE = Probe(kinds=(KIND,), run=mixed_heads)
