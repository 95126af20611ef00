"""Contract check of a batch's width: a longer companion does not change the scores of the others.

Repos pad a batch to its longest history. A place that is counted from the padded end, or padding that is read, then answers
for the short histories of a batch; the same histories in a batch of their own length are answered well.
"""

import numpy as np

from evolution.domain.trial import ContractCheck
from evolution.trials.asked import LOCATED, Asked, said
from evolution.trials.contract_histories import NEWEST, PADDING, SELECTIONS, why_padding_counts
from evolution.trials.partings import Batch
from seeds.interactions import Int64


def check_longest(asked: Asked) -> ContractCheck | None:
    """What is wrong where short histories get other scores beside a long one; None where they do not, or all are of one length.

    The batch keeps its rows, its number and the width that it is handed over in; its first row alone has more events.

    Rows stand longest first, as in repos that sort a batch by length before they pack it, so that rows are compared with themselves.
    """
    short, long = _batches(asked)
    if short is None or long is None:
        return None
    plain, answer = asked.score(*short)[1:], asked.score(*long)[1:]
    changed = asked.differ(plain, answer)
    if not changed.any():
        return None
    counts = f"{int(changed.sum())} of {len(changed)} users with shorter histories get other scores beside a longer one in the batch"
    rows = np.arange(1, len(changed) + 1)
    parting = asked.located(short, long, np.stack([rows, rows]))
    if not _newest_counts(asked, long):
        words = f"{counts}: their newest event then changes nothing, as the place that is read is padding"
        return said(NEWEST, False, "warning", words, parting.parts)
    words = why_padding_counts(parting, plain[changed], answer[changed])
    if parting.function in SELECTIONS and parting.taken:
        words = "a place is counted from the end of the batch, where shorter histories have padding"
    return said(PADDING, False, "warning", f"{counts}: {words}", parting.parts)


def _batches(asked: Asked) -> tuple[Batch | None, Batch | None]:
    """Short histories with one more of their own kind, and with the batch's longest in its place."""
    lengths = (asked.histories > 0).sum(axis=1)
    by_length = np.argsort(-lengths, kind="stable")
    fewest = by_length[-max(1, min(LOCATED, len(lengths)) - 1) :]
    shorter = fewest[lengths[fewest] < lengths[by_length[0]]]
    if not len(shorter):
        return None, None
    return _of(asked, [shorter[0], *shorter]), _of(asked, [by_length[0], *shorter])


def _of(asked: Asked, rows: list[int]) -> Batch:
    return asked.users[rows], asked.histories[rows]


def _newest_counts(asked: Asked, batch: Batch) -> bool:
    """Whether the newest event of a short history says anything beside a longer one."""
    users, histories = batch
    edited: Int64 = histories.copy()
    edited[1:, -1] = asked.other_items(histories[1:, -1])
    own = np.stack([histories[:, -1], edited[:, -1]], axis=1)
    return bool(asked.differ(asked.score(users, histories), asked.score(users, edited), own)[1:].any())
