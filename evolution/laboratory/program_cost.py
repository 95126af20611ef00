"""What a program costs in comparison with its parent: its training, and whatever it does elsewhere that its parent does not.

On CPU the seconds count in which its processes were running, as other trials run beside; on GPU the elapsed ones, as the
process waits for the GPU. Training counts per epoch, because the number of epochs depends on chance, and scoring per
ranking of all users. Both are measured with an error, so a ratio of two programs has an interval.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evolution.domain.trial import Trial

# Deviation of the logarithm of the seconds of an epoch between trainings of one program, on two cores with a load of 6 to
# 13: of the processor's .06 to .09, of elapsed ones .18 to .22 (docs/results/aa.json).
CPU_NOISE, ELAPSED_NOISE = 0.1, 0.2
COST = "cost"  # as guardrails name it
TWO_SIDED = 1.96  # standard deviations of a 95 % interval
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


@dataclass(frozen=True, kw_only=True)
class Slower:
    """How many times what the parent costs a program costs, with a 95 % interval. hidden: seconds of it outside of fit()."""

    times: float
    low: float
    high: float
    hidden: float


def slower(parents: Sequence[Trial], children: Sequence[Trial]) -> Slower:
    """The cost of children against their parents, as many trials of each; 1 where neither takes any time."""
    before, after = seconds_of(parents), seconds_of(children)
    hidden = after.beyond(before)
    cost = after.epoch + hidden
    times = cost / before.epoch if before.epoch else (1.0 if not cost else float("inf"))
    factor = error_factor(children) ** float(np.sqrt(2))  # both sides are off
    return Slower(times=times, low=times / factor, high=times * factor, hidden=hidden)


def error_factor(trials: Sequence[Trial]) -> float:
    """By what factor the mean cost of so many trials may be off, at 95 %."""
    on_cpu = all(trial.key.device.startswith("cpu") for trial in trials)
    noise = CPU_NOISE if on_cpu else ELAPSED_NOISE
    return float(np.exp(TWO_SIDED * noise / np.sqrt(len(trials))))


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
