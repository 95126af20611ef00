"""Item rows that training never moved, and how often their items are recommended."""

import numpy as np
from numpy.typing import NDArray

from diagnosis.evidence import Evidence
from diagnosis.findings import CodePlace, FindingKind, FoundBy, Measurement, Nature, Role, Severity
from diagnosis.probes.outcome import unjudged
from diagnosis.probes.probe import Probe
from diagnosis.probes.ranking import popularity, shown
from diagnosis.streams.reading import read
from diagnosis.streams.recorded import made
from seeds.amounts import percent
from seeds.metrics.intervals import mean_over_users

KIND = FindingKind(
    code="untrained-rows",
    found_by=FoundBy.PROBE,
    title="Untrained rows",
    why="Items whose row was never trained are ranked by the random numbers they were initialised with.",
    definition="Share of list places that go to items whose embedding is the same before and after training.",
    roles=(Role.ITEM_TABLE, Role.NEGATIVES),
    nature=Nature.SYMPTOM,
    needs_training=True,
    unit="share of list places",
    reference="how often users chose such items",
)

FIRST_WEIGHTS = "measured from a checkpoint: the weights that its training began with are not known"


def untrained_rows(evidence: Evidence) -> list[Measurement]:
    """Share of list places that go to items whose embedding is bit for bit what it was before training.

    The reference is how often users really choose such items. An item that has training events and whose row never
    moved is a defect in itself.
    """
    if not evidence.artifacts.curves:  # the rows that this training began with were others
        return [unjudged(KIND.code, FIRST_WEIGHTS, unit="share of list places")]
    before, after = evidence.artifacts.untrained_item_embeddings, evidence.artifacts.item_embeddings
    places: tuple[CodePlace, ...] = ()
    if before is not None and after is not None and before.shape == after.shape:
        unmoved = (before == after).all(axis=1)
    else:
        known = _never_met(evidence)
        if known is None:
            return [
                unjudged(
                    KIND.code,
                    "no item embeddings from before and after training",
                    unit="share of list places",
                )
            ]
        unmoved, places = known
    unmoved[0] = False
    has_events = popularity(evidence.training) > 0
    starved = unmoved & has_events
    details = {
        "unmoved_items": int(unmoved.sum()),
        "unmoved_with_events": int(starved.sum()),
        "items_without_events": int((~has_events[1:]).sum()),
        "share_without_events": float((~has_events[1:]).mean()),
    }
    if unmoved[1:].all():
        return [
            unjudged(
                KIND.code,
                "no item row moved: the table is frozen",
                unit="share of list places",
                details=details,
            )
        ]
    items = shown(evidence.artifacts.top)
    value = mean_over_users(unmoved[items].mean(axis=1), evidence.seed)
    chosen = float(unmoved[evidence.questions.targets].mean())
    # Sampling can miss a single item by chance, but not one in a hundred.
    starving = starved.sum() > 0.01 * has_events.sum()
    return [
        Measurement(
            code=KIND.code,
            value=value.value,
            low=value.low,
            high=value.high,
            reference=chosen,
            reference_name="how often users chose such items",
            unit="share of list places",
            higher_is_better=False,
            healthy=bool(value.low <= chosen and not starving),
            severity=Severity.WARNING,
            message=f"{int(unmoved.sum())} of {len(unmoved) - 1} item rows were never trained "
            f"({int(starved.sum())} of them have training events); they fill {percent(value.value)} of the lists, "
            f"users chose them {percent(chosen)} of the time",
            details=details,
            places=places,
        )
    ]


def _never_met(evidence: Evidence) -> tuple[NDArray[np.bool_], tuple[CodePlace, ...]] | None:
    """Items that a watched training neither reads nor aims at nor draws, and where what it reads is made; None where that is not
    known, or where every item is a class.
    """
    seen = read(evidence)
    if seen is None or seen.left_out is None or not seen.whole:
        return None
    if any(each.view.stream.kind == "target" for each in seen.positives):
        return None
    never = seen.left_out.copy()
    for each in (*seen.negatives, *seen.unknown):
        never[each.items] = False
    return (never, made(seen.positives[0].view.stream)[:2]) if never.any() else None


PROBE = Probe(kinds=(KIND,), run=untrained_rows)
