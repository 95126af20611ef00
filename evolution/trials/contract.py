"""Contract checks on one batch, before training: does the recommender answer the question that was asked?

Each check asks twice what should give the same answer (or should not), and says in a sentence what differs.
The defects that they find: ids off by one, padding that changes scores, dropout while scoring, long histories cut
at the wrong end, and scores that depend on the rest of the batch.
"""

from collections.abc import Callable

import numpy as np

from evolution.domain.trial import ContractCheck, Failure, FailureReason
from evolution.trials.data import TrialData
from evolution.trials.failing import TrialFailed
from evolution.trials.session import WorkerSession
from seeds.interactions import Float32, Int64, Questions

BATCH = 32
SHORT = 10  # events of a short history
EXTRA_PADDING = 7
RELATIVE_TOLERANCE = 1e-3  # of the spread of a row's scores; rounding of other kernels is far below
_SILENT = "the scores do not depend on the history yet, so there is nothing to compare"


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
    checks.append(_guarded(_twice, asked))
    for check in (_companions, _padding, _newest, _ids):
        checks.append(_guarded(check, asked) if checks[1].passed else _incomparable(_CODES[check]))
    return checks, answer if checks[1].passed else None


class Asked:
    """The batch, its answer, and what further questions are made of."""

    def __init__(
        self,
        session: WorkerSession,
        data: TrialData,
        max_history: int,
        users: Int64,
        histories: Int64,
        answer: Float32,
    ) -> None:
        self.score, self.n_items = session.score, data.training.n_items
        self.data, self.max_history = data, max_history
        self.users, self.histories, self.answer = users, histories, answer
        self.rng = np.random.default_rng(0)

    @property
    def short(self) -> Int64:
        """The newest few events of each history: int64 (B, <= SHORT)."""
        return self.histories[:, -min(SHORT, self.histories.shape[1]) :]

    def differ(self, one: Float32, other: Float32) -> Float32:
        """Which rows differ by more than rounding: bool (B,). Column 0 is ignored."""
        with np.errstate(over="ignore", invalid="ignore"):  # scores may be as large as float32 goes
            spread = one[:, 1:].std(axis=1)
            tolerance = RELATIVE_TOLERANCE * spread + 1e-6 * np.abs(one[:, 1:]).max(axis=1)
            return np.abs(one - other)[:, 1:].max(axis=1) > tolerance

    def other_items(self, items: Int64) -> Int64:
        """For each item another one, not padding."""
        return items % self.n_items + 1


def batch_of(questions: Questions, max_history: int) -> tuple[Int64, Int64]:
    """Users (B,) and left-padded histories (B, L) of a few real questions, long and short."""
    lengths = np.diff(questions.offsets)
    by_length = np.argsort(lengths, kind="stable")
    rows = np.unique(
        by_length[np.linspace(0, len(questions) - 1, min(BATCH, len(questions))).astype(np.int64)]
    )
    kept = [questions.history(int(row))[-max_history:] for row in rows]
    histories = np.zeros((len(rows), max(1, max(len(history) for history in kept))), np.int64)
    for place, history in enumerate(kept):
        if len(history):
            histories[place, -len(history) :] = history
    return questions.users[rows], histories


CANDIDATES_FAULT = (FailureReason.CRASH, FailureReason.CONTRACT, FailureReason.NOT_FINITE)


def _incomparable(code: str) -> ContractCheck:
    return said(code, None, "warning", "the same question gets different answers, so no two can be compared")


def unanswered(failure: Failure) -> list[ContractCheck]:
    """The checks of a model that cannot score before it is trained; they are asked again afterwards."""
    words = f"it cannot score before its first epoch: {failure.message}"
    return [said(code, None, "warning", words) for code in ("score-shape", *_CODES.values())]


def _guarded(check: Callable[[Asked], ContractCheck], asked: Asked) -> ContractCheck:
    """A check that the candidate cannot even answer has failed; limits and cancelling go on upwards."""
    try:
        return check(asked)
    except TrialFailed as failed:
        if failed.failure.reason not in CANDIDATES_FAULT:
            raise
        code = _CODES[check]
        place = f" ({failed.failure.path}:{failed.failure.line})" if failed.failure.path else ""
        return said(code, False, "warning", f"{_ASKING[code]}: {failed.failure.message}{place}")


def _twice(asked: Asked) -> ContractCheck:
    changed = asked.differ(asked.answer, asked.score(asked.users, asked.histories))
    if not changed.any():
        return said("same-answer-twice", True, "warning", "the same question gets the same answer")
    return said(
        "same-answer-twice",
        False,
        "warning",
        f"the same question gets different answers for {int(changed.sum())} of {len(changed)} users: something random, "
        "most likely dropout, is on while scoring",
    )


