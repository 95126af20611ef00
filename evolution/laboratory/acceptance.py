"""Two judgements, both pure: is a running candidate worth the rest of its epochs, and does a measured one count?"""

from collections.abc import Callable, Sequence

from evolution.domain.objective import Objective
from evolution.domain.proposal import Effect, Verified
from evolution.domain.trial import EpochRecord, Trial

REPLICAS = 1  # further seeds that a promising candidate and its parent are trained with
FIX_TOLERANCE = 0.01  # a verified fix may cost at most this share of the objective
GRACE_EPOCHS = 8  # a candidate is not pruned before it
# Pruned below a share of what the parent had reached at the same epoch: lenient at first, for some learn slowly,
# strict where the parent was at its best.
LENIENT, STRICT = 0.75, 0.95


def behind(parent: Trial, objective: Objective) -> Callable[[Sequence[EpochRecord]], bool]:
    """A pruner: is a candidate too far behind its parent's curve at the same epoch to be worth the rest?"""
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
    """Whether a measured candidate counts, and if not, why not.

    effect: of the objective, pooled over seeds; singles: the same, of each seed alone. fixed: targeted
    measurements that became healthy. broken: guardrails that do not hold, in words.
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
    return Verified.NO, f"{words}, so it may be no gain at all"
