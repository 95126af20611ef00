"""Turns critiques into the form of Self-EvolveRec (arXiv 2602.12612): a status, the right and wrong patterns of
recommendation lists, the main failure at their top, and what to measure from now on.

All figures are computed here, for personas of every kind, and put into sentences by rules; an LLM may only rephrase
the sentences (`rewording`). Shares of users have 95 % Wilson intervals, shares of items a bootstrap over users.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from seeds.amounts import percent_within
from seeds.metrics.intervals import mean_over_users
from simulator.behaviour import Judgement
from simulator.critiques import Critique, Interpretation, Pattern, Status, TrackedSignal
from simulator.messages import MESSAGES
from simulator.signals import SIGNALS

TOP = 3  # items at the top of a list
HALF = 0.5
TRACKED = 5
FEWEST = 5  # users whom the first items do not fit; what fewer say is no pattern

Share = tuple[float, float, float]  # share, low, high


def interpret(
    judgements: Sequence[Judgement], critiques: Sequence[Critique], rng: np.random.Generator
) -> Interpretation:
    """Interpret the users' judgements.

    critiques: critiques that count, in the order of `aggregate`: complaints, most shared first, then praise
    """
    complaints = [critique for critique in critiques if not critique.positive]
    fit, at_top = _fit(judgements, None, rng), _fit(judgements, TOP, rng)
    status, because = judge_status(fit, complaints)
    failure, code = _main_failure(judgements, complaints, at_top)
    return Interpretation(
        status=status,
        because=because,
        fit=fit,
        fit_at_top=at_top,
        reads_intent=_reading(critiques),
        right=tuple(_pattern(critique) for critique in critiques if critique.positive),
        wrong=tuple(_pattern(critique) for critique in complaints),
        main_failure=failure,
        main_failure_code=code,
        track=_tracked(complaints),
    )


def judge_status(fit: Share, complaints: Sequence[Critique]) -> tuple[Status, str]:
    """The status by the rules of `Status`, and a sentence with the figures that decided it."""
    said = f"{say_share(fit)} of the shown items fit"
    if not complaints:
        status = Status.STABLE if fit[1] > HALF else Status.NEEDS_IMPROVEMENT
        return status, f"{said}, and users agree on no complaint"
    worst = max(complaints, key=lambda critique: critique.low)
    said += f", and {say_share((worst.share, worst.low, worst.high))} of the users share {worst.code}"
    critical = fit[2] < HALF and worst.low > HALF
    return Status.CRITICAL if critical else Status.NEEDS_IMPROVEMENT, said


def say_share(share: Share) -> str:
    """A share in words: `40 % [30, 50]`, with its 95 % interval."""
    return percent_within(*share)


def _fit(judgements: Sequence[Judgement], first: int | None, rng: np.random.Generator) -> Share:
    """Mean over users of the share of (the `first`) items that fit; (0, 0, 1) if no user was shown any."""
    per_user = np.array([_aligned(judgement, first) for judgement in judgements if judgement.answers])
    if not len(per_user):
        return 0.0, 0.0, 1.0
    mean = mean_over_users(per_user, rng)
    return mean.value, mean.low, mean.high


def _aligned(judgement: Judgement, first: int | None) -> float:
    return float(np.mean([answer.align for answer in judgement.answers[:first]]))


def _main_failure(
    judgements: Sequence[Judgement], complaints: Sequence[Critique], at_top: Share
) -> tuple[str, str]:
    """(sentence, code) of the most frequent complaint among users whom most of the first items do not fit."""
    let_down = [j for j in judgements if j.answers and _aligned(j, TOP) < HALF]
    if len(let_down) < FEWEST:
        return "", ""
    codes = {critique.code for critique in complaints}
    complained = Counter(
        code for judgement in let_down for code in {r.opinion.code for r in judgement.remarks} & codes
    )
    fits = f"{say_share(at_top)} of the first {TOP} items fit"
    if not complained:
        return ("", "") if at_top[1] > HALF else (f"{fits}; users do not agree why", "")
    code = min(complained, key=lambda code: (-complained[code], code))
    share = f"{complained[code]} of the {len(let_down)} users whom most of them do not fit"
    return f"{fits}; {share} say: {MESSAGES[code]}", code


def _reading(critiques: Sequence[Critique]) -> str:
    """A sentence on the signals by which lists seem to guess users' intent."""
    over, missed, right = (
        [SIGNALS[c.signal].read_as for c in critiques if c.code.startswith(kind)]
        for kind in ("overused-", "missed-", "liked-")
    )
    missed = [read_as for read_as in missed if read_as not in over]  # an overused signal is not neglected
    right = [read_as for read_as in right if read_as not in (*over, *missed)]  # nor right for all
    parts = [
        f"what users want is guessed too much from {_listed(over)}" if over else "",
        f"{_listed(right)} {'are' if len(right) > 1 else 'is'} read as users mean it" if right else "",
        f"{_listed(missed)} {'are' if len(missed) > 1 else 'is'} hardly seen" if missed else "",
    ]
    return "; ".join(part for part in parts if part) or "users agree on nothing that lists go by"


def _listed(words: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def _pattern(critique: Critique) -> Pattern:
    return Pattern(
        code=critique.code,
        signal=critique.signal,
        sentence=MESSAGES[critique.code],
        count=critique.count,
        users=critique.users,
        share=critique.share,
        low=critique.low,
        high=critique.high,
    )


def _tracked(complaints: Sequence[Critique]) -> tuple[TrackedSignal, ...]:
    """One entry per thing to measure; two complaints can call for the same."""
    codes: dict[tuple[str, str], list[str]] = {}
    for critique in complaints:
        sentence = SIGNALS[critique.signal].track[critique.code.partition("-")[0]]
        codes.setdefault((critique.signal, sentence), []).append(critique.code)
    return tuple(
        TrackedSignal(signal=signal, sentence=sentence, codes=tuple(own))
        for (signal, sentence), own in list(codes.items())[:TRACKED]
    )
