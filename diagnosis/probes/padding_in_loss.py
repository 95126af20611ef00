"""Do padded places count in the loss?"""

from diagnosis.evidence import Evidence
from diagnosis.findings import FindingKind, FoundBy, Measurement, Role, Severity
from diagnosis.probes.probe import Probe
from diagnosis.probes.replayed import answer, of_kept_step, places, unanswered
from seeds.amounts import percent

UNIT = "share of the gradient"
KIND = FindingKind(
    code="padding-in-loss",
    found_by=FoundBy.PROBE,
    title="Padding counts in the loss",
    why="Where most of a batch is padding, most of what is learned is what follows padding.",
    definition="Share of the gradient of one training step's loss that comes from places without an event and without a target.",
    roles=(Role.LOSS,),
    explains=(
        "padding-is-a-target", "padding-ranked", "weaker-than-popularity", "weaker-than-markov", "weaker-than-ease", "not-learning",
    ),
    unit=UNIT,
    reference="0",
    sources=("pmixer/SASRec.pytorch (its mask of the loss)",),
)  # fmt: skip


def padding_in_loss(evidence: Evidence) -> list[Measurement]:
    """The gradient on padded places of the kept step."""
    told = answer(evidence, "padding")
    if not told:
        return unanswered(evidence, (KIND,), "no step was kept that pads histories of next events")
    where = places(told)
    message = (
        f"{percent(told['counted'])} of {told['padded']} padded places of a batch have a gradient, {percent(told['share'])} of the whole"
        if where
        else f"none of {told['padded']} padded places of a batch moves the loss"
    )
    return [
        of_kept_step(
            KIND,
            told["share"],
            message,
            where,
            healthy=not where,
            reference=0.0,
            reference_name="none",
            severity=Severity.WARNING,
        )
    ]


PROBE = Probe(kinds=(KIND,), run=padding_in_loss)
