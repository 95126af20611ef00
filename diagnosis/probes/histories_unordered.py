"""Are the events of a history put in in the order of time?"""

from diagnosis.evidence import Evidence
from diagnosis.findings import FindingKind, FoundBy, Measurement, Role, Severity
from diagnosis.probes import events_doubled
from diagnosis.probes.measured import measured
from diagnosis.probes.probe import Probe
from diagnosis.streams.disorder import disorder, later_by_id
from diagnosis.streams.draws import draws
from diagnosis.streams.reading import Read, read
from diagnosis.streams.recorded import made
from diagnosis.symptoms import UNORDERED, WEAK
from seeds.amounts import percent

UNIT = "share of events"
KIND = FindingKind(
    code="history-out-of-order",
    found_by=FoundBy.PROBE,
    title="Histories are not in the order of time",
    why="What is taken for the next event is any other one, earlier ones among them: nothing that follows can be learned.",
    definition="Of the rows that are trained to predict the event at the next place, the share of events that come after the one "
    "before them in the log.",
    roles=(Role.LOADER,),
    explains=(*WEAK, *UNORDERED, "scores-differ-from-training"),
    unit=UNIT,
    reference="all",
    sources=("DyGRec/TGSRec#3 (sorted by edge id)", "NVIDIA/recsys-examples#140 (not sorted)"),
)
LOW, HIGH = 0.25, 0.75  # below, they are reversed, which targets tell
SORTED = 0.98


def histories_unordered(evidence: Evidence) -> list[Measurement]:
    """The order of the rows that the watched training put in."""
    seen = read(evidence)
    return [] if seen is None else judged(seen)


def judged(seen: Read) -> list[Measurement]:
    """The same for a training that was read."""
    if events_doubled.judged(seen):
        return []  # copies stand in no order of time, and are told as such
    found = disorder(seen)
    if found is None:
        return _by_id(seen)
    healthy = not LOW < found.later < HIGH
    said = f"{percent(found.later)} of the events of {found.rows} histories come after the one before them"
    if not healthy and found.by_id >= SORTED:
        said += ": they stand in the order of their items' ids"
    return [
        measured(
            KIND.code,
            found.later,
            said,
            unit=UNIT,
            healthy=healthy,
            reference=1.0,
            higher_is_better=True,
            severity=Severity.ERROR,
            places=made(found.view.stream),
        )
    ]


def _by_id(seen: Read) -> list[Measurement]:
    """The same where rows are windows, whose targets tell the order of the history that they were cut from."""
    drawn = draws(seen)
    later = later_by_id(seen.log, drawn) if drawn is not None else None
    if drawn is None or later is None:
        return []
    said = (
        f"{percent(later)} of the events come after the one before them: histories stand in the order of their items' ids, as the event "
        "of each user that is never a target is the one with the lowest or highest id, and not his first"
    )
    return [
        measured(
            KIND.code,
            later,
            said,
            unit=UNIT,
            healthy=False,
            reference=1.0,
            higher_is_better=True,
            severity=Severity.ERROR,
            places=made(drawn.each[0].view.stream),
        )
    ]


PROBE = Probe(kinds=(KIND,), run=histories_unordered)
