"""Whether a training still moves: the slopes of its metric and of its loss, each against its own noise.

One judgement for two readers: a trial goes on by it, and a diagnosis says by it that training ended too early.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

RISE = 0.02  # of the best value, over the last half of the rankings: less is no rise worth more epochs
TURN = 0.1  # of the best value, likewise: a curve that is looked at after each epoch seems to fall a little by chance
NEAR_THE_END = 0.75  # of the rankings: an earlier best one shows a curve that turned
# Of all that the loss fell, how much it must fall over the last third to count as moving. A loss that falls with the
# logarithm of time, as one does that learns the training events by heart, falls less from some 15 epochs on.
FALL = 0.15
ANY_FALL = 0.02  # likewise where little can be said of the metric: in a handful of steps, or while lists are popularity's
# Of popularity's own figure. Many models rank by popularity first, graph models for hundreds of steps, and the metric stands still
# meanwhile while the loss goes down; what comes then is no overfitting.
POPULARITY_PHASE = (0.75, 1.25)
BEYOND_POPULARITY = 1.5  # likewise: what is better has left that phase, so that a training may end
FELL_FAR = 0.75  # of the best value: lists of popularity become a little worse while the loss falls, and no more than that


def rise_and_noise(values: NDArray[np.float64]) -> tuple[float, float]:
    """How much a curve rises over its last half, by a straight line, and how much it would by chance.

    values (n,), n at least 2. The second is two standard errors of the rise; 0 for two points, which show no noise.
    """
    return _line(values[-max(len(values) // 2 + 1, 2) :])


def last_clearly_better(values: NDArray[np.float64]) -> int:
    """Place of the last value (n,) that is better, by RISE of it, than the one that was so before it; 0 where none is.

    The highest of all would not do: on a plateau a new one comes by chance again and again, and small steps add up here too.
    """
    place = 0
    for n, value in enumerate(values):
        if value - values[place] > RISE * abs(value):
            place = n
    return place


def still_rises(values: NDArray[np.float64]) -> bool:
    """Whether a validation metric (n,), one value per ranking, still rose beyond its noise when training ended."""
    if len(values) < 2:
        return False
    rise, noise = rise_and_noise(values)
    near_the_end = (int(values.argmax()) + 1) / len(values) > NEAR_THE_END
    return near_the_end and rise > max(RISE * float(values.max()), noise)


def has_turned(values: NDArray[np.float64]) -> bool:
    """Whether a validation metric clearly falls: what a loss still gains is then learned by heart."""
    if len(values) < 2:
        return False
    rise, noise = rise_and_noise(values)
    return -rise > max(TURN * float(values.max()), noise)


def has_fallen_far(values: NDArray[np.float64]) -> bool:
    """Whether a validation metric clearly falls and has lost much of its best value: no lists of popularity do."""
    return has_turned(values) and float(values[-1]) < FELL_FAR * float(values.max())


def still_falls(losses: NDArray[np.float64], share: float = FALL) -> bool:
    """Whether a training loss (n,), one value per epoch, still falls beyond its noise, and not only as all losses do.

    share: of all that it fell, how much it must fall over the last third.
    """
    if len(losses) < 3 or not np.isfinite(losses).all():
        return False
    rise, noise = _line(losses[-max(len(losses) // 3 + 1, 2) :])
    whole = float(losses[0] - losses[-1])
    return whole > 0 and -rise > max(share * whole, noise)


def is_beyond_popularity(best: float, popularity: float) -> bool:
    """Whether a metric is clearly more than what the popularity ranker reaches on the same questions."""
    return best > BEYOND_POPULARITY * popularity


def in_popularity_phase(best: float, popularity: float, losses: NDArray[np.float64]) -> bool:
    """Whether a training ended while its lists were about as good as popularity's and its loss (n,) still fell."""
    about = POPULARITY_PHASE[0] * popularity <= best <= POPULARITY_PHASE[1] * popularity
    return about and still_falls(losses, ANY_FALL)


def losses_of(reported: Sequence[Mapping[str, float]]) -> NDArray[np.float64]:
    """The training loss per epoch, by what fit() reported of each; empty where some epoch reported none."""
    names = [name for name in (reported[0] if reported else ()) if "loss" in name.lower()]
    if not names or any(names[0] not in epoch for epoch in reported):
        return np.empty(0)
    return np.array([epoch[names[0]] for epoch in reported], dtype=np.float64)


def _line(tail: NDArray[np.float64]) -> tuple[float, float]:
    steps = np.arange(len(tail), dtype=np.float64)
    centred = steps - steps.mean()
    slope = float((centred * tail).sum() / (centred**2).sum())
    if len(tail) < 3:
        return slope * float(steps[-1]), 0.0
    left = tail - tail.mean() - slope * centred
    error = np.sqrt((left**2).sum() / (len(tail) - 2) / (centred**2).sum())
    return slope * float(steps[-1]), 2 * float(error) * float(steps[-1])
