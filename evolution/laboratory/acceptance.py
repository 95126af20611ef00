"""Two decisions without side effects: when to prune a training candidate, and whether a measured one is verified."""

from collections.abc import Callable, Sequence
from itertools import accumulate

from evolution.base.amounts import signed
from evolution.domain.objective import Objective
from evolution.domain.proposal import Corrected, Effect, Verified
from evolution.domain.trial import EpochRecord, Metric, Trial
from evolution.laboratory.budgets import steps_of

REPLICAS = 1  # further seeds that a promising candidate and its parent are trained with
# More seeds: for a repair that healed its cause, until it is known to do no harm, and for a likely gain.
FURTHER = 2
LIKELY = 0.05  # a rise of the objective by this share is worth further seeds, though few users cannot tell
FIX_TOLERANCE = 0.01  # a verified fix may cost at most this share of the objective
TWO_SIDED_95 = 1.96  # standard errors from the middle of an interval to its ends
MOST_CHANCE = 0.1  # a repair that lost more of the objective is not verified, however few the users are
# A candidate is pruned if its best objective is below this share of the parent's best after as much training. The share
# rises from HOPELESS at EARLY_EPOCHS, before which nothing is pruned, to LENIENT (some models learn slowly, or warm up) at
# GRACE_EPOCHS, and to STRICT at the parent's best epoch. Where the parent was trained long, as epochs of few steps are many, both
# come later: at these shares of what it took to its best epoch.
EARLY_EPOCHS, GRACE_EPOCHS = 4, 8
EARLY_SHARE, GRACE_SHARE = 0.1, 0.2
HOPELESS, LENIENT, STRICT = 0.3, 0.75, 0.95


def behind(parent: Trial, objective: Objective) -> Callable[[Sequence[EpochRecord]], bool]:
    """A function of a candidate's epochs so far: whether it is far behind its parent after as much training.

    Equal training is as many optimizer steps where both are known, else as many epochs. Far behind is below the share
    that `_share` says, and below what the users' own spread makes of the parent's objective: its interval.
    """
    measured = _of_lists(parent, objective)
    objective = objective.of_lists
    curve = [
        (n, objective.of_means(epoch.metrics)) for n, epoch in enumerate(parent.epochs, 1) if epoch.metrics
    ]
    early = max(EARLY_EPOCHS, int(EARLY_SHARE * parent.best_epoch))
    grace = max(GRACE_EPOCHS, int(GRACE_SHARE * parent.best_epoch))
    span = max(1, parent.best_epoch - grace)
    spread = _below(measured)

    def prune(epochs: Sequence[EpochRecord]) -> bool:
        trained = min(len(epochs), _as_many(parent.epochs, epochs))
        if trained < early or not epochs[-1].metrics:
            return False
        best = max(objective.of_means(epoch.metrics) for epoch in epochs if epoch.metrics)
        reached = max((value for n, value in curve if n <= trained), default=0.0)
        if trained < grace:
            share = HOPELESS + (LENIENT - HOPELESS) * (trained - early) / (grace - early)
        else:
            share = LENIENT + (STRICT - LENIENT) * min(1.0, (trained - grace) / span)
        return best < min(share, 1 - spread) * reached

    return prune


def _as_many(parent: Sequence[EpochRecord], child: Sequence[EpochRecord]) -> int:
    """How many of the parent's epochs took no more optimizer steps than these of the child; of unknown steps, as many."""
    steps = steps_of(child)
    if not steps or not steps_of(parent):
        return len(child)
    taken = list(accumulate(epoch.steps for epoch in parent))
    return len(child) if steps >= taken[-1] else sum(one <= steps for one in taken)


def _of_lists(parent: Trial, objective: Objective) -> Metric | None:
    """The parent's objective; where sessions are a part of it, which epochs do not tell, the heaviest metric that they do."""
    if not objective.of_sessions:
        return parent.objective
    terms = objective.of_lists.terms
    return parent.metrics.get(max(terms, key=lambda name: abs(terms[name])))


def _below(measured: Metric | None) -> float:
    """How far below the measured objective its interval reaches, as a share of it; 0 where it has none."""
    if measured is None or measured.low is None or measured.value <= 0:
        return 0.0
    return (measured.value - measured.low) / measured.value


def is_likely(effect: Effect, singles: Sequence[Effect], corrected: Corrected | None = None) -> bool:
    """Whether every seed rose, by LIKELY together, and yet it may be chance, or the luck of the best of several."""
    rose = all(single.after > single.before for single in singles)
    low = effect.low if corrected is None else min(effect.low, corrected.low)
    return low <= 0 and rose and effect.after > (1 + LIKELY) * effect.before


def may_be_lost(effect: Effect) -> float:
    """The share of the objective that a change costs at most, by its interval."""
    return -effect.low / effect.before if effect.before else 0.0


def was_lost(effect: Effect) -> float:
    """The share of the objective that a change was seen to cost, 0 where that lies within chance.

    It is held against a repair that had all its seeds: its edit is ours, its cause is gone, and where it draws other random numbers
    the interval of a few hundred users is wider than FIX_TOLERANCE, however many seeds there are. Within chance is a loss of one
    standard error of the change, of MOST_CHANCE of the objective at most; what is larger is a loss, whatever the users can tell.
    """
    lost = effect.before - effect.after
    chance = min((effect.high - effect.low) / (2 * TWO_SIDED_95), MOST_CHANCE * effect.before)
    return lost / effect.before if effect.before and lost > chance else 0.0


def verdict(
    effect: Effect,
    singles: Sequence[Effect],
    *,
    fixed: Sequence[str],
    broken: Sequence[str],
    lost: float,
    corrected: Corrected | None = None,
) -> tuple[Verified, str]:
    """Whether a measured candidate is a verified gain or fix, and the reason if it is neither ("" otherwise).

    effect: the change of the objective, pooled over seeds; singles: the change for each seed alone. corrected: the
    effect of the best of several, None for an only candidate. fixed: codes of
    the targeted measurements that became healthy. broken: one sentence for each guardrail that does not hold.
    lost: the share of the objective that a fix costs at most, as far as is known: `may_be_lost` or `was_lost`.
    """
    replicated = len(singles) > REPLICAS
    agree = all(single.after > single.before for single in singles)
    lucky = corrected is not None and corrected.low <= 0
    if broken:
        rise = (
            f"{100 * (effect.after / effect.before - 1):+.0f} %, but "
            if effect.after > effect.before > 0
            else ""
        )
        return Verified.NO, rise + "; ".join(broken)
    if effect.low > 0 and replicated and agree and not lucky:
        return Verified.GAIN, ""
    if fixed and replicated and lost < FIX_TOLERANCE:
        return Verified.FIX, ""
    if effect.low > 0:
        return Verified.NO, _why_not_sure(effect, corrected, replicated=replicated, agree=agree)
    words = f"the objective's change lies in [{signed(effect.low)}, {signed(effect.high)}]"
    if fixed:
        return Verified.NO, f"it mends {', '.join(fixed)}, but {words}: more than 1 % may be lost"
    return Verified.NO, f"{words}, so it may be no gain at all"


def _why_not_sure(effect: Effect, corrected: Corrected | None, *, replicated: bool, agree: bool) -> str:
    if not replicated:
        return "no further seed could be trained"
    if not agree or corrected is None:
        return "a further seed does not agree"
    return (
        f"the objective's change lies in [{signed(corrected.low)}, {signed(effect.high)}] when corrected for the choice among "
        f"{corrected.candidates} candidates, so it may be their luck"
    )
