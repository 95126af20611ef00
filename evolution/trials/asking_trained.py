"""The trained model is asked pairs of questions: what it reads, of whom it speaks, and whether it is still what it was.

The contract's own checks are asked again, because a model that has learnt nothing yet hides some of what they look for.
Then come checks that only a trained model can be asked, see `asking_histories`, `asking_time`, `asking_users` and
`asking_columns`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from evolution.domain.trial import ContractCheck
from evolution.trials.asked import CANDIDATES_FAULT, Answering, Asked, Untrained, batch_of, said
from evolution.trials.asking_columns import check_columns
from evolution.trials.asking_histories import check_histories
from evolution.trials.asking_time import check_time
from evolution.trials.asking_users import check_users
from evolution.trials.contract import answered_checks
from evolution.trials.contract_batches import CODE as COMPANIONS
from evolution.trials.contract_histories import NEWEST
from evolution.trials.data import TrialData
from evolution.trials.failing import TrialFailed
from evolution.trials.sampled import sampled
from seeds.interactions import Float32

FROZEN = "scores-frozen"


def ask_trained(
    session: Answering,
    data: TrialData,
    max_history: int,
    *,
    trace: Mapping[str, Any],
    untrained: Untrained | None,
) -> list[ContractCheck]:
    """Checks of the trained model that the session holds; those of the contract among them.

    trace: of the smoke step, {} for none. untrained: the answer of the same recommender to `batch_of` before it was
    trained, or before the trained state was loaded; None where there is none.

    Raises TrialFailed for limits and cancelling, and where the plain batch cannot be scored.
    """
    users, histories = batch_of(data.validation, max_history)
    answer = session.score(users, histories)
    asked = Asked(session, data, max_history, users, histories, answer)
    checks = _frozen(answer, untrained.scores if untrained is not None else None)
    contract = answered_checks(asked)
    checks += contract
    if not contract[0].passed:
        return checks
    return merged(checks, further_checks(asked, trace, contract, untrained))


def further_checks(
    asked: Asked, trace: Mapping[str, Any], contract: Sequence[ContractCheck], untrained: Untrained | None
) -> list[ContractCheck]:
    """What only a trained model can be asked.

    Where scores go by the rest of the batch, nothing is told of what a history or a user does; where the newest events are
    lost, nothing of time.
    """
    failed = {check.code for check in contract if check.passed is False}
    passed = {check.code for check in contract if check.passed is True}
    sample = sampled(asked.score, asked.data, asked.max_history)
    checks = []
    if COMPANIONS in passed:
        checks += _tried(lambda: check_histories(asked, trace))
        checks += _tried(lambda: [check_users(asked)])
    failed |= {check.code for check in checks if check.passed is False}
    if NEWEST not in failed:
        checks += _tried(lambda: [check_time(asked, sample)])
    return checks + _tried(lambda: check_columns(asked, sample, trace, untrained))


def merged(contract: Sequence[ContractCheck], later_ones: Sequence[ContractCheck]) -> list[ContractCheck]:
    """Checks with later ones of the same codes in their place, but that one that failed stays failed."""
    later = {check.code: check for check in later_ones}
    kept = [check if check.passed is False else later.get(check.code, check) for check in contract]
    known = {check.code for check in contract}
    return [*kept, *(check for check in later_ones if check.code not in known)]


def _frozen(answer: Float32, untrained: Float32 | None) -> list[ContractCheck]:
    if untrained is None or untrained.shape != answer.shape:
        return []
    same = int((untrained == answer).all(axis=1).sum())  # to the last bit: the same call of the same worker
    if same < len(answer):
        return [said(FROZEN, True, "warning", "training has changed the scores")]
    words = (
        f"the scores of all {same} users are those from before the training: scoring reads what was computed or kept before, or "
        "nothing that is trained"
    )
    return [said(FROZEN, False, "warning", words)]


def _tried(part: Callable[[], list[ContractCheck]]) -> list[ContractCheck]:
    """Nothing where the candidate cannot answer; limits and cancelling go on upwards."""
    try:
        return part()
    except TrialFailed as failed:
        if failed.failure.reason not in CANDIDATES_FAULT:
            raise
        return []
