"""Contract checks on one batch, before training: does the recommender answer the question that was asked?

Each check asks twice what should give the same answer (or should not), says in a sentence what differs, and points at the
line where the two answers part. The defects that they find: ids off by one, padding that changes scores, random numbers
while scoring, state that is carried from call to call, long histories cut at the wrong end, and scores that depend on the
rest of the batch.
"""

from collections.abc import Callable

from diagnosis.findings import CodePlace
from evolution.domain.trial import ContractCheck, Failure
from evolution.trials.asked import CANDIDATES_FAULT, Asked, batch_of, said
from evolution.trials.contract_batches import CODE as COMPANIONS
from evolution.trials.contract_batches import check_batches
from evolution.trials.contract_calls import CARRIED, TWICE, check_calls, check_order
from evolution.trials.contract_histories import (
    IDS,
    NEWEST,
    PADDING,
    check_ids,
    check_newest,
    check_padding,
)
from evolution.trials.data import TrialData
from evolution.trials.failing import TrialFailed
from evolution.trials.session import WorkerSession
from seeds.interactions import Float32

BY_CALL = "the same question gets different answers"
BY_BATCH = "answers depend on who else is in the batch"
Check = Callable[[Asked], ContractCheck]


def check_contract(
    session: WorkerSession, data: TrialData, max_history: int
) -> tuple[list[ContractCheck], Float32 | None]:
    """All checks of the recommender as it is now, and its answer (B, n_items + 1) to the batch; None if it has several.

    Raises TrialFailed where the plain batch itself cannot be scored: wrong shape, NaN, a crash.
    """
    users, histories = batch_of(data.validation, max_history)
    answer = session.score(users, histories)
    checks = [said("score-shape", True, "error", "scores have one column per item and one for padding")]
    asked = Asked(session, data, max_history, users, histories, answer)
    answered = answered_checks(asked)
    return [*checks, *answered], answer if answered[0].passed else None


def answered_checks(asked: Asked) -> list[ContractCheck]:
    """The checks of calls first, then those that compare two answers, where one question has one answer."""
    calls = _calls(asked)
    if not calls[0].passed:
        return [*calls, *(_incomparable(code) for code in (COMPANIONS, *PAIRS))]
    batches = _batches(asked)
    if batches[0].passed is not True:
        told = {check.code for check in batches}
        return [*calls, *batches, *(_incomparable(code, BY_BATCH) for code in PAIRS if code not in told)]
    checks = [*batches, *(guarded(c, check, asked) for c, check in PAIRS.items())]
    later = check_order(asked)
    return [calls[0], later or calls[1], *checks]


def unanswered(failure: Failure) -> list[ContractCheck]:
    """The checks of a model that cannot score before it is trained; they are asked again afterwards."""
    words = f"it cannot score before its first epoch: {failure.message}"
    return [
        said(code, None, "warning", words) for code in ("score-shape", TWICE, CARRIED, COMPANIONS, *PAIRS)
    ]


def guarded(code: str, check: Check, asked: Asked) -> ContractCheck:
    """A check that the candidate cannot even answer has failed; limits and cancelling go on upwards."""
    try:
        return check(asked)
    except TrialFailed as failed:
        return _unasked(code, failed)


def _batches(asked: Asked) -> list[ContractCheck]:
    try:
        return check_batches(asked)
    except TrialFailed as failed:
        return [_unasked(COMPANIONS, failed)]


def _calls(asked: Asked) -> list[ContractCheck]:
    try:
        return check_calls(asked)
    except TrialFailed as failed:
        return [_unasked(TWICE, failed), _incomparable(CARRIED)]


def _unasked(code: str, failed: TrialFailed) -> ContractCheck:
    if failed.failure.reason not in CANDIDATES_FAULT:
        raise failed
    failure = failed.failure
    words = f"{_ASKING.get(code, 'a further question failed')}: {failure.message}"
    if not failure.path:
        return said(code, False, "warning", words)
    place = CodePlace(path=failure.path, line=failure.line)
    return said(code, False, "warning", f"{words} ({failure.path}:{failure.line})", (place,))


def _incomparable(code: str, why: str = BY_CALL) -> ContractCheck:
    return said(code, None, "warning", f"{why}, so no two can be compared")


PAIRS: dict[str, Check] = {
    PADDING: check_padding,
    NEWEST: check_newest,
    IDS: check_ids,
}
_ASKING = {
    TWICE: "the same question, asked again, failed",
    COMPANIONS: "a batch that worked fails with other companions, other rows or fewer of them",
    PADDING: "a batch with more padding failed",
    NEWEST: "a history as long as max_history failed",
    IDS: "a history of one event failed",
}
