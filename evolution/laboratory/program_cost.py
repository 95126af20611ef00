"""What a program costs in comparison with its parent: its training, and whatever it does elsewhere that its parent does not.

On CPU the seconds count in which its processes were running, as other trials run beside; on GPU the elapsed ones, as the
process waits for the GPU. Training counts per epoch, because the number of epochs depends on chance, and scoring per
ranking of all users.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evolution.domain.trial import Trial

SPARED_S = 1.0  # and twice what the parent takes: a larger model scores more slowly, and machines are uneven


@dataclass(frozen=True, kw_only=True)
class Seconds:
    """Of several seeds on average. epoch: of fit(). ranking: of all users once. rest: import, build(), state and all else.

    outside_known: whether ranking and rest were measured; a trial of an earlier version has neither.
    """

    epoch: float
    ranking: float
    rest: float
    outside_known: bool

    def beyond(self, parent: "Seconds") -> float:
        """What it does outside of fit() beyond twice what its parent does there, as training hidden in score() would."""
        if not (self.outside_known and parent.outside_known):
            return 0.0
        pairs = ((self.ranking, parent.ranking), (self.rest, parent.rest))
        return sum(max(0.0, own - 2 * theirs - SPARED_S) for own, theirs in pairs)


def seconds_of(trials: Sequence[Trial]) -> Seconds:
    """The mean over the trials of one program, at least one."""
    rows = np.array([_seconds(trial) for trial in trials])
    epoch, ranking, rest = (float(value) for value in rows.mean(axis=0))
    return Seconds(
        epoch=epoch,
        ranking=ranking,
        rest=rest,
        outside_known=all(trial.cost.rankings > 0 for trial in trials),
    )


def _seconds(trial: Trial) -> tuple[float, float, float]:
    cost, on_cpu = trial.cost, trial.key.device.startswith("cpu")
    fit, score, rest = (
        (cost.fit_cpu_s, cost.score_cpu_s, cost.other_cpu_s)
        if on_cpu
        else (cost.fit_s, cost.score_s, cost.other_s)
    )
    return fit / max(1, len(trial.epochs)), score / max(1.0, cost.rankings), rest
