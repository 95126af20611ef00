"""Does score() itself see to it that nothing is dropped? evolverec asks it in evaluation mode, others may not."""

from typing import Protocol

from diagnosis.findings import CodePlace
from evolution.domain.trial import ContractCheck
from evolution.trials.asked import CANDIDATES_FAULT, said
from evolution.trials.failing import TrialFailed
from seeds.interactions import Int64

CODE = "scores-in-training-mode"


class Left(Protocol):
    """Whoever holds a recommender as its training left it: a WorkerSession."""

    def moved_in_its_mode(self, users: Int64, histories: Int64) -> tuple[int, tuple[CodePlace, ...]]: ...


def check_mode(session: Left, users: Int64, histories: Int64) -> ContractCheck:
    """Whether answers are random in the mode that fit() left. Only the session that trained the model knows that mode.

    users (B,), histories (B, L). Raises TrialFailed for limits and cancelling.
    """
    try:
        moved, places = session.moved_in_its_mode(users, histories)
    except TrialFailed as failed:
        if failed.failure.reason not in CANDIDATES_FAULT:
            raise
        return said(CODE, None, "warning", "it does not answer in training mode")  # which misleads nobody
    if not moved:
        return said(CODE, True, "warning", "answers are the same in the mode that fit() leaves the model in")
    words = f"{moved} of {len(users)} users get random answers in the mode that fit() leaves: call eval() in score()"
    return said(CODE, False, "warning", words, places)
