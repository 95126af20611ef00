"""Are the lists of the kind that users choose: in category, in price, in how current the items are?

Each trait is a number for a user and an item that is small for what suits the user. The real next choices and the personal
reference rankers say how small it is for a good ranker, and items at random how large it gets where nothing is known.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from diagnosis.evidence import Evidence, TopLists
from diagnosis.findings import FindingKind, FoundBy, Measurement, Nature, Severity
from diagnosis.probes.outcome import unjudged
from diagnosis.probes.probe import Probe
from diagnosis.probes.ranking import Float64, shown
from diagnosis.symptoms import VERIFIES
from seeds.amounts import amount, figure
from seeds.metrics.intervals import mean_over_users

CATEGORY = FindingKind(
    code="off-category",
    found_by=FoundBy.PROBE,
    title="Off the user's categories",
    why="The lists are of categories that these users neither had nor choose.",
    definition="Share of the top 10 whose broad category is none in the user's history, beside the real next choice, the personal "
    "reference rankers and items at random.",
    nature=Nature.SYMPTOM,
    needs_training=True,
    verifies=VERIFIES["off-category"],
    unit="share of the list",
    reference="the real next choices and the personal reference rankers, whichever is further off",
)
PRICE = FindingKind(
    code="off-price",
    found_by=FoundBy.PROBE,
    title="Off the user's prices",
    why="The lists are dearer or cheaper than what these users bought and choose.",
    definition="Mean distance of the log price of the top 10 from the user's median log price, beside the same of the real next "
    "choice, of the personal reference rankers and of items at random.",
    nature=Nature.SYMPTOM,
    needs_training=True,
    verifies=VERIFIES["off-price"],
    unit="log price",
    reference="the real next choices and the personal reference rankers, whichever is further off",
)
STALE = FindingKind(
    code="stale-lists",
    found_by=FoundBy.PROBE,
    title="Stale lists",
    why="The lists are of items whose time is over; users choose what is bought now.",
    definition="How long before the end of the log the events of the top 10 lie on average, as a share of the log's time, beside the "
    "real next choice, the personal reference rankers and items at random.",
    nature=Nature.SYMPTOM,
    needs_training=True,
    verifies=VERIFIES["stale-lists"],
    unit="share of the log's time",
    reference="the real next choices and the personal reference rankers, whichever is further off",
)
HALFWAY = 0.5
KNOWN = 0.5  # share of items of which the trait must be known
ROOM = 0.1  # of the value at random: with less between a good ranker and chance there is nothing to judge

# (questions, items (Q, k)) -> the trait of each, float64 (Q, k), NaN where it is unknown
Trait = Callable[[NDArray[np.int64], NDArray[np.int64]], Float64]


def list_traits(evidence: Evidence) -> list[Measurement]:
    """The three traits of the lists; each is unhealthy if the lists are nearer to chance than to a good ranker."""
    traits = ((CATEGORY, _category(evidence)), (PRICE, _price(evidence)), (STALE, _age(evidence)))
    return [_judged(kind, trait, evidence) for kind, trait in traits]


def _judged(kind: FindingKind, trait: Trait | None, evidence: Evidence) -> Measurement:
    if trait is None:
        return unjudged(kind.code, "the data has no such column, or for too few items", unit=kind.unit)
    rows = np.arange(len(evidence.questions))
    listed = _of_lists(trait, rows, evidence.artifacts.top)
    chosen = trait(rows, evidence.questions.targets[:, None])[:, 0]
    personal = {n: _of_lists(trait, rows, t) for n, t in evidence.references.items() if n != "popularity"}
    drawn = np.random.default_rng(evidence.seed).integers(1, evidence.training.n_items + 1, (len(rows), 10))
    chance = float(np.nanmean(trait(rows, drawn)))
    start = max(float(np.nanmean(values)) for values in (chosen, *personal.values()))
    known = listed[np.isfinite(listed)]
    if not len(known) or not chance - start > ROOM * abs(chance):
        return unjudged(kind.code, "a good ranker is no different from chance here", unit=kind.unit)
    value = mean_over_users(known, evidence.seed)
    return Measurement(
        code=kind.code,
        value=value.value,
        low=value.low,
        high=value.high,
        reference=start,
        reference_name=kind.reference,
        unit=kind.unit,
        higher_is_better=False,
        healthy=value.low <= start + HALFWAY * (chance - start),
        severity=Severity.WARNING,
        message=f"{amount(value.value, kind.unit)} in the lists; the real next choices {figure(float(np.nanmean(chosen)), kind.unit)}, items at random {figure(chance, kind.unit)}",
        details={f"of_{name}": float(np.nanmean(values)) for name, values in personal.items()},
    )


def _of_lists(trait: Trait, rows: NDArray[np.int64], top: TopLists) -> Float64:
    """Mean of the trait over each list, NaN where it is known of none: float64 (Q,)."""
    items = shown(top)
    values = np.where(items > 0, trait(rows, items), np.nan)
    known = np.isfinite(values)
    return np.where(
        known.any(axis=1), np.where(known, values, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1), np.nan
    )


def _category(evidence: Evidence) -> Trait | None:
    categories = evidence.training.item_columns.categories
    names, code = np.unique([c[0] if c else "" for c in categories], return_inverse=True)
    nameless = np.flatnonzero(names == "")
    known = ~np.isin(code, nameless)
    if known[1:].mean() < KNOWN:
        return None
    had = np.zeros((len(evidence.questions), len(names)), dtype=bool)
    for row in range(len(had)):
        had[row, code[evidence.questions.history(row)]] = True

    def off(rows: NDArray[np.int64], items: NDArray[np.int64]) -> Float64:
        return np.where(known[items], ~had[rows[:, None], code[items]], np.nan)

    return off


def _price(evidence: Evidence) -> Trait | None:
    price = np.asarray(evidence.training.item_columns.price, dtype=np.float64)
    known = np.isfinite(price) & (price > 0)
    if known[1:].mean() < KNOWN:
        return None
    log_price = np.log(np.where(known, price, 1.0))
    of_user = np.full(len(evidence.questions), np.nan)
    for row in range(len(of_user)):
        bought = evidence.questions.history(row)
        bought = bought[known[bought]]
        of_user[row] = np.median(log_price[bought]) if len(bought) else np.nan

    def off(rows: NDArray[np.int64], items: NDArray[np.int64]) -> Float64:
        return np.where(known[items], np.abs(log_price[items] - of_user[rows][:, None]), np.nan)

    return off


def _age(evidence: Evidence) -> Trait | None:
    training = evidence.training
    if training.timestamps is None or not len(training.items):
        return None
    times = np.asarray(training.timestamps, dtype=np.float64)
    counts = np.bincount(training.items, minlength=training.n_items + 1)
    total = np.bincount(
        training.items,
        weights=(times.max() - times) / max(times.max() - times.min(), 1.0),
        minlength=training.n_items + 1,
    )
    if (counts[1:] > 0).mean() < KNOWN:
        return None
    age = np.where(counts > 0, total / np.maximum(counts, 1), np.nan)

    def old(rows: NDArray[np.int64], items: NDArray[np.int64]) -> Float64:
        return age[items]

    return old


PROBE = Probe(kinds=(CATEGORY, PRICE, STALE), run=list_traits)
