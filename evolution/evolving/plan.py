"""What a run's limits buy, in words, said before anything is trained: proposals, and verifications of them."""

from dataclasses import dataclass

from evolution.base.amounts import count
from evolution.domain.limits import Limits
from evolution.laboratory.acceptance import REPLICAS
from evolution.llm.estimate import CostEstimate

FIRST = (
    2 * REPLICAS
)  # trials of the first verification: further seeds of a candidate and of the user's version
LEAST_TRIALS = 1 + FIRST  # one proposal that can be verified


@dataclass(frozen=True, kw_only=True)
class Plan:
    """proposals: how many the limits buy at most, None without a limit; verified: whether the best can be verified."""

    proposals: int | None
    verified: bool
    words: str


def plan_of(limits: Limits, expected: CostEstimate | None, *, trial_s: float) -> Plan:
    """What the limits buy. expected: the LLM's cost, None without one; trial_s: seconds of a trial of the user's version."""
    trials = [limits.trials] if limits.trials is not None else []
    if limits.gpu_s is not None and trial_s > 0:
        trials.append(int(limits.gpu_s // trial_s))
    bought = [max(0, min(trials) - FIRST)] if trials else []
    if expected is not None:
        bought += _by_exchanges(limits, expected)
    proposals = min(bought) if bought else None
    if trials and min(trials) < LEAST_TRIALS:
        words = (
            f"the budget verifies nothing: a proposal and its verification are {LEAST_TRIALS} trials, and it buys "
            f"{count(min(trials), 'trial')}; --trials {LEAST_TRIALS} is enough"
        )
        if limits.gpu_s is not None and trial_s > 0:
            words += f", about --budget-gpu-s {LEAST_TRIALS * trial_s:.0f}"
        return Plan(proposals=proposals, verified=False, words=words)
    many = "as many proposals as there are" if proposals is None else f"up to {count(proposals, 'proposal')}"
    words = (
        f"the budget buys {many} and the verification of the best, for which {count(FIRST, 'trial')} are kept back; "
        f"each other verification takes the place of {count(REPLICAS, 'proposal')}"
    )
    return Plan(proposals=proposals, verified=True, words=words)


def _by_exchanges(limits: Limits, expected: CostEstimate) -> list[int]:
    """How many proposals the limits in dollars and tokens buy by estimate, each."""
    found = []
    if limits.usd is not None and expected.each.usd > 0:
        found.append(int((limits.usd - float(expected.first.usd)) / float(expected.each.usd)))
    if limits.tokens is not None and expected.each.tokens > 0:
        found.append((limits.tokens - expected.first.tokens) // expected.each.tokens)
    return [max(0, number) for number in found]
