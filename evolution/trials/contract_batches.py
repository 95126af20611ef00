"""Contract check of batches: a user's scores do not depend on the others, on the row, or on how many are asked for.

A batch that the repo pads to its longest history changes for the others too when a companion is longer. That mixes no rows: it is
a fault of padding or of a place that is counted from the wrong end, told as such, see `check_longest`.
"""

import numpy as np

from evolution.domain.trial import ContractCheck
from evolution.trials.answers_compared import Bool
from evolution.trials.asked import LOCATED, Asked, padded, said
from evolution.trials.contract_widths import check_longest
from evolution.trials.partings import Batch
from seeds.interactions import Int64

CODE = "batch-companions"
ALONE = 3  # rows that are asked for on their own


def check_batches(asked: Asked) -> list[ContractCheck]:
    """The same questions with other companions, in other rows, with a longer companion, in a smaller batch, and alone.

    Returns the check of batches; where only the longest history of the batch counts, what `check_longest` says after it.
    """
    mixed = _check_companions(asked)
    if mixed:
        return [mixed]
    by_width = check_longest(asked)
    if by_width:
        words = "scores go by the longest history of a batch, so batches of other users cannot be compared"
        return [said(CODE, None, "warning", words), by_width]
    return [_check_sizes(asked)]


def _check_companions(asked: Asked) -> ContractCheck | None:
    half = max(1, len(asked.users) // 2)
    changed = asked.differ(asked.answer[:half], asked.score(*with_others(asked))[:half])
    if changed.any():
        return _failed(asked, changed, "change with who else is in the batch", _other_pair(asked))
    order = asked.rng.permutation(len(asked.users))
    changed = asked.differ(asked.answer[order], asked.score(asked.users[order], asked.histories[order]))
    if changed.any():
        words = "change when the rows of the batch are exchanged: they go by the row, not by the user"
        return _failed(asked, changed, words, _moved_pair(asked))
    return None


def _check_sizes(asked: Asked) -> ContractCheck:
    half = max(1, len(asked.users) // 2)
    changed = asked.differ(asked.answer[:half], asked.score(asked.users[:half], asked.histories[:half]))
    if changed.any():
        return _failed(
            asked, changed, "change with the number of users in the batch", _fewer_pair(asked, half)
        )
    changed = np.array([_alone(asked, row) for row in _spread(len(asked.users))])
    if changed.any():
        return _failed(asked, changed, "change when a user is asked for alone", _fewer_pair(asked, 1))
    return said(CODE, True, "warning", "a user's scores do not depend on who else is in the batch")


def with_others(asked: Asked) -> Batch:
    """The batch with other companions for its first half: real questions of other users. Its longest history stays."""
    questions, half = asked.data.validation, max(1, len(asked.users) // 2)
    rows = asked.rng.integers(len(questions), size=len(asked.users) - half)
    drawn = padded([questions.history(int(row)) for row in rows], asked.histories.shape[1])
    users, histories = asked.users.copy(), asked.histories.copy()
    if len(rows):
        users[half:], histories[half:] = questions.users[rows], 0
        histories[half:, -drawn.shape[1] :] = drawn
        longest = int((asked.histories > 0).sum(axis=1).argmax())
        users[longest], histories[longest] = asked.users[longest], asked.histories[longest]
    return users, histories


def _spread(size: int) -> Int64:
    return np.unique(np.linspace(0, size - 1, min(ALONE, size)).astype(np.int64))


def _alone(asked: Asked, row: int) -> bool:
    one = slice(int(row), int(row) + 1)
    return bool(asked.differ(asked.answer[one], asked.score(asked.users[one], asked.histories[one])).any())


Pair = tuple[Batch, Batch, Int64]


def _other_pair(asked: Asked) -> Pair:
    """Two batches of LOCATED rows, the longest first as in repos that sort a batch; every second row has another question in the
    other: its own length in other items where that does it, which no sorting moves, and that of other rows elsewhere."""
    lengths = (asked.histories > 0).sum(axis=1)
    order = np.argsort(-lengths, kind="stable")[:: max(1, len(lengths) // LOCATED)][:LOCATED]
    users, histories = asked.users[order], asked.histories[order]
    changing, rows = np.arange(1, len(order), 2), np.arange(0, len(order), 2)
    others, same_lengths = users.copy(), histories.copy()
    others[changing] = asked.other_users()[order][changing]
    same_lengths[changing] = asked.other_histories[order][changing]
    pair = (users, histories), (others, same_lengths), np.stack([rows, rows])
    if asked.differ(asked.score(*pair[0])[rows], asked.score(*pair[1])[rows]).any():
        return pair
    other_lengths = histories.copy()
    others[changing], other_lengths[changing] = asked.users[order[-1]], asked.histories[order[-1]]
    return (users, histories), (others, other_lengths), np.stack([rows, rows])


def _moved_pair(asked: Asked) -> Pair:
    users, histories = asked.few(asked.histories)
    order = np.roll(np.arange(len(users)), 1)
    return (users, histories), (users[order], histories[order]), np.stack([order, np.arange(len(users))])


def _fewer_pair(asked: Asked, size: int) -> Pair:
    size = min(size, 5, LOCATED)
    users, histories = asked.few(asked.histories)
    rows = np.arange(size)
    return (users, histories), (users[:size], histories[:size]), np.stack([rows, rows])


def _failed(asked: Asked, changed: Bool, words: str, pair: Pair) -> ContractCheck:
    parting = asked.located(*pair)
    call = f"; `{parting.function}` mixes the rows" if parting.function else ""
    return said(
        CODE,
        False,
        "warning",
        f"{int(changed.sum())} of {len(changed)} users: scores {words}{call}",
        parting.parts,
    )
