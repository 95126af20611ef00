"""Are logits squashed before a loss that squashes them itself? (daisyRec PR 15, Merlin models PR 1175)"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from diagnosis.evidence import Evidence
from diagnosis.findings import CodePlace, FindingKind, FoundBy, Measurement, Role, Severity
from diagnosis.flow import Flow
from diagnosis.operations import LOGARITHMS, SOFTMAXES, SQUASHING, Op, axis, made_by, place_of, trained
from diagnosis.probes.outcome import unjudged
from diagnosis.probes.probe import Probe
from diagnosis.probes.replayed import answer, places
from diagnosis.value_ranges import value_range
from seeds.amounts import number, percent

UNIT = "share of a guess's loss"
SQUASHED = FindingKind(
    code="squashed-logits",
    found_by=FoundBy.PROBE,
    title="Squashed twice",
    why="The loss turns its input into probabilities itself; given probabilities it can hardly fall, and gradients are tiny.",
    definition="Lowest loss that the step can reach, as the range of its input allows, relative to the loss of a guess.",
    roles=(Role.LOSS,),
    explains=(
        "not-learning",
        "not-converged",
        "weaker-than-popularity",
        "weaker-than-markov",
        "weaker-than-ease",
    ),
)
BOUNDED = FindingKind(
    code="bounded-logits",
    found_by=FoundBy.PROBE,
    title="Logits without a scale",
    why="Cosines lie within 2, so that a softmax over many items stays nearly uniform; a temperature stretches them.",
    definition="Lowest loss that the step can reach, as the range of its input allows, relative to the loss of a guess.",
    roles=(Role.LOSS,),
    explains=("not-learning", "weaker-than-popularity", "weaker-than-markov", "weaker-than-ease"),
)
HIGH = 0.5  # of a guess's loss: what no training can get below
# Losses of logits -> whether they compare classes (softmax) or judge each pair alone (sigmoid).
OF_CLASSES = {"cross_entropy", "log_softmax"}
OF_PAIRS = {
    "binary_cross_entropy_with_logits", "logsigmoid", "log_sigmoid", "softplus", "soft_margin_loss",
    "multilabel_soft_margin_loss",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class LogitLoss:
    """A call that squashes its first argument. op: its index. classes: how many compete; 2 where each is judged alone."""

    op: int
    classes: int


def squashed_logits(evidence: Evidence) -> list[Measurement]:
    """The input of every loss that expects logits, in the traced training step."""
    flow = Flow(evidence.artifacts.trace)
    losses = list(losses_of_logits(flow))
    kept = _of_equal_vectors(evidence)
    if kept is not None:
        return [kept]
    if not losses:
        return [unjudged(SQUASHED.code, "the traced step has no loss that expects logits", unit=UNIT)]
    for loss in losses:
        found = _twice(flow, loss) or _bounded(flow, loss)
        if found is not None:
            return [found]
    healthy = _measured(SQUASHED, 0.0, healthy=True, message="the loss is given logits, as it expects")
    return [healthy]


def losses_of_logits(flow: Flow) -> Iterator[LogitLoss]:
    """The calls of the step that turn their input into probabilities for the loss, handwritten `log(sigmoid(x))` too."""
    near = trained(flow)
    for op in near:
        call = flow.ops[op]
        function = call["function"]
        if function in OF_CLASSES:
            yield LogitLoss(op=op, classes=_classes(call))
        elif function in OF_PAIRS:
            yield LogitLoss(op=op, classes=2)
        elif function in SQUASHING and op in _logged(flow, near):
            yield LogitLoss(op=op, classes=_classes(call) if function in SOFTMAXES else 2)


def _logged(flow: Flow, near: list[int]) -> set[int]:
    """The calls whose results a logarithm takes, with a small number added or a bound in between."""
    found: set[int] = set()
    for op in near:
        if flow.ops[op]["function"] not in LOGARITHMS:
            continue
        for way in made_by(flow, op):
            found.add(way[0])
            if flow.ops[way[0]]["function"] in {"add", "__add__", "__radd__", "clamp", "clamp_min", "clip"}:
                found |= {inner[0] for inner in made_by(flow, way[0])}
    return found


def _classes(call: Op) -> int:
    shape = call["in"][0] if call["in"] else []
    if call["function"] == "cross_entropy":
        return int(shape[1]) if len(shape) > 1 else int(shape[0]) if shape else 0
    along = axis(call)
    return int(shape[along]) if along is not None else 0


def _twice(flow: Flow, loss: LogitLoss) -> Measurement | None:
    """The input of the loss is a probability already, or the difference of two."""
    for way in _ways(flow, loss.op):
        squashing = flow.ops[way[0]]
        if squashing["function"] not in SQUASHING or way[0] == loss.op:
            continue
        share = _lowest(1.0, loss) if loss.classes > 2 else _of_probabilities(way)
        here, there = (
            place_of(squashing, "squashes the scores"),
            place_of(flow.ops[loss.op], "squashes them again"),
        )
        name, by = squashing["function"].rstrip("_"), flow.ops[loss.op]["function"]
        message = (
            f"{percent(share)} of a guess's loss at least: {by} expects logits, but its input went through {name} already "
            f"({here.path}:{here.line})"
        )
        return _measured(SQUASHED, share, healthy=False, message=message, places=(here, there))
    return None


def _of_probabilities(way: list[int]) -> float:
    """Of a pair's loss: a positive's probability of 1 taken for a logit, and a negative's 0, which is a guess."""
    positive = _lowest(1.0, LogitLoss(op=way[-1], classes=2))
    return (positive + 1.0) / 2


