"""Are there linear layers with no activation in between? A kept training step says which layer takes another's result."""

from collections.abc import Iterator, Mapping
from typing import Any

from diagnosis.evidence import Evidence
from diagnosis.examination import LearnedParameter, Watched
from diagnosis.findings import CodePlace, FindingKind, FoundBy, Measurement, Role, Severity
from diagnosis.flow import Flow
from diagnosis.probes.probe import Probe
from diagnosis.probes.replayed import answer, of_kept_step, places, unanswered
from diagnosis.symptoms import WEAK

KIND = FindingKind(
    code="layers-fold",
    found_by=FoundBy.PROBE,
    title="Linear layers that fold into one",
    why="Two linear layers with nothing in between are one linear layer with more parameters: nothing nonlinear is learned.",
    definition="Number of linear layers of a training step that take the result of another, reshaped or with a bias at most, where the width "
    "in between is no bottleneck and no table of items is what they are multiplied by.",
    roles=(Role.ENCODER,),
    explains=WEAK,
    unit="layers",
    reference="none",
    sources=("pmixer/SASRec.pytorch issue 48",),
)


def plain_layers(evidence: Evidence) -> list[Measurement]:
    """The layers of the kept step that take another layer's result."""
    if evidence.examination is None or not evidence.examination.replayed.get("terms"):
        return unanswered(evidence, (KIND,), "no training step was kept")
    told = answer(evidence, "layers")
    if not told:
        return [_measured(0, "no linear layer takes another's result as it is", ())]
    widths = f"{told['before']} to {told['between']} to {told['after']}"
    message = f"{widths}: a linear layer takes another's result with no activation in between, so that the two are one linear layer"
    if told["layers"] > 1:
        message += f"; {told['layers']} layers do so"
    return [_measured(told["layers"], message, tuple(_where(told, evidence.watched)))]


def _measured(count: int, message: str, where: tuple[CodePlace, ...]) -> Measurement:
    return of_kept_step(
        KIND, float(count), message, where, healthy=not count, reference=0.0, severity=Severity.WARNING
    )


def _where(told: Mapping[str, Any], watched: Watched | None) -> Iterator[CodePlace]:
    """Where the second layer is applied; where it is made, if both are applied on one line and made on two, as in a Sequential."""
    second, first = places(told)[:2]
    made = _made(second, told, watched) if watched is not None and second == first else []
    yield from [one.place for one in made]
    yield second


def _made(applied: CodePlace, told: Mapping[str, Any], watched: Watched) -> list[LearnedParameter]:
    """The second layer's weight, where the layers that are applied on this line are made on lines of their own."""
    flow = Flow(watched.trace)
    taken = {
        source
        for op in flow.ops
        if (op["path"], op["line"]) == (applied.path, applied.line)
        for slot in op["inputs"]
        for source in slot
    }
    weights = [p for p in watched.parameters if f"p{p.number}" in taken and len(p.shape) == 2]
    lines = {(p.path, p.line) for p in weights}
    of_second = [p for p in weights if sorted(p.shape) == sorted((told["between"], told["after"]))]
    return of_second[-1:] if len(lines) == len(weights) and of_second and of_second[-1].path else []


PROBE = Probe(kinds=(KIND,), run=plain_layers)
