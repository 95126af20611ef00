"""Ranks all questions with a reference ranker, in batches."""

import numpy as np

from seeds.interactions import Int64, Questions
from seeds.metrics import TopItems, seen_mask, top_lists
from seeds.references.rankers import Ranker

BATCH_SCORES = 4_000_000  # scores in memory at a time, 16 MB


def rank(
    ranker: Ranker, questions: Questions, n_items: int, *, k: int = 100, max_history: int = 200, seed: int = 0
) -> TopItems:
    """The k best unseen items of every question. All items of a history are seen, even beyond `max_history`."""
    batch = max(1, BATCH_SCORES // (n_items + 1))
    parts: list[TopItems] = []
    for start in range(0, len(questions), batch):
        rows = np.arange(start, min(start + batch, len(questions)))
        scores = ranker.score(questions.users[rows], padded_histories(questions, rows, max_history))
        seen = seen_mask(questions.items, questions.offsets[start : rows[-1] + 2], n_items)
        parts.append(top_lists(scores, seen, k, seed=seed + start))
    return TopItems(
        items=np.concatenate([part.items for part in parts]),
        scores=np.concatenate([part.scores for part in parts]),
        ties=np.concatenate([part.ties for part in parts]),
    )


def padded_histories(questions: Questions, rows: Int64, max_history: int) -> Int64:
    """Histories as the contract has them: int64 (B, L), left-padded with 0, the newest `max_history` events kept."""
    ends = questions.offsets[rows + 1]
    lengths = np.minimum(ends - questions.offsets[rows], max_history)
    width = int(lengths.max(initial=1))
    places = ends[:, None] - np.arange(width, 0, -1)  # (B, L)
    present = np.arange(width, 0, -1) <= lengths[:, None]
    return np.where(present, questions.items[np.where(present, places, 0)], 0)
