"""Has every part of the loss that weights take part in a gradient?"""

from collections import deque
from collections.abc import Iterator

from diagnosis.evidence import Evidence
from diagnosis.examination import Watched
from diagnosis.findings import CodePlace, FindingKind, FoundBy, Measurement, Role, Severity
from diagnosis.flow import Flow
from diagnosis.probes.measured import measured
from diagnosis.probes.probe import Probe
from diagnosis.symptoms import NARROW, UNTRAINED, WEAK

KIND = FindingKind(
    code="term-without-gradient",
    found_by=FoundBy.PROBE,
    title="A part of the loss has no gradient",
    why="The weights are never told of it: a loss whose negatives have no gradient only raises scores.",
    definition="Parts that are added to the loss, or stand beside other logits in it, and are computed from trainable weights, but "
    "without a gradient.",
    roles=(Role.LOSS,),
    explains=("nothing-pushed-down", *WEAK, *NARROW, *UNTRAINED),
    unit="parts of the loss",
    reference="none",
)
ADDING = {
    "add",
    "add_",
    "__add__",
    "__radd__",
    "__iadd__",
    "sub",
    "sub_",
    "rsub",
    "__sub__",
    "__rsub__",
    "__isub__",
}
BESIDE = {"cat", "concat", "concatenate", "stack", "hstack", "column_stack"}
# What hands a loss on: a sum of parts before it is one after it.
LINEAR = {
    "mean", "sum", "neg", "__neg__", "div", "__truediv__", "true_divide", "mul", "__mul__", "__rmul__", "squeeze", "view",
    "reshape", "__getitem__", "masked_select",
}  # fmt: skip
LOSSES = {
    "binary_cross_entropy_with_logits", "cross_entropy", "softplus", "logsigmoid", "log_softmax", "logsumexp", "sigmoid", "log",
    "nll_loss", "gather",
}  # fmt: skip

# What is taken off all logits alike so that none is too large: their own extreme or norm, which needs no gradient.
EXTREMES = {"max", "amax", "min", "amin", "logsumexp", "topk", "maximum", "norm"}
NEAR = 3  # calls from an extreme to where it is taken off


def terms_cut(evidence: Evidence) -> list[Measurement]:
    """The parts of the loss of the watched steps."""
    seen = evidence.watched
    return [] if seen is None else judged(seen)


def judged(seen: Watched) -> list[Measurement]:
    """The same for a watched training; [] where its steps were not traced."""
    flow = Flow(seen.trace)
    if not flow.backward or not any(op.get("grads") for op in flow.ops):
        return []
    trained = {f"p{each.number}" for each in seen.parameters if each.requires_grad}
    found = list(dict.fromkeys(_cut(flow, trained)))
    places = [place for op, source in found for place in (*_lost(flow, trained, source), _place(flow, op))]
    return [
        measured(
            KIND.code,
            len(found),
            "a part of the loss is computed from trained weights without a gradient, so that nothing is learned from it"
            if found
            else "all parts of the loss that come from weights have a gradient",
            unit=KIND.unit,
            healthy=not found,
            reference=0.0,
            severity=Severity.WARNING,
            places=tuple(dict.fromkeys(places)),
        )
    ]


def _cut(flow: Flow, trained: set[str]) -> Iterator[tuple[int, int]]:
    """(the call that takes the part, the call that made it) of parts without a gradient."""
    queue = deque((op, True) for backward in flow.backward for op in _made_by(flow, backward, 0))
    known: set[tuple[int, bool]] = set()
    while queue:
        op, summed = queue.popleft()
        name = flow.ops[op]["function"]
        if (op, summed) in known or name not in ADDING | BESIDE | LINEAR | LOSSES:
            continue
        known.add((op, summed))
        graded = [place for place in range(len(flow.ops[op]["inputs"])) if _grads(flow, op, 1 + place)]
        if graded and ((name in ADDING and summed) or name in BESIDE):
            for place in range(len(flow.ops[op]["inputs"])):
                made = [] if place in graded else _made_by(flow, op, place)
                yield from (
                    (op, source)
                    for source in made
                    if _is_learned(flow, trained, source) and not _is_extreme(flow, source)
                )
        queue += [
            (one, summed and name not in LOSSES) for place in graded for one in _made_by(flow, op, place)
        ]


def _made_by(flow: Flow, op: int, place: int) -> list[int]:
    made = [int(source[1:]) for source in flow.slot(op, place) if source.startswith("o")]
    return [one for one in made if flow.ops[one]["phase"] == "train"]


def _grads(flow: Flow, op: int, place: int) -> int:
    """In how many calls the result (0), or the tensor at a position (from 1), had a gradient to come."""
    counted = flow.ops[op].get("grads", ())
    return int(counted[place]) if place < len(counted) else 0


def _is_learned(flow: Flow, trained: set[str], source: int) -> bool:
    """Whether trained weights flow into a call's result."""
    return any(
        name in trained
        for op in flow.upstream([source])
        if flow.ops[op]["phase"] == "train"
        for slot in flow.ops[op]["inputs"]
        for name in slot
    )


def _is_extreme(flow: Flow, source: int) -> bool:
    return any(flow.ops[op]["function"] in EXTREMES for op in flow.upstream([source], NEAR))


def _lost(flow: Flow, trained: set[str], source: int) -> list[CodePlace]:
    """The nearest calls that take what has a gradient and give what has none."""
    for op in flow.upstream([source]):
        taken = [place for place in range(len(flow.ops[op]["inputs"])) if _grads(flow, op, 1 + place)]
        if taken and not _grads(flow, op, 0) and flow.ops[op]["phase"] == "train":
            return [_place(flow, op)]
    return []


def _place(flow: Flow, op: int) -> CodePlace:
    return CodePlace(path=flow.ops[op]["path"], line=flow.ops[op]["line"], does=flow.ops[op]["function"])


PROBE = Probe(kinds=(KIND,), run=terms_cut)
