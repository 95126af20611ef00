"""Whether a program is trained enough: by optimizer steps, and by the slopes of loss and metric.

A count of rankings alone cannot tell, as an epoch of a small log is a handful of steps. Nothing here hangs on the clock.
"""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from diagnosis.convergence import (
    ANY_FALL,
    has_fallen_far,
    has_turned,
    is_beyond_popularity,
    last_clearly_better,
    losses_of,
    still_falls,
    still_rises,
)
from evolution.domain.limits import LEAST_STEPS, RECENT
from evolution.domain.trial import EpochRecord, Trial
from evolution.trials.scoring import OBJECTIVE


class Ended(StrEnum):
    """What a training ended by."""

    ENOUGH = "enough"  # neither loss nor objective moved any more
    MAX_EPOCHS = "max_epochs"
    TIME = "timeout_s"  # another epoch would have left no time for measuring
    FIT = "fit"  # fit() itself ended


NOTE = "training"  # in a trial's note: what its training ended by, and whether the objective was still rising


def trained_enough(
    epochs: Sequence[EpochRecord], *, patience: int, popularity: Callable[[], float] = lambda: 0.0
) -> bool:
    """Whether training may end after these epochs.

    It may once `patience` rankings, a third of all epochs and LEAST_STEPS optimizer steps brought no clearly better objective, and
    neither the objective rises nor, where it has not turned, the loss falls. A program that is about as good as popularity is still
    in its first phase as long as its loss falls at all and its objective keeps most of its best value. Epochs of unknown steps count by number.
    popularity: the popularity ranker's objective on the same questions, asked for only where it matters.
    """
    ranked = [epoch for epoch in epochs if OBJECTIVE in epoch.metrics]
    if len(ranked) <= patience:
        return False
    values = _objectives(ranked)
    better = last_clearly_better(values)
    if len(ranked) - 1 - better < patience:
        return False
    since = [epoch for epoch in epochs if epoch.epoch > ranked[better].epoch]
    steps = sum(epoch.steps for epoch in since)
    if 0 < steps < LEAST_STEPS or len(since) < RECENT * len(epochs):
        return False
    losses = losses_of([epoch.reported for epoch in epochs])
    if still_rises(values) or (still_falls(losses) and not has_turned(values)):
        return False
    if not still_falls(losses, ANY_FALL) or has_fallen_far(values):
        return True
    return is_beyond_popularity(float(values.max()), popularity())


def still_improving(epochs: Sequence[EpochRecord]) -> bool:
    """Whether the objective still rose beyond its noise at the end of these epochs, so that more of them may mend it."""
    return still_rises(_objectives([epoch for epoch in epochs if OBJECTIVE in epoch.metrics]))


def has_converged(trial: Trial) -> bool:
    """Whether a complete trial's objective had stopped rising when its training ended; a checkpoint's has."""
    return not _note_of(trial).get("still_improving", False)


def ended_by(trial: Trial) -> str:
    """What a complete trial's training ended by, a value of `Ended`; "" where there was none."""
    return str(_note_of(trial).get("ended", ""))


def _note_of(trial: Trial) -> Mapping[str, object]:
    note = trial.note.get(NOTE)
    return note if isinstance(note, Mapping) else {}


def _objectives(ranked: Sequence[EpochRecord]) -> NDArray[np.float64]:
    """(n,), to nine decimals as all means over users, so that equal epochs are equal."""
    return np.array([round(epoch.metrics[OBJECTIVE], 9) for epoch in ranked], dtype=np.float64)
