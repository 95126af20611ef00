"""A batch of real questions, its answer, and what further questions are made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from diagnosis.findings import CodePlace
from evolution.domain.trial import ContractCheck, FailureReason
from evolution.trials.answers_compared import Bool, Float64, differ
from evolution.trials.data import TrialData
from evolution.trials.failing import TrialFailed
from evolution.trials.partings import Batch, Changed, Parting
from seeds.interactions import Float32, Int64, Questions

BATCH = 32
LOCATED = (
    11  # rows of a batch in which a line is looked for; a prime number is seldom the size of anything else
)
SHORT = 10  # events of a short history
CANDIDATES_FAULT = (FailureReason.CRASH, FailureReason.CONTRACT, FailureReason.NOT_FINITE)


class Answering(Protocol):
    """Whoever answers questions: a WorkerSession."""

    def score(self, users: Int64, histories: Int64, seed: int | None = None) -> Float32: ...
    def padding_scores(self, users: Int64, histories: Int64) -> list[float | None]: ...
    def parting(
        self, first: Batch, second: Batch, rows: Int64, seeds: tuple[int, int] = (0, 0)
    ) -> Parting: ...
    def changes(self, users: Int64, histories: Int64) -> tuple[Changed, ...]: ...


@dataclass(frozen=True, kw_only=True, eq=False)
class Untrained:
    """The answer to `batch_of` before any training. scores: (B, n_items + 1). padding: (B,), the model's own column 0."""

    scores: Float32
    padding: Float64

    @classmethod
    def of(cls, session: Answering, users: Int64, histories: Int64) -> "Untrained":
        """Ask a recommender that was built and not trained."""
        return cls(scores=session.score(users, histories), padding=padding_column(session, users, histories))


def padding_column(session: Answering, users: Int64, histories: Int64) -> Float64:
    """What the model itself says of column 0, which is overwritten before ranking: (B,), NaN where it is not finite."""
    told = session.padding_scores(users, histories)
    return np.array([np.nan if value is None else value for value in told])


class Asked:
    """The batch, its answer, and what further questions are made of."""

    def __init__(
        self,
        session: Answering,
        data: TrialData,
        max_history: int,
        users: Int64,
        histories: Int64,
        answer: Float32,
    ) -> None:
        self.session, self.score = session, session.score
        self.n_items = data.training.n_items
        self.data, self.max_history = data, max_history
        self.users, self.histories, self.answer = users, histories, answer
        self.rng = np.random.default_rng(0)

    @property
    def short(self) -> Int64:
        """The newest few events of each history: int64 (B, <= SHORT)."""
        return self.histories[:, -min(SHORT, self.histories.shape[1]) :]

    @property
    def other_histories(self) -> Int64:
        """The batch with another item at each place that has one: int64 (B, L)."""
        return np.where(self.histories > 0, self.other_items(self.histories), 0)

    def differ(self, one: Float32, other: Float32, without: Int64 | None = None) -> Bool:
        """Which rows differ by more than rounding, see `answers_compared.differ`: bool (B,)."""
        return differ(one, other, without)

    def other_items(self, items: Int64) -> Int64:
        """For each item another one, not padding."""
        return items % self.n_items + 1

    def other_users(self) -> Int64:
        """For each row another user than its own, as many different ones."""
        shift = max(1, self.data.training.n_users // 2)
        return (self.users - 1 + shift) % self.data.training.n_users + 1

    def located(
        self, first: Batch, second: Batch, rows: Int64 | None = None, seeds: tuple[int, int] = (0, 0)
    ) -> Parting:
        """Where the answers to two batches part; nothing where the worker cannot say. rows: (2, n), all by default."""
        together = np.arange(min(len(first[0]), len(second[0])))
        pairs = rows if rows is not None else np.stack([together, together])
        try:
            return self.session.parting(first, second, pairs, seeds)
        except TrialFailed as failed:
            if failed.failure.reason not in CANDIDATES_FAULT:
                raise
            return Parting()

    def few(self, histories: Int64) -> Batch:
        """The first rows of a batch, as many as a line is looked for in."""
        return self.users[:LOCATED], histories[:LOCATED]


def batch_of(questions: Questions, max_history: int) -> tuple[Int64, Int64]:
    """Users (B,) and left-padded histories (B, L) of a few real questions, long and short."""
    lengths = np.diff(questions.offsets)
    by_length = np.argsort(lengths, kind="stable")
    rows = np.unique(
        by_length[np.linspace(0, len(questions) - 1, min(BATCH, len(questions))).astype(np.int64)]
    )
    return questions.users[rows], padded([questions.history(int(row)) for row in rows], max_history)


def padded(histories: Sequence[Int64], max_history: int) -> Int64:
    """The newest events of each history, with zeros on the left: int64 (B, L), L >= 1."""
    kept = [history[-max_history:] for history in histories]
    rows = np.zeros((len(kept), max(1, max((len(history) for history in kept), default=1))), np.int64)
    for place, history in enumerate(kept):
        if len(history):
            rows[place, -len(history) :] = history
    return rows


def said(
    code: str, passed: bool | None, severity: str, message: str, places: tuple[CodePlace, ...] = ()
) -> ContractCheck:
    """A check with what came of it."""
    return ContractCheck(code=code, passed=passed, severity=severity, message=message, places=places)
