"""What a run has been charged, and whether it may go on.

A trial or an exchange that was found in the store is charged like a fresh one, so that equal budgets compare and
a run that is done again is charged the same. What was really paid is kept apart.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from evolution.domain.limits import Limits
from evolution.domain.trial import Trial
from evolution.llm.budget import Budget

PROPOSALS_AT_LEAST = 3  # a plan that cannot pay for so many is refused before it starts


@dataclass(kw_only=True)
class Ledger:
    """limits: None is unlimited. exchanges: what the LLM's exchanges are charged to, None without one.
    expected_trials: about how many trials the limits allow, for knowing how far a run is."""

    limits: Limits
    exchanges: Budget | None = None
    _charged: dict[str, float] = field(default_factory=dict)  # trial id -> seconds of fit

    def charge(self, trials: Sequence[Trial]) -> None:
        """Each trial once in a run, whoever asks for it again."""
        for trial in trials:
            self._charged.setdefault(trial.id, trial.cost.fit_s)

    @property
    def trials(self) -> int:
        return len(self._charged)

    @property
    def seconds(self) -> float:
        return sum(self._charged.values())

    def may_train(self) -> bool:
        return self.at_most(1) == 1

    def at_most(self, wanted: int) -> int:
        """How many of `wanted` more trials the limits allow."""
        if self.limits.gpu_s is not None and self.seconds >= self.limits.gpu_s:
            return 0
        if self.exchanges is not None and self.exchanges.is_spent():
            return 0
        if self.limits.trials is None:
            return wanted
        return max(0, min(wanted, self.limits.trials - self.trials))

    def progress(self) -> float:
        """The share of the tightest limit that is used, 0 to 1."""
        shares = [0.0]
        if self.limits.trials:
            shares.append(self.trials / self.limits.trials)
        if self.limits.gpu_s:
            shares.append(self.seconds / self.limits.gpu_s)
        if self.exchanges is not None:
            shares.append(self.exchanges.share_spent())
        return min(1.0, max(shares))

    def spent(self) -> Mapping[str, float]:
        return {
            "trials": float(self.trials),
            "gpu_s": self.seconds,
            **(self.exchanges.figures() if self.exchanges is not None else {}),
        }