def _ways(flow: Flow, op: int) -> Iterator[list[int]]:
    for way in made_by(flow, op):
        yield way
        if flow.ops[way[0]]["function"] in {"sub", "__sub__", "neg", "__neg__"}:
            for slot in range(len(flow.ops[way[0]]["inputs"])):
                yield from made_by(flow, way[0], slot)


def _bounded(flow: Flow, loss: LogitLoss) -> Measurement | None:
    """Many classes compete, and what made their logits leaves them no room."""
    sources = [way[0] for way in made_by(flow, loss.op)]
    widths = [value_range(flow, source) for source in sources]
    if not widths or loss.classes <= 2 or any(width is None for width in widths):
        return None
    width = max(w for w in widths if w is not None)
    share = _lowest(width, loss)
    if share <= HIGH:
        return None
    made, called = flow.ops[sources[0]], flow.ops[loss.op]
    message = (
        f"{percent(share)} of a guess's loss at least: the logits of {called['function']} lie within {number(width)} of each other "
        f"({made['path']}:{made['line']}) and {loss.classes} classes compete; divide them by a temperature"
    )
    where = (place_of(made, "makes the logits"), place_of(called, "compares them"))
    return _measured(BOUNDED, share, healthy=False, message=message, places=where)


def _of_equal_vectors(evidence: Evidence) -> Measurement | None:
    """The same of the kept step's logits, where all vectors that it multiplies are equally long."""
    told = answer(evidence, "scale")
    if not told or told["classes"] <= 2:
        return None
    share = _lowest(told["width"], LogitLoss(op=0, classes=told["classes"]))
    if share <= HIGH:
        return None
    lie = f"the logits of {told['classes']} classes lie within {number(told['width'])} of each other"
    message = (
        f"within {number(told['width'])} of each other lie the logits of {told['classes']} classes, apart from a bias that is the same for "
        "all rows, as all vectors that are multiplied are equally long: a row's own items hardly stand out"
        if told.get("biased")
        else f"{percent(share)} of a guess's loss at least: {lie}, as all vectors that are multiplied are equally long"
    ) + "; divide them by a smaller temperature"
    return _measured(BOUNDED, share, healthy=False, message=message, places=places(told))


def _lowest(width: float, loss: LogitLoss) -> float:
    """The least loss of logits within `width` of each other, as a share of the loss of equal ones."""
    classes = max(2, loss.classes)
    return math.log1p((classes - 1) * math.exp(-width)) / math.log(classes)


def _measured(
    kind: FindingKind, share: float, *, healthy: bool, message: str, places: tuple[CodePlace, ...] = ()
) -> Measurement:
    return Measurement(
        code=kind.code,
        value=share,
        low=None,
        high=None,
        reference=0.0,
        reference_name="logits without bounds",
        unit=UNIT,
        higher_is_better=False,
        healthy=healthy,
        severity=Severity.WARNING,
        message=message,
        self_reported=True,
        places=places,
    )


PROBE = Probe(kinds=(SQUASHED, BOUNDED), run=squashed_logits)
