"""Does the model serve some users, or some items, far worse than others? One measurement over all slices.

A slice is a part of the questions: users by activity, targets by category, price band, age and popularity. That rare items are hit
less often than popular ones is so for every ranker, so a slice is held against what the best personal reference ranker
reaches there, and only what the model loses in that slice beyond what it loses everywhere counts.
"""

import math
from collections.abc import Iterator
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from diagnosis.evidence import Evidence
from diagnosis.findings import FindingKind, FoundBy, Measurement, Nature, Severity
from diagnosis.probes.outcome import unjudged
from diagnosis.probes.probe import Probe
from diagnosis.probes.ranking import Bool, Float64, ndcg_of_lists, popularity
from diagnosis.probes.references import TITLES
from seeds.amounts import number, short
from seeds.interactions import Int64
from seeds.metrics.exact import exactly_summable, without_noise

KIND = FindingKind(
    code="slice-gap",
    found_by=FoundBy.PROBE,
    title="A slice served worse",
    why="The model loses in one part of the users or items what it does not lose elsewhere.",
    definition="NDCG@10 of the model minus that of the best personal reference ranker, in the slice less outside of it, for the "
    "worst of all slices; its interval is widened by the number of slices (Bonferroni).",
    nature=Nature.SYMPTOM,
    needs_training=True,
    unit="NDCG@10",
    reference="no difference",
)
FEWEST = 50  # questions of a slice, and outside of it; fewer are left out
MOST_CATEGORIES = 12
BANDS = 3
CLEAR = 0.2  # of the reference's figure in the slice: a smaller loss is not told

Slices = list[tuple[str, Bool]]


def slice_gap(evidence: Evidence) -> list[Measurement]:
    """The worst slice's gap with its interval.

    Unhealthy where, although so many slices were looked at, the intervals of the gap and of the loss inside of the slice leave
    out 0, and the loss is a fifth of what the reference reaches there. It is worth knowing, no fault: a healthy model may well serve
    some worse than a reference that is made for them.
    """
    targets = evidence.questions.targets
    personal = {n: ndcg_of_lists(t, targets) for n, t in evidence.references.items() if n != "popularity"}
    slices = [(name, part) for name, part in _slices(evidence) if FEWEST <= part.sum() <= len(part) - FEWEST]
    if not personal or not slices:
        return [
            unjudged(
                KIND.code, f"needs a personal reference and slices of {FEWEST} questions", unit=KIND.unit
            )
        ]
    model = ndcg_of_lists(evidence.artifacts.top, targets)
    name, reference = max(personal.items(), key=lambda item: _mean(item[1]))
    told = [_Slice(label, part, model, reference, len(slices)) for label, part in slices]
    worst = min(told, key=lambda one: (one.gap_high, one.label))
    lost = -worst.loss
    clear = worst.gap_high < 0 and worst.loss_high < 0 and lost >= CLEAR * worst.reference
    return [
        Measurement(
            code=KIND.code,
            value=worst.gap,
            low=worst.gap_low,
            high=worst.gap_high,
            reference=0.0,
            reference_name=KIND.reference,
            unit=KIND.unit,
            higher_is_better=True,
            healthy=not clear,
            severity=Severity.INFORMATION,
            message=f"NDCG@10 {number(worst.model)}, {TITLES.get(name, name)} {number(worst.reference)}: {worst.label} "
            f"({worst.questions} questions), the worst of {len(slices)} slices",
            details={"slices": [one.document() for one in told], "reference_ranker": name},
        )
    ]


class _Slice:
    """What the model and the reference reach in a slice, and how the difference compares with that outside of it.

    gap: the difference inside less that outside. loss: the difference inside. Intervals are by the normal approximation, at
    5 % divided by the number of slices that are looked at.
    """

    def __init__(self, label: str, part: Bool, model: Float64, reference: Float64, looked_at: int) -> None:
        inside, outside = (model - reference)[part], (model - reference)[~part]
        wide = NormalDist().inv_cdf(1 - 0.05 / looked_at / 2)
        error = inside.var(ddof=1) / len(inside)
        self.label, self.questions = label, int(part.sum())
        self.model, self.reference = _mean(model[part]), _mean(reference[part])
        self.loss = _mean(inside)
        self.loss_high = self.loss + wide * math.sqrt(error)
        self.gap = _mean(inside) - _mean(outside)
        spread = wide * math.sqrt(error + outside.var(ddof=1) / len(outside))
        self.gap_low, self.gap_high = self.gap - spread, self.gap + spread

    def document(self) -> dict[str, object]:
        """As it stands in the measurement's details."""
        return {
            "slice": self.label,
            "questions": self.questions,
            "model": self.model,
            "reference": self.reference,
            "gap": self.gap,
            "low": self.gap_low,
            "high": self.gap_high,
        }


def _mean(values: Float64) -> float:
    return float(without_noise(exactly_summable(values).mean()))


def _slices(evidence: Evidence) -> Iterator[tuple[str, Bool]]:
    questions, training = evidence.questions, evidence.training
    targets = questions.targets
    counts = popularity(training)
    yield from _bands("users with", "events", np.diff(questions.offsets).astype(np.float64))
    yield from _by_category(training.item_columns.categories, targets)
    price = np.asarray(training.item_columns.price, dtype=np.float64)[targets]
    yield from _bands("targets at", "of price", price)
    yield "targets without training events", counts[targets] == 0
    yield from _bands("targets with", "training events", counts[targets].astype(np.float64))
    if training.timestamps is not None:
        yield from _bands("targets first seen at", "of the log's time", _first_seen(evidence)[targets])


def _first_seen(evidence: Evidence) -> Float64:
    """When each item was first seen, as a share of the log's time: float64 (n_items + 1,), NaN where it never was."""
    training = evidence.training
    times = np.asarray(training.timestamps, dtype=np.float64)
    first = np.full(training.n_items + 1, np.inf)
    np.minimum.at(first, training.items, times)
    span = max(float(times.max() - times.min()), 1.0) if len(times) else 1.0
    return np.where(np.isfinite(first), (first - (times.min() if len(times) else 0.0)) / span, np.nan)


def _bands(before: str, after: str, values: Float64) -> Iterator[tuple[str, Bool]]:
    """Three bands with about as many questions each; values that are not finite belong to none, equal values to one."""
    known = np.isfinite(values)
    if not known.any():
        return
    inner = np.unique(np.quantile(values[known], np.arange(1, BANDS) / BANDS))
    band = np.searchsorted(inner, values, side="left")
    for at in range(BANDS):
        part = known & (band == at)
        if part.any():
            yield f"{before} {short(values[part].min())} to {short(values[part].max())} {after}", part


def _by_category(categories: tuple[tuple[str, ...], ...], targets: Int64) -> Slices:
    """The broad categories that most targets have."""
    of_target: NDArray[np.str_] = np.array([categories[t][0] if categories[t] else "" for t in targets])
    names, sizes = np.unique(of_target, return_counts=True)
    by_size = sorted(zip(sizes.tolist(), names.tolist()), key=lambda pair: (-pair[0], pair[1]))
    return [(f"targets in {name}", of_target == name) for _, name in by_size[:MOST_CATEGORIES] if name]


PROBE = Probe(kinds=(KIND,), run=slice_gap)
