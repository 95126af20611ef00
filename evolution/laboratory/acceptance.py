"""Two decisions without side effects: when to prune a training candidate, and whether a measured one is verified."""

from collections.abc import Callable, Sequence

from evolution.domain.objective import Objective
from evolution.domain.proposal import Effect, Verified
from evolution.domain.trial import EpochRecord, Trial

REPLICAS = 1  # further seeds that a promising candidate and its parent are trained with
FURTHER_OF_REPAIRS = 2  # more seeds for a repair that healed its cause, until it is known to do no harm
FIX_TOLERANCE = 0.01  # a verified fix may cost at most this share of the objective
GRACE_EPOCHS = 8  # a candidate is not pruned before this epoch
# A candidate is pruned if its best objective is below this share of the parent's best up to the same epoch. The share
# rises from LENIENT (some models learn slowly) to STRICT at the parent's best epoch.
LENIENT, STRICT = 0.75, 0.95


def behind(parent: Trial, objective: Objective) -> Callable[[Sequence[EpochRecord]], bool]:
    """A function of a candidate's epochs so far: whether it is too far behind its parent's objective at the same epoch."""
    curve = {epoch.epoch: objective.of_means(epoch.metrics) for epoch in parent.epochs if epoch.metrics}
    span = max(1, parent.best_epoch - GRACE_EPOCHS)

    def prune(epochs: Sequence[EpochRecord]) -> bool:
        last = epochs[-1]
        if last.epoch < GRACE_EPOCHS or not last.metrics:
            return False
        best = max(objective.of_means(epoch.metrics) for epoch in epochs if epoch.metrics)
        reached = [value for epoch, value in curve.items() if epoch <= last.epoch]
        share = LENIENT + (STRICT - LENIENT) * min(1.0, (last.epoch - GRACE_EPOCHS) / span)
        return bool(reached) and best < share * max(reached)

    return prune


def verdict(
    effect: Effect, singles: Sequence[Effect], *, fixed: Sequence[str], broken: Sequence[str]
) -> tuple[Verified, str]:
    """Whether a measured candidate is a verified gain or fix, and the reason if it is neither ("" otherwise).

    effect: the change of the objective, pooled over seeds; singles: the change for each seed alone. fixed: codes of
    the targeted measurements that became healthy. broken: one sentence for each guardrail that does not hold.
    """
    replicated = len(singles) > REPLICAS
    agree = all(single.after > single.before for single in singles)
    if broken:
        return Verified.NO, "; ".join(broken)
    if effect.low > 0 and replicated and agree:
        return Verified.GAIN, ""
    if fixed and replicated and effect.low > -FIX_TOLERANCE * effect.before:
        return Verified.FIX, ""
    if effect.low > 0:
        return (
            Verified.NO,
            "a further seed does not agree" if replicated else "no further seed could be trained",
        )
    words = f"the objective's change lies in [{effect.low:+.4f}, {effect.high:+.4f}]"
    if fixed:
        return Verified.NO, f"it mends {', '.join(fixed)}, but {words}: more than 1 % may be lost"
    return Verified.NO, f"{words}, so it may be no gain at all"
