"""Does everyone get the same list? Measured by the overlap of lists between users."""

import numpy as np

from diagnosis.evidence import Evidence, TopLists
from diagnosis.findings import FindingKind, FoundBy, Measurement, Nature, Role, Severity
from diagnosis.probes.outcome import unjudged
from diagnosis.probes.probe import Probe
from diagnosis.probes.ranking import CUTOFF, Float64, shown
from seeds.amounts import percent
from seeds.metrics.intervals import mean_over_users

KIND = FindingKind(
    code="same-list",
    found_by=FoundBy.PROBE,
    title="Same list for everyone",
    why="The user's history hardly matters for what is shown.",
    definition="Mean share of a user's top 10 that another user sees too, beside the reference rankers.",
    roles=(Role.ENCODER, Role.SCORING, Role.LOSS),
    nature=Nature.SYMPTOM,
    needs_training=True,
    unit="share",
    reference="the less personal of the reference rankers",
    explains=("exposure-concentration", "popularity-bias"),
)

HALFWAY = 0.5


def same_list(evidence: Evidence) -> list[Measurement]:
    """Mean share of a user's ten items that another user sees too, over all pairs of users.

    The scale is set by the trial's own references: the popularity ranker shows everyone nearly the same,
    Markov and EASE are personal. Unhealthy if nearer to the former than to the less personal of the latter.
    """
    n_items = evidence.training.n_items
    personal = {name: top for name, top in evidence.references.items() if name != "popularity"}
    if "popularity" not in evidence.references or not personal or len(evidence.questions) < 2:
        return [
            unjudged(KIND.code, "needs the popularity and a personal reference, and two users", unit="share")
        ]
    own = overlap(evidence.artifacts.top, n_items)
    everyone = float(overlap(evidence.references["popularity"], n_items).mean())
    others = {name: float(overlap(top, n_items).mean()) for name, top in personal.items()}
    reference = max(others.values())
    value = mean_over_users(own, evidence.seed)
    limit = reference + HALFWAY * (everyone - reference)
    if everyone <= reference:
        return [
            unjudged(
                KIND.code,
                "the personal references overlap as much as popularity does",
                unit="share",
                value=value.value,
            )
        ]
    return [
        Measurement(
            code=KIND.code,
            value=value.value,
            low=value.low,
            high=value.high,
            reference=reference,
            reference_name="the less personal of the reference rankers",
            unit="share",
            higher_is_better=False,
            healthy=value.low <= limit,
            severity=Severity.ERROR if value.low > everyone else Severity.WARNING,
            message=f"two users share {percent(value.value)} of their lists (personal references {percent(reference)}, "
            f"the most popular items {percent(everyone)})",
            details={"overlap_popularity": everyone} | {f"overlap_{name}": v for name, v in others.items()},
        )
    ]


def overlap(top: TopLists, n_items: int) -> Float64:
    """Mean share of each user's first ten items that a random other user also gets: float64 (Q,)."""
    items = shown(top)
    users_shown = np.bincount(items.ravel(), minlength=n_items + 1)
    users_shown[0] = 1  # empty places are shared with nobody
    return (users_shown[items] - 1).sum(axis=1) / ((len(items) - 1) * min(CUTOFF, items.shape[1]))


PROBE = Probe(kinds=(KIND,), run=same_list)
