"""Whether the columns of a trained model's scores are the items they are taken for, and whether high means good."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from diagnosis.findings import CodePlace
from diagnosis.scoring_sign import turns_round
from evolution.base.amounts import number, percent
from evolution.domain.trial import ContractCheck
from evolution.trials.answers_compared import Float64, movement, unmasked
from evolution.trials.asked import Asked, Untrained, padding_column, said
from evolution.trials.asking_time import standard_errors
from evolution.trials.sampled import TOGETHER, Sampled
from seeds.interactions import Int64

SHIFTED, INVERTED, TIED, PADDING = "items-shifted", "scores-inverted", "scores-tied", "padding-ranked"
SHIFTS = (-1, 1)
LEAST_CHOICES = 50
EVENTS = 5  # that are taken of a user
NOTHING = 1e-5  # spreads of the scores: rounding
SIGNIFICANT = 6.0  # standard errors
ALIKE = 4.0  # standard errors, where choices of one item count as one
MORE = 1.3  # times what the item's own column says
SUPPORTED = 3.0  # standard errors, where something else says the same
FAR_ABOVE = 0.4  # standard deviations; a model at chance may stand so far off by its few directions
FAR_BELOW = -0.3  # standard deviations
BELOW = 0.42  # mean share of unseen items that a target beats; .5 is chance
SHARED_BY = 0.01  # of the catalogue, that share the best score
LEAST_SHARED = 10
MOST = 0.5  # of the users
PADDING_FIRST = 0.6  # of the users
ROSE = 0.25  # of the way between padding and the items


def check_columns(
    asked: Asked, sampled: Sampled, trace: Mapping[str, Any], untrained: Untrained | None = None
) -> list[ContractCheck]:
    """Four checks, of shifted columns, of inverted and of tied scores, and of the padding column.

    trace: of the smoke step, {} where there is none.
    """
    inverted = _inverted(asked, sampled, turns_round(trace))
    return [_shifted(asked, sampled), inverted, _tied(sampled), _padding(asked, sampled, untrained)]


def _shifted(asked: Asked, sampled: Sampled) -> ContractCheck:
    """What users really chose, against the columns beside it. Scores are taken without what all users share.

    What is yet to come must say so alone, or more weakly together with the events that were given: a model may be kept from
    repeating these.
    """
    values = sampled.personal()
    rows, items = _chosen(asked, sampled)
    given = list(_own(sampled))
    given_rows = np.repeat(np.arange(len(given)), [len(kept) for kept in given])
    for shift in SHIFTS:
        chosen = _beside(values, rows, items, shift, sampled.histories[:, -1])
        again = _beside(values, given_rows, np.concatenate(given), shift, sampled.histories[:, -1])
        if chosen.certain or (chosen.errors > SUPPORTED and again.certain):
            told = chosen if chosen.certain else again
            words = (
                f"{number(told.beside)} standard deviations above the mean is what users chose in the column "
                f"{'after' if shift > 0 else 'before'} its own, {number(told.own)} in its own ({told.count} choices): column j speaks of "
                f"item j{-shift:+d}, an id is shifted by one"
            )
            return said(SHIFTED, False, "warning", words)
    return said(SHIFTED, True, "warning", "no neighbouring column says more of an item than its own")


@dataclass(frozen=True, kw_only=True)
class _Beside:
    """Mean score of `count` items in the column beside theirs, and in their own. errors: standard errors between the two.
    certain: whether the column beside clearly says more."""

    beside: float
    own: float
    count: int
    errors: float
    certain: bool


def _beside(values: Float64, rows: Int64, items: Int64, shift: int, newest: Int64) -> _Beside:
    """newest: (R,), the newest item of each row. Choices of one item, or after one, are no choices of their own: a model that
    has hardly learned scores them alike, and a few popular ones would look like many."""
    inside = (items + shift >= 1) & (items + shift < values.shape[1])
    beside, own = _at(values, rows[inside], items[inside] + shift), _at(values, rows[inside], items[inside])
    known = ~np.isnan(beside) & ~np.isnan(own)
    beside, own = beside[known], own[known]
    alike = (items[inside][known], newest[rows[inside][known]])
    if len(beside) < LEAST_CHOICES:
        return _Beside(beside=0.0, own=0.0, count=len(beside), errors=0.0, certain=False)
    errors = standard_errors(beside - own)
    clear = standard_errors(beside) > SIGNIFICANT and errors > SIGNIFICANT
    clear = clear and all(_together(one, by) > ALIKE for one in (beside, beside - own) for by in alike)
    certain = bool(clear and beside.mean() > max(MORE * own.mean(), FAR_ABOVE))
    return _Beside(
        beside=float(beside.mean()), own=float(own.mean()), count=len(beside), errors=errors, certain=certain
    )


def _together(values: Float64, alike: Int64) -> float:
    """A mean in standard errors, where values of one group may all be the same."""
    _, group = np.unique(alike, return_inverse=True)
    sums = np.bincount(group, weights=values - values.mean())
    error = float(np.sqrt((sums**2).sum())) / len(values)
    return float(values.mean()) / error if error > 0 else np.inf


def _chosen(asked: Asked, sampled: Sampled) -> tuple[Int64, Int64]:
    """(row, item) of the targets, and of up to five items that a trained model should score high for the row: of a model that
    reads histories, training events that followed the newest event; of one that goes by user id, the user's own events."""
    rows, items = [np.arange(len(sampled.users))], [sampled.targets]
    by_user = _goes_by_user(asked, sampled)
    for row, kept in enumerate(_own(sampled) if by_user else _successors(asked, sampled)):
        rows.append(np.full(len(kept), row))
        items.append(kept)
    return np.concatenate(rows), np.concatenate(items)


