"""Is the target of a row among its wrong classes too, where the rows of a batch share their classes?"""

from diagnosis.evidence import Evidence
from diagnosis.findings import FindingKind, FoundBy, Measurement, Role, Severity
from diagnosis.probes.probe import Probe
from diagnosis.probes.replayed import answer, of_kept_step, places, unanswered
from diagnosis.symptoms import WEAK
from seeds.amounts import percent

UNIT = "share of rows"
KIND = FindingKind(
    code="target-is-a-negative",
    found_by=FoundBy.PROBE,
    title="The target is a negative too",
    why="The item is pushed up in one column and down in another of the same row; popular items, which come up most, lose most.",
    definition="Share of the rows of one training step's softmax over shared classes (the targets of the batch, or items drawn for all rows) that have "
    "their own target in another column too, where no mask takes it out; a tenth and more.",
    roles=(Role.LOSS, Role.NEGATIVES),
    explains=(*WEAK, "popularity-reversed", "popularity-bias", "exposure-concentration"),
    unit=UNIT,
    reference="0",
    sources=("tensorflow.org/recommenders (remove_accidental_hits)",),
)
MANY = 0.1


def own_target(evidence: Evidence) -> list[Measurement]:
    """The softmax of the kept step."""
    told = answer(evidence, "twins")
    if not told:
        return unanswered(evidence, (KIND,), "no step was kept whose loss has classes that rows share")
    share = told["twice"] / told["rows"]
    message = (
        f"{percent(share)} of {told['rows']} rows have their own target among their {told['classes'] - 1} negatives as well: mask it there"
        if share >= MANY
        else f"{percent(share)} of {told['rows']} rows have their target among their negatives"
    )
    return [
        of_kept_step(
            KIND,
            share,
            message,
            places(told) if share >= MANY else (),
            healthy=share < MANY,
            reference=0.0,
            reference_name="masked",
            severity=Severity.WARNING,
        )
    ]


PROBE = Probe(kinds=(KIND,), run=own_target)
