"""Does a trained model read time forwards? Real questions are asked with their histories in reverse."""

import numpy as np

from evolution.base.amounts import number
from evolution.domain.trial import ContractCheck
from evolution.trials.answers_compared import Float64
from evolution.trials.asked import Asked, said
from evolution.trials.sampled import Sampled
from seeds.interactions import Int64, Interactions

CODE = "time-reversed"
SIGNIFICANT = 3.0  # standard errors; a model that reads no order has none at all
BETTER = 1.1  # times the gain, at least


def check_time(asked: Asked, sampled: Sampled) -> ContractCheck:
    """The gain of the targets, 1 / log2(1 + rank), with histories as they are and in reverse, by the same users."""
    rows = np.flatnonzero((sampled.histories > 0).sum(axis=1) >= 2)
    if len(rows) < 20:
        return said(CODE, None, "warning", "too few users have two events")
    backwards = reversed_histories(sampled.histories)
    ordered = sampled.gains(sampled.scores)[rows]
    turned = sampled.gains(sampled.ask(asked.score, backwards))[rows]
    figures = f"{number(turned.mean())} with histories in reverse, {number(ordered.mean())} as they are"
    if not standard_errors(turned - ordered) > SIGNIFICANT or turned.mean() < BETTER * ordered.mean():
        return said(CODE, True, "warning", f"the targets' mean gain is {figures}")
    if not _newest_tells_more(asked.data.training, sampled, rows):
        return said(CODE, None, "warning", f"{figures}, but in this log the oldest event tells as much")
    half = (sampled.users[:11], sampled.histories[:11]), (sampled.users[:11], backwards[:11])
    return said(
        CODE,
        False,
        "warning",
        f"mean gain {figures}: the targets of {len(rows)} users rank higher when histories are reversed (gain: 1 / log2(1 + rank)); "
        "scoring reads time the other way round than training",
        asked.located(*half).parts,
    )


def reversed_histories(histories: Int64) -> Int64:
    """Left-padded histories (B, L), the oldest event last."""
    turned = np.zeros_like(histories)
    for row, history in enumerate(histories):
        events = history[history > 0][::-1]
        if len(events):
            turned[row, -len(events) :] = events
    return turned


def standard_errors(differences: Float64) -> float:
    """How many standard errors the mean is above 0; 0 where all are equal."""
    if len(differences) < 2:
        return 0.0
    error = differences.std() / np.sqrt(len(differences))
    return float(differences.mean() / error) if error > 0 else 0.0


def _newest_tells_more(training: Interactions, sampled: Sampled, rows: Int64) -> bool:
    """Whether in training the targets follow the newest events of these histories more often than the oldest."""
    size = training.n_items + 1
    follows = training.users[1:] == training.users[:-1]
    pairs, counts = np.unique(
        training.items[:-1][follows] * size + training.items[1:][follows], return_counts=True
    )
    starts = np.maximum(np.bincount(training.items[:-1][follows], minlength=size), 1)

    def probability(items: Int64) -> Float64:
        wanted = items * size + sampled.targets[rows]
        at = np.minimum(np.searchsorted(pairs, wanted), len(pairs) - 1)
        return np.where(pairs[at] == wanted, counts[at], 0) / starts[items]

    histories = sampled.histories[rows]
    oldest = np.array([history[history > 0][0] for history in histories])
    return standard_errors(probability(histories[:, -1]) - probability(oldest)) > 2.0
