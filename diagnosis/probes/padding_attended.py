"""Does padding get attention?"""

from diagnosis.evidence import Evidence
from diagnosis.findings import FindingKind, FoundBy, Measurement, Role, Severity
from diagnosis.probes.probe import Probe
from diagnosis.probes.replayed import answer, of_kept_step, places, unanswered
from diagnosis.symptoms import WEAK
from seeds.amounts import percent

UNIT = "share of attention"
KIND = FindingKind(
    code="padding-attended",
    found_by=FoundBy.PROBE,
    title="Padding gets attention",
    why="What is in front of a short history is no event, and what it gets of the attention the events lack.",
    definition="The mean share of the attention of real places that goes to padded ones, in one training step.",
    roles=(Role.ENCODER,),
    explains=("more-padding", *WEAK),
    unit=UNIT,
    reference="none",
    sources=(
        "pmixer/SASRec.pytorch#27 (no mask of padding)",
        "hyunwoongko/transformer#40 (a mask along the queries)",
    ),
)
MOST = 0.01


def padding_attended(evidence: Evidence) -> list[Measurement]:
    """What the kept step says of it."""
    told = answer(evidence, "attended")
    if not told:
        return unanswered(evidence, (KIND,), "no step was kept that attends to padded histories")
    share, where = float(told["share"]), places(told)
    healthy = not where
    message = (
        f"padding gets no attention in {told['rows']} histories"
        if healthy
        else f"{percent(share)} of the attention of {told['rows']} short histories goes to padding, which no mask hides"
    )
    return [
        of_kept_step(KIND, share, message, where, healthy=healthy, reference=MOST, severity=Severity.WARNING)
    ]


PROBE = Probe(kinds=(KIND,), run=padding_attended)
