"""Are the lists more popular than what users choose? Lift against choices and histories, and Gini."""

import numpy as np

from diagnosis.evidence import Evidence, TopLists
from diagnosis.findings import Measurement, Severity
from diagnosis.probes.outcome import unjudged
from diagnosis.probes.ranking import Float64, popularity, shown
from diagnosis.probes.statistics import mean_over_users
from seeds.interactions import Int64

BIAS, REVERSED, CONCENTRATION = "popularity-bias", "popularity-reversed", "exposure-concentration"
HALFWAY = 0.5


def popularity_bias(evidence: Evidence) -> list[Measurement]:
    """Popularity of an item is the share of training events that go to less popular items (ties half).

    A list's lift is its mean popularity minus that of the user's real next choice. Two rankers give the
    scale: the popularity ranker at one end, items at random at the other. A list that is nearer to one
    of them than to what users choose is biased.
    """
    if "popularity" not in evidence.references:
        return [unjudged(code, "no popularity reference", unit="quantile") for code in (BIAS, REVERSED)]
    quantile = popularity_quantiles(popularity(evidence.training))
    listed = mean_of_lists(evidence.artifacts.top, quantile)
    most_popular = mean_of_lists(evidence.references["popularity"], quantile)
    chosen = quantile[evidence.questions.targets]
    at_random = quantile[1:].mean()
    own = np.array([quantile[evidence.questions.history(q)].mean() for q in range(len(chosen))])
    value = mean_over_users(listed, evidence.seed)
    lift = mean_over_users(listed - chosen, evidence.seed)
    up = mean_over_users(listed - chosen - HALFWAY * (most_popular - chosen), evidence.seed)
    down = mean_over_users(chosen - listed - HALFWAY * (chosen - at_random), evidence.seed)
    details = {
        "lift_over_choices": lift.value,
        "lift_low": lift.low,
        "lift_high": lift.high,
        "lift_over_history": float((listed - own).mean()),
        "history_popularity": float(own.mean()),
        "most_popular_lists": float(most_popular.mean()),
        "random_items": float(at_random),
    }
    shared = {
        "value": value.value,
        "low": value.low,
        "high": value.high,
        "reference": float(chosen.mean()),
        "reference_name": "what the users really chose next",
        "unit": "quantile of training events",
        "severity": Severity.WARNING,
        "details": details,
    }
    says = f"list popularity {value.value:.2f}, real choices {chosen.mean():.2f}"
    return [
        Measurement(
            code=BIAS,
            higher_is_better=False,
            healthy=up.low <= 0,
            message=f"{says}, the most popular items {most_popular.mean():.2f}, the users' own histories {own.mean():.2f}",
            **shared,
        ),
        Measurement(
            code=REVERSED,
            higher_is_better=True,
            healthy=down.low <= 0,
            message=f"{says}, items at random {at_random:.2f}",
            **shared,
        ),
    ]


def exposure_concentration(evidence: Evidence) -> list[Measurement]:
    """Gini of how often each item is shown, between the Gini of training events and the popularity ranker's."""
    if "popularity" not in evidence.references:
        return [unjudged(CONCENTRATION, "no popularity reference", unit="Gini")]
    n_items = evidence.training.n_items
    value = gini(_exposure(evidence.artifacts.top, n_items))
    events = gini(popularity(evidence.training)[1:])
    most_popular = gini(_exposure(evidence.references["popularity"], n_items))
    others = {
        f"gini_{name}": gini(_exposure(top, n_items))
        for name, top in evidence.references.items()
        if name != "popularity"
    }
    # Any good ranker concentrates: halfway is measured from the personal reference that concentrates most.
    start = max([events, *others.values()])
    healthy = value <= start + HALFWAY * max(most_popular - start, 0)
    return [
        Measurement(
            code=CONCENTRATION,
            value=value,
            low=None,
            high=None,
            reference=start,
            reference_name="the more concentrated of training events and the other reference rankers",
            unit="Gini",
            higher_is_better=False,
            healthy=bool(healthy),
            severity=Severity.WARNING,
            message=f"exposure has Gini {value:.2f} (training events {events:.2f}, the most popular items {most_popular:.2f})",
            details={"gini_events": events, "gini_popularity": most_popular, **others},
        )
    ]


def popularity_quantiles(counts: Int64) -> Float64:
    """Share of events on items less popular than each item, ties counting half: float64 (n_items + 1,)."""
    events = counts[1:]
    order = np.sort(events)
    below = np.concatenate([[0], np.cumsum(order)])
    first, last = np.searchsorted(order, events, "left"), np.searchsorted(order, events, "right")
    quantile = (below[first] + below[last]) / 2 / max(int(events.sum()), 1)
    return np.concatenate([[0.0], quantile])


def mean_of_lists(top: TopLists, per_item: Float64) -> Float64:
    """Mean of an item property over each user's first ten items, empty places left out: float64 (Q,)."""
    items = shown(top)
    filled = items > 0
    return (per_item[items] * filled).sum(axis=1) / np.maximum(filled.sum(axis=1), 1)


def _exposure(top: TopLists, n_items: int) -> Int64:
    return np.bincount(shown(top).ravel(), minlength=n_items + 1)[1:]


def gini(counts: Int64) -> float:
    """Gini coefficient of non-negative counts: 0 all equal, towards 1 all on one item."""
    total = counts.sum()
    if not total:
        return 0.0
    ordered = np.sort(counts)
    n = len(ordered)
    return float((2 * np.arange(1, n + 1) - n - 1) @ ordered / (n * total))
