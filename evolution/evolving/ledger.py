"""What a run has been charged, and whether its limits allow more.

A trial or an exchange that was found in the store is charged like a fresh one. So equal budgets can be compared, and a
run that is started again is charged the same. What was really paid is counted elsewhere.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from evolution.domain.limits import Limits
from evolution.domain.trial import Trial
from evolution.llm.budget import Budget


@dataclass(kw_only=True)
class Ledger:
    """The trials and exchanges charged to one run.

    limits: None means unlimited.
    exchanges: the budget that LLM exchanges are charged to; None without an LLM.
    """

    limits: Limits
    exchanges: Budget | None = None
    _charged: dict[str, float] = field(default_factory=dict)  # trial id -> seconds of its program
    _void: set[str] = field(default_factory=set)  # of these, those that say nothing

    def charge(self, trials: Sequence[Trial]) -> None:
        """Charge each trial once per run; a trial that was charged before is ignored."""
        for trial in trials:
            self._charged.setdefault(trial.id, trial.cost.program_s)

    def charge_void(self, trial: Trial) -> None:
        """Charge the seconds of a trial that only showed that its patch changes nothing; it counts as no trial."""
        self.charge([trial])
        self._void.add(trial.id)

    @property
    def trials(self) -> int:
        """How many different trials were charged, but for those that were void."""
        return len(self._charged) - len(self._void)

    @property
    def seconds(self) -> float:
        """Seconds in which the programs of all charged trials ran: training that is hidden in score() or build() counts."""
        return sum(self._charged.values())

    def may_train(self, *, kept: int = 0) -> bool:
        """Whether the limits allow one more candidate."""
        return self.at_most(1, kept=kept) == 1

    def at_most(self, wanted: int, *, kept: int = 0) -> int:
        """How many of `wanted` more candidates the limits allow. kept: trials that must be left after them."""
        if self.exchanges is not None and self.exchanges.is_spent():
            return 0
        return self.trials_left(wanted, kept=kept)

    def trials_left(self, wanted: int, *, kept: int = 0) -> int:
        """How many of `wanted` more trials the limits of training allow; a further seed is no exchange with an LLM."""
        if self.limits.gpu_s is not None and self.seconds + kept * self.seconds_each >= self.limits.gpu_s:
            return 0
        if self.limits.trials is None:
            return wanted
        return max(0, min(wanted, self.limits.trials - self.trials - kept))

    @property
    def seconds_each(self) -> float:
        """Seconds of a trial on average, 0 before the first."""
        return self.seconds / self.trials if self.trials else 0.0

    def progress(self) -> float:
        """The used share of the limit that is used most, 0 to 1; 0 without limits."""
        shares = [0.0]
        if self.limits.trials:
            shares.append(self.trials / self.limits.trials)
        if self.limits.gpu_s:
            shares.append(self.seconds / self.limits.gpu_s)
        if self.exchanges is not None:
            shares.append(self.exchanges.share_spent())
        return min(1.0, max(shares))

    def spent(self) -> Mapping[str, float]:
        """What was charged, by name: trials, gpu_s, and with an LLM usd and tokens."""
        return {
            "trials": float(self.trials),
            "gpu_s": self.seconds,
            **(self.exchanges.figures() if self.exchanges is not None else {}),
        }
