"""Questions that were answered are asked once more: in another order, in other batches, and as dense scores.

Small batches are asked twice before the training, see contract.py. Here the batches are as large as those of the ranking
that is reported, and it is held against the dense scores. Which questions are drawn depends on the labels, so that the
same trial draws the same and no worker knows which they are.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from diagnosis.evidence import TopLists
from evolution.domain.trial import ContractCheck
from evolution.trials.agreement import lists_contradict, lists_differ, rows_of
from evolution.trials.asked import said
from evolution.trials.data import TrialData, chosen
from evolution.trials.failing import broken_contract
from evolution.trials.possible import PossibleLists
from evolution.trials.session import WorkerSession
from seeds.interactions import Float32, Questions

AGAIN = 2048  # questions, the worker's largest batch
DRAWN = 64  # questions of which lists and dense scores are asked for in the same batches
# Checks of a small batch that say already why answers in other batches are others.
COMPARABLE = ("same-answer-twice", "batch-companions", "more-padding", "newest-kept")


def checked_again(
    session: WorkerSession,
    data: TrialData,
    lists: TopLists,
    dense: Float32,
    contract: Sequence[ContractCheck],
    *,
    seed: int,
) -> list[ContractCheck]:
    """The contract with what further questions say of it. lists: of all validation questions. dense: of the fixed sample.

    Raises TrialFailed where lists and scores of the same batch contradict each other: the lists are forged.
    """
    rng = unforeseen(data.validation, seed)
    if not comparable(contract, "same-answer-twice") or not comparable(contract, "state-carried"):
        return list(contract)
    again = asked_again(session, data.validation, lists, rng)
    if again.random:
        found = said("same-answer-twice", False, "warning", f"{again}: something random is on while scoring")
        return _with(found, contract)
    if not comparable(contract, "batch-companions"):
        return list(contract)
    check_lists_by_scores(session, data.validation, data.training.n_items, rng)
    possible = PossibleLists(data.validation, data.training.n_items)
    of_sample = lists_contradict(rows_of(lists, data.sample), dense, possible, data.sample)
    differing = again if again.differing else Again(differing=int(of_sample.sum()), asked=len(of_sample))
    if differing.differing and all(comparable(contract, code) for code in COMPARABLE):
        words = f"{differing}: they change with who else is in the batch, or with its size"
        return _with(said("batch-companions", False, "warning", words), contract)
    return list(contract)


def unforeseen(questions: Questions, seed: int) -> np.random.Generator:
    """Random numbers that a worker cannot foresee, as it has no labels; the same for the same questions and seed."""
    secret = hashlib.sha256(np.ascontiguousarray(questions.targets).tobytes()).digest()
    return np.random.default_rng([seed, *secret])


def comparable(contract: Sequence[ContractCheck], code: str) -> bool:
    """Whether this check was made and is passed."""
    return any(check.code == code and check.passed is True for check in contract)


@dataclass(frozen=True, kw_only=True)
class Again:
    """How many lists of how many were others when they were asked for again. random: even in the same batches."""

    differing: int
    asked: int
    random: bool = False

    def __str__(self) -> str:
        return f"{self.differing} of {self.asked} users get another answer to the same question in the batches of a ranking"


def asked_again(
    session: WorkerSession, questions: Questions, lists: TopLists, rng: np.random.Generator
) -> Again:
    """Lists of questions drawn from those that `lists` answers, in another order. Raises TrialFailed."""
    rows = rng.permutation(len(questions))[:AGAIN].astype(np.int32)
    asked = chosen(questions, rows)
    again = session.rank_these("again", asked)
    differing = int(lists_differ(rows_of(lists, rows), again).sum())
    random = differing > 0 and bool(lists_differ(again, session.rank_these("again", asked)).any())
    return Again(differing=differing, asked=len(rows), random=random)


def check_lists_by_scores(
    session: WorkerSession, questions: Questions, n_items: int, rng: np.random.Generator
) -> None:
    """Raises TrialFailed where lists are not the best unseen items by the scores of the very same batches."""
    rows = rng.permutation(len(questions))[:DRAWN]
    by_length = rows[np.argsort(np.diff(questions.offsets)[rows], kind="stable")]  # as a worker ranks them
    asked = chosen(questions, by_length.astype(np.int32))
    lists, scores = session.rank_these("drawn", asked), session.dense_of_these("drawn", asked)
    wrong = lists_contradict(lists, scores, PossibleLists(asked, n_items), np.arange(len(asked)))
    if wrong.any():
        raise broken_contract(
            f"the lists of {int(wrong.sum())} of {len(asked)} users are not their best unseen items by the scores that "
            "score() gives for them; expected the same scores whether a list or the scores are asked for"
        )


def _with(found: ContractCheck, contract: Sequence[ContractCheck]) -> list[ContractCheck]:
    return [found if check.code == found.code else check for check in contract]
