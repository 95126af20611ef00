"""Are the lists more popular than what users choose? Lift against choices and histories."""

import numpy as np

from diagnosis.evidence import Evidence, TopLists
from diagnosis.findings import FindingKind, FoundBy, Measurement, Nature, Role, Severity
from diagnosis.probes.outcome import unjudged
from diagnosis.probes.probe import Probe
from diagnosis.probes.ranking import Float64, popularity, shown
from diagnosis.symptoms import VERIFIES
from seeds.amounts import short
from seeds.interactions import Int64
from seeds.metrics.intervals import mean_over_users

BIAS = FindingKind(
    code="popularity-bias",
    found_by=FoundBy.PROBE,
    title="Popularity bias",
    why="The lists are nearer to the bestsellers than to what these users choose.",
    definition="Popularity (share of training events on less popular items) of the top 10, "
    "beside that of the real next choice and of the popularity ranker.",
    roles=(Role.LOSS, Role.NEGATIVES),
    verifies=VERIFIES["popularity-bias"],
    nature=Nature.SYMPTOM,
    needs_training=True,
    unit="quantile of training events",
    reference="what the users really chose next",
    sources=("arXiv 2103.06364 (popularity bias)",),
    explains=("exposure-concentration",),
)
REVERSED = FindingKind(
    code="popularity-reversed",
    found_by=FoundBy.PROBE,
    title="Popularity reversed",
    why="The lists avoid what is popular more than users do; sampled negatives without a correction do this.",
    definition="Popularity of the top 10, beside that of the real next choice and of items at random.",
    roles=(Role.NEGATIVES, Role.LOSS),
    verifies=VERIFIES["popularity-reversed"],
    nature=Nature.SYMPTOM,
    needs_training=True,
    unit="quantile of training events",
    reference="what the users really chose next",
)

HALFWAY = 0.5


def popularity_bias(evidence: Evidence) -> list[Measurement]:
    """Popularity of an item is the share of training events that go to less popular items (ties half).

    A list's lift is its mean popularity minus that of the user's real next choice. Two rankers give the
    scale: the popularity ranker at one end, items at random at the other. Any good ranker leans to the popular,
    because that is where it can be sure, so the scale starts at the personal reference that leans furthest. A list
    that is nearer to an end than to the start is biased.
    """
    if "popularity" not in evidence.references:
        return [unjudged(kind.code, "no popularity reference", unit="quantile") for kind in (BIAS, REVERSED)]
    quantile = popularity_quantiles(popularity(evidence.training))
    listed = mean_of_lists(evidence.artifacts.top, quantile)
    most_popular = mean_of_lists(evidence.references["popularity"], quantile)
    chosen = quantile[evidence.questions.targets]
    at_random = quantile[1:].mean()
    own = np.array([quantile[evidence.questions.history(q)].mean() for q in range(len(chosen))])
    value = mean_over_users(listed, evidence.seed)
    lift = mean_over_users(listed - chosen, evidence.seed)
    personal = {
        n: mean_of_lists(top, quantile) for n, top in evidence.references.items() if n != "popularity"
    }
    high, low = (extreme([chosen, *personal.values()], key=np.mean) for extreme in (max, min))
    up = mean_over_users(listed - high - HALFWAY * np.maximum(most_popular - high, 0), evidence.seed)
    down = mean_over_users(low - listed - HALFWAY * np.maximum(low - at_random, 0), evidence.seed)
    details = {
        "lift_over_choices": lift.value,
        "lift_low": lift.low,
        "lift_high": lift.high,
        "lift_over_history": float((listed - own).mean()),
        "history_popularity": float(own.mean()),
        "most_popular_lists": float(most_popular.mean()),
        "random_items": float(at_random),
        **{f"lists_of_{name}": float(lists.mean()) for name, lists in personal.items()},
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
    says = f"lists at quantile {short(value.value)}, next choices {short(chosen.mean())}"
    return [
        Measurement(
            code=BIAS.code,
            higher_is_better=False,
            healthy=up.low <= 0,
            message=f"{says}, the most popular items {short(most_popular.mean())}, the users' own histories {short(own.mean())}",
            **shared,
        ),
        Measurement(
            code=REVERSED.code,
            higher_is_better=True,
            healthy=down.low <= 0,
            message=f"{says}, items at random {short(at_random)}",
            **shared,
        ),
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


PROBE = Probe(kinds=(BIAS, REVERSED), run=popularity_bias)
