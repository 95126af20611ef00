"""Do the lists show few items to many users? Gini of exposure, beside that of the training events."""

import numpy as np

from diagnosis.evidence import Evidence, TopLists
from diagnosis.findings import FindingKind, FoundBy, Measurement, Nature, Role, Severity
from diagnosis.probes.outcome import unjudged
from diagnosis.probes.probe import Probe
from diagnosis.probes.ranking import popularity, shown
from diagnosis.symptoms import VERIFIES
from seeds.amounts import short
from seeds.interactions import Int64
from seeds.metrics.lists import gini

KIND = FindingKind(
    code="exposure-concentration",
    found_by=FoundBy.PROBE,
    title="Exposure concentration",
    why="A few items take most places, so most of the catalogue is never shown.",
    definition="Gini of how often each item is in a top 10, beside training events and reference rankers.",
    roles=(Role.LOSS, Role.NEGATIVES),
    verifies=VERIFIES["exposure-concentration"],
    nature=Nature.SYMPTOM,
    needs_training=True,
    unit="Gini",
    reference="training events and the personal reference rankers",
)

HALFWAY = 0.5


def exposure_concentration(evidence: Evidence) -> list[Measurement]:
    """Gini of how often each item is shown, beside the Gini of training events and of the reference rankers.

    Unhealthy if it is past halfway from the most concentrated of these (popularity aside) to the popularity ranker.
    """
    if "popularity" not in evidence.references:
        return [unjudged(KIND.code, "no popularity reference", unit="Gini")]
    n_items = evidence.training.n_items
    value = gini(_exposure(evidence.artifacts.top, n_items))
    events = gini(popularity(evidence.training)[1:])
    most_popular = gini(_exposure(evidence.references["popularity"], n_items))
    others = {
        f"gini_{name}": gini(_exposure(top, n_items))
        for name, top in evidence.references.items()
        if name != "popularity"
    }
    # Any good ranker concentrates exposure, so the scale starts at the personal reference that does so most.
    start = max([events, *others.values()])
    healthy = value <= start + HALFWAY * max(most_popular - start, 0)
    return [
        Measurement(
            code=KIND.code,
            value=value,
            low=None,
            high=None,
            reference=start,
            reference_name="the more concentrated of training events and the other reference rankers",
            unit="Gini",
            higher_is_better=False,
            healthy=bool(healthy),
            severity=Severity.WARNING,
            message=f"Gini {short(value)}, training events {short(events)}, the most popular items {short(most_popular)}",
            details={"gini_events": events, "gini_popularity": most_popular, **others},
        )
    ]


def _exposure(top: TopLists, n_items: int) -> Int64:
    return np.bincount(shown(top).ravel(), minlength=n_items + 1)[1:]


PROBE = Probe(kinds=(KIND,), run=exposure_concentration)