def _companions(asked: Asked) -> ContractCheck:
    half = max(1, len(asked.users) // 2)
    changed = asked.differ(asked.answer[:half], asked.score(asked.users[:half], asked.histories[:half]))
    if not changed.any():
        return said(
            "batch-companions", True, "warning", "a user's scores do not depend on who else is in the batch"
        )
    return said(
        "batch-companions",
        False,
        "warning",
        f"the scores of {int(changed.sum())} of {half} users change with who else is in the batch; "
        "something is normalised or pooled over the batch",
    )


def _padding(asked: Asked) -> ContractCheck:
    code, short = "more-padding", asked.short
    width = min(short.shape[1] + EXTRA_PADDING, asked.max_history)
    if width <= short.shape[1]:
        return said(
            code, None, "warning", f"max_history is {asked.max_history}: there is no room for more padding"
        )
    padded = np.pad(short, ((0, 0), (width - short.shape[1], 0)))
    changed = asked.differ(asked.score(asked.users, short), asked.score(asked.users, padded))
    if not changed.any():
        return said(code, True, "warning", "more padding on the left changes nothing")
    return said(
        code,
        False,
        "warning",
        f"{width - short.shape[1]} more zeros on the left of a history change the scores of {int(changed.sum())} of "
        f"{len(changed)} users; padding is attended to, or positions are counted from the padded end",
    )


def _newest(asked: Asked) -> ContractCheck:
    """A history as long as can be: does its newest event still count?"""
    code, short = "newest-kept", asked.short
    edited = short.copy()
    edited[:, -1] = asked.other_items(short[:, -1])
    if not asked.differ(asked.score(asked.users, short), asked.score(asked.users, edited)).any():
        return said(code, None, "warning", _SILENT)
    long = asked.rng.integers(1, asked.n_items + 1, size=(len(asked.users), asked.max_history))
    edited = long.copy()
    edited[:, -1] = asked.other_items(long[:, -1])
    changed = asked.differ(asked.score(asked.users, long), asked.score(asked.users, edited))
    if changed.any():
        return said(code, True, "warning", f"of {asked.max_history} events the newest counts")
    return said(
        code,
        False,
        "warning",
        f"in a history of {asked.max_history} events the newest one changes nothing: a history longer than the model's "
        "own limit loses its newest events; keep them, `history[-limit:]`",
    )


def _ids(asked: Asked) -> ContractCheck:
    """The first and the last id are items of their own: not padding, not each other's neighbour."""
    code = "id-round-trip"
    one = asked.users[:1]

    def after(item: int) -> Float32:
        return asked.score(one, np.array([[item]], np.int64))

    middle = [after(item) for item in {2, 3, max(1, asked.n_items // 2)} if item < asked.n_items]
    first, last, before_last = after(1), after(asked.n_items), after(asked.n_items - 1)
    try:
        nothing = after(0)
    except TrialFailed as failed:
        if failed.failure.reason not in CANDIDATES_FAULT:
            raise
        nothing = None  # a history of padding alone need not be answered
    if len(middle) < 2 or not asked.differ(middle[0], middle[1]).any():
        return said(code, None, "warning", _SILENT)
    if nothing is not None and _only_padding_like(asked, first, nothing, middle):
        return said(
            code,
            False,
            "warning",
            "item 1 is treated as padding: ids run from 1, and 0 alone is padding; an id is shifted by one",
        )
    if not asked.differ(last, before_last).any() and _follows(asked, asked.n_items):
        return said(
            code,
            False,
            "warning",
            f"item {asked.n_items}, the last id, scores like item {asked.n_items - 1}: ids seem to be cut off at the end",
        )
    return said(
        code, True, "warning", "the first and the last id are told apart from padding and their neighbours"
    )


def _only_padding_like(asked: Asked, first: Float32, nothing: Float32, middle: list[Float32]) -> bool:
    unlike = all(asked.differ(nothing, scores).any() for scores in middle)
    return unlike and not asked.differ(nothing, first).any() and _follows(asked, 1)


def _follows(asked: Asked, item: int) -> bool:
    """Whether anything follows this item in training: only then can a model have something to say of it."""
    training = asked.data.training
    at = np.flatnonzero(training.items[:-1] == item)
    return bool((training.users[at] == training.users[at + 1]).any())


_CODES: dict[Callable[[Asked], ContractCheck], str] = {
    _twice: "same-answer-twice",
    _companions: "batch-companions",
    _padding: "more-padding",
    _newest: "newest-kept",
    _ids: "id-round-trip",
}
_ASKING = {
    "same-answer-twice": "the same question, asked again, failed",
    "batch-companions": "half of a batch that worked failed",
    "more-padding": "a batch with more padding failed",
    "newest-kept": "a history as long as max_history failed",
    "id-round-trip": "a history of one event failed",
}


def said(code: str, passed: bool | None, severity: str, message: str) -> ContractCheck:
    return ContractCheck(code=code, passed=passed, severity=severity, message=message)
