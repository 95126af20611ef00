"""Contract checks that build again: a restored state scores the same, the same seed starts the same."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from diagnosis.evidence import Artifacts
from evolution.base.amounts import percent
from evolution.domain.trial import ContractCheck
from evolution.trials.agreement import scores_differ
from evolution.trials.asked import BATCH, CANDIDATES_FAULT, batch_of, padded, said
from evolution.trials.data import TrialData
from evolution.trials.failing import TrialFailed
from evolution.trials.session import Built, WorkerSession
from seeds.interactions import Float32, Int64

SLOW_BUILD_S = 10.0  # a build slower than this is not repeated for a check alone
STATE_RESTORED = "state-restored"
_RANDOM = "the same question gets different answers, so no two can be compared"
_DIFFERENT_MODELS = (
    "building twice with the same seed gives different models; seed every generator from `seed`, "
    "or trials cannot be repeated"
)
_PARTIAL_STATE = (
    "a model that was given the saved state scores differently: state_dict() does not hold all that scoring uses, "
    "so the best epoch cannot be restored faithfully"
)
_STATE_LACKS = "state_dict() does not hold all that scoring uses"
_UNSTEADY = ("same-answer-twice", "state-carried", "batch-companions", "batch-of-one", "more-padding")
MOST_DIFFER = 0.5  # of the users
_OTHER_MODEL = "state_dict() and load_state_dict() do not give back the model that was saved"


def check_restoring(
    session: WorkerSession, data: TrialData, answer: Float32 | None, first: Built, *, seed: int, state: Path
) -> tuple[Built, list[ContractCheck]]:
    """answer: (B, n_items + 1) of the recommender just built to the batch, None where it has several. state: a
    file to use meanwhile.

    Leaves a freshly built recommender of `seed`, which is what will be trained.
    """
    batch = batch_of(data.validation, data.max_history)
    restored = _restored(session, batch, answer, first, seed=seed, state=state)
    built = session.build(seed)
    if answer is None:
        return built, [restored, said("same-seed", None, "warning", _RANDOM)]
    same = _same(session, batch, answer)
    message = "building twice with the same seed gives the same model" if same else _DIFFERENT_MODELS
    return built, [restored, said("same-seed", same, "warning", message)]


def once_restored(contract: Sequence[ContractCheck], difference: str) -> list[ContractCheck]:
    """The checks with what restoring the best epoch has shown. difference: how it differed, in words, "" where it did
    not. Of a model that answers the same question in two ways nothing is said."""
    twice = next((check.passed for check in contract if check.code == "same-answer-twice"), None)
    if not difference or twice is False:
        return list(contract)
    failed_now = said(STATE_RESTORED, False, "warning", f"{difference}: {_OTHER_MODEL}")
    return [failed_now if check.code == STATE_RESTORED else check for check in contract]


def check_trained_state(
    session: WorkerSession,
    data: TrialData,
    artifacts: Artifacts,
    asked: Sequence[ContractCheck],
    *,
    max_history: int,
) -> list[ContractCheck]:
    """Whether a fresh recommender that was given the trained state scores as the trained one did; [] where it does, or where
    answers hang on more than the question.

    asked: what the fresh one was asked already. A state that lacks what was still at its first values when the contract was
    checked, or what the trained recommender kept while it was restored, shows here alone.
    """
    if any(check.code in _UNSTEADY and check.passed is False for check in asked):
        return []
    rows = artifacts.dense_rows[:BATCH]
    histories = [data.validation.history(int(row)) for row in rows]
    answer = session.score(data.validation.users[rows], padded(histories, max_history))
    differ = float(scores_differ(artifacts.dense_scores[: len(rows)], answer).mean()) if len(rows) else 0.0
    if differ <= MOST_DIFFER:
        return []
    words = f"{percent(differ)} of {len(rows)} users are scored differently by a new model that was given the trained state: {_STATE_LACKS}"
    return [said(STATE_RESTORED, False, "warning", words)]


def _restored(
    session: WorkerSession,
    batch: tuple[Int64, Int64],
    answer: Float32 | None,
    first: Built,
    *,
    seed: int,
    state: Path,
) -> ContractCheck:
    code = STATE_RESTORED
    if not first.has_state:
        words = "there is no state_dict(); the last epoch counts, and measuring again retrains"
        return said(code, None, "warning", words)
    if answer is None:
        return said(code, None, "warning", _RANDOM)
    if first.seconds > SLOW_BUILD_S:
        words = f"build() takes {first.seconds:.0f} s, so it was not repeated for this check"
        return said(code, None, "warning", words)
    try:
        session.save_state(state)
        session.build(seed + 1)
        session.load_state(state)
        same = _same(session, batch, answer)
    except TrialFailed as failed:
        if failed.failure.reason not in CANDIDATES_FAULT:
            raise
        words = f"its state cannot be saved and loaded: {failed.failure.message}"
        return said(code, False, "error", words)
    finally:
        state.unlink(missing_ok=True)
    return said(code, same, "warning", "a restored state scores the same" if same else _PARTIAL_STATE)


def _same(session: WorkerSession, batch: tuple[Int64, Int64], answer: Float32) -> bool:
    return bool(np.allclose(session.score(*batch), answer, rtol=1e-4, atol=1e-5))