def _goes_by_user(asked: Asked, sampled: Sampled) -> bool:
    """Whether other histories of the same users change nothing."""
    few = slice(0, TOGETHER)
    others = np.roll(sampled.histories[few], 1, axis=0)
    moved = movement(sampled.scores[few], asked.score(sampled.users[few], others))
    return bool(np.median(moved) < NOTHING)


def _own(sampled: Sampled) -> Iterator[Int64]:
    for history in sampled.histories:
        yield np.unique(history[history > 0][-EVENTS:])


def _successors(asked: Asked, sampled: Sampled) -> Iterator[Int64]:
    training = asked.data.training
    follows = training.users[1:] == training.users[:-1]
    before, after = training.items[:-1][follows], training.items[1:][follows]
    order = np.argsort(before, kind="stable")
    before, after = before[order], after[order]
    for newest in sampled.histories[:, -1]:
        start, end = np.searchsorted(before, (newest, newest + 1))
        yield after[start:end][-EVENTS:]


def _at(values: Float64, rows: Int64, items: Int64) -> Float64:
    return values[rows, np.clip(items, 0, values.shape[1] - 1)]


def _inverted(asked: Asked, sampled: Sampled, places: tuple[CodePlace, ...]) -> ContractCheck:
    """The share of unseen items that score below the target: .5 is chance. Or, where that is not much worse than chance, what
    users chose before stands far below the mean too."""
    size = np.maximum((~sampled.seen).sum(axis=1) - 1, 1)
    beaten = 1.0 - np.minimum(sampled.ranks(sampled.scores) / size, 1.0)
    figures = f"a target scores above {percent(beaten.mean())} of the unseen items"
    worse = standard_errors(0.5 - beaten) if len(beaten) >= 20 else 0.0
    if (worse > SIGNIFICANT and beaten.mean() < BELOW) or (
        worse > SUPPORTED and _chosen_last(asked, sampled)
    ):
        words = (
            f"{figures}, worse than chance: the best items score lowest, as distances or negated scores do"
        )
        return said(INVERTED, False, "warning", words, places)
    return said(INVERTED, True, "warning", figures)


def _chosen_last(asked: Asked, sampled: Sampled) -> bool:
    values = _at(sampled.personal(), *_chosen(asked, sampled))
    values = values[~np.isnan(values)]
    return len(values) >= 50 and standard_errors(-values) > SIGNIFICANT and bool(values.mean() < FAR_BELOW)


def _tied(sampled: Sampled) -> ContractCheck:
    """Users whose best score is shared by so many items that the first of a list is drawn by lot."""
    counted = unmasked(sampled.scores)
    values = np.where(counted, sampled.scores, -np.inf)
    shared = (values == values.max(axis=1, keepdims=True)).sum(axis=1)
    many = shared >= max(LEAST_SHARED, SHARED_BY * (sampled.scores.shape[1] - 1))
    if many.mean() > MOST:
        words = (
            f"the best score of {percent(many.mean())} of the users is shared by {int(np.median(shared[many]))} items (median): scores "
            "are equal or saturated, so lists are drawn by lot"
        )
        return said(TIED, False, "warning", words)
    return said(TIED, True, "warning", f"{percent(1 - many.mean())} of the users have a best item")


def _padding(asked: Asked, sampled: Sampled, untrained: Untrained | None) -> ContractCheck:
    """What the model itself says of column 0, which is overwritten before ranking: a model trained on padding predicts it."""
    few = slice(0, 64)
    column = padding_column(asked.session, sampled.users[few], sampled.histories[few])
    best = sampled.scores[few, 1:].max(axis=1)
    first = column > best
    if np.isnan(column).any() or not column.std() > 0 or first.mean() < PADDING_FIRST:
        return said(PADDING, True, "warning", f"padding scores best for {percent(first.mean())} of the users")
    if not _rose(asked, untrained):
        words = (
            f"padding scores best for {percent(first.mean())} of the users, and training has not raised it"
        )
        return said(PADDING, True, "warning", words)
    words = (
        f"{percent(first.mean())} of the users have padding, column 0, above every item: the model was trained to predict "
        "padding; leave padded places out of the loss"
    )
    return said(PADDING, False, "warning", words)


def _rose(asked: Asked, untrained: Untrained | None) -> bool:
    """Whether training has raised padding, and not only lowered all items, as negatives do with those that are drawn."""
    if untrained is None or untrained.scores.shape != asked.answer.shape:
        return False
    padding = padding_column(asked.session, asked.users, asked.histories)
    rise = float((padding - untrained.padding).mean())
    fall = float((np.median(untrained.scores[:, 1:], axis=1) - np.median(asked.answer[:, 1:], axis=1)).mean())
    return rise > ROSE * max(rise + fall, 0.0)
