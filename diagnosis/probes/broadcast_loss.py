"""Does the loss multiply or compare a column of the batch with a row of it, so that every example meets every other?

torch lets (B, 1) and (B,) meet as (B, B), and warns of it in some losses alone.
"""

from diagnosis.evidence import Evidence
from diagnosis.findings import CodePlace, FindingKind, FoundBy, Measurement, Role, Severity
from diagnosis.flow import Flow
from diagnosis.operations import DIVIDING, MULTIPLYING, Op, place_of, trained
from diagnosis.probes.measured import measured
from diagnosis.probes.probe import Probe
from diagnosis.symptoms import UNLEARNED, WEAK

KIND = FindingKind(
    code="broadcast-in-loss",
    found_by=FoundBy.PROBE,
    title="Every example meets every other",
    why="A column of the batch and a row of it make a table: each target, label or weight is held against the scores of all examples.",
    definition="Calls of the loss that take (B, 1) and (B,) and give (B, B): losses of pairs, and products that are summed whole.",
    roles=(Role.LOSS,),
    explains=("not-learning", *UNLEARNED, *WEAK),
    unit="calls",
    reference="none",
)
LOSSES = {
    "mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "margin_ranking_loss", "soft_margin_loss", "binary_cross_entropy",
    "binary_cross_entropy_with_logits", "poisson_nll_loss",
}  # fmt: skip
WHOLE = {"mean", "sum", "nanmean"}
LEAST = 3  # examples of a batch; of fewer, sizes are alike by chance


def broadcast_loss(evidence: Evidence) -> list[Measurement]:
    """The calls of the traced training step."""
    flow = Flow(evidence.artifacts.trace)
    return judged(flow) if flow.backward else []


def judged(flow: Flow) -> list[Measurement]:
    """The same for a flow that has a `backward`."""
    found = [op for op in trained(flow) if _meets_all(flow.ops[op]) and _is_of_loss(flow, op)]
    sizes = [max(int(shape[0]) for shape in flow.ops[op]["in"][:2]) for op in found]
    words = "no call of the loss makes a table of the batch against itself"
    if found:
        words = f"({sizes[0]}, 1) and ({sizes[0]},) make ({sizes[0]}, {sizes[0]}): every example meets every other; give both one shape"
    places: tuple[CodePlace, ...] = tuple(dict.fromkeys(place_of(flow.ops[op]) for op in found))
    return [
        measured(
            KIND.code,
            len(found),
            words,
            unit=KIND.unit,
            healthy=not found,
            reference=0.0,
            severity=Severity.WARNING,
            places=places,
        )
    ]


def _meets_all(call: Op) -> bool:
    """Whether a call takes (B, 1) and (B,), and so gives (B, B), unless it gives one number."""
    shapes = [list(shape) for shape in call["in"][:2]]
    if len(shapes) < 2 or sorted(map(len, shapes)) != [1, 2]:
        return False
    row, column = sorted(shapes, key=len)
    size = row[0]
    return column == [size, 1] and size >= LEAST and call["out"] in ([[size, size]], [[]])


def _is_of_loss(flow: Flow, op: int) -> bool:
    """Whether it is a loss of pairs, or a product that the loss takes the sum or mean of, over all places."""
    name = flow.ops[op]["function"]
    if name in LOSSES:
        return True
    taking = [flow.ops[one] for one in flow.consumers(f"o{op}")]
    return (
        name in MULTIPLYING | DIVIDING
        and bool(taking)
        and all(one["function"] in WHOLE and one["out"] == [[]] for one in taking)
    )


PROBE = Probe(kinds=(KIND,), run=broadcast_loss)
