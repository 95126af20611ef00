"""Lists for users of today, from the frozen model of a finished trial in a fresh worker."""

from collections.abc import Iterator

import numpy as np

from diagnosis.evidence import TopLists
from evolution.domain.trial import Trial
from evolution.trials.data import LIST_LENGTH, chosen
from evolution.trials.frozen import as_measured
from evolution.trials.request import Supervision, TrialRequest
from evolution.trials.session import WorkerSession
from seeds.interactions import Questions
from seeds.metrics import top_lists

ROWS_BYTES = 256 << 20  # of dense scores that are asked for at one time


def recommend(
    request: TrialRequest, trial: Trial, supervision: Supervision, asked: Questions, *, with_seen: bool
) -> TopLists:
    """The best LIST_LENGTH items of each question, (Q, LIST_LENGTH), best first.

    with_seen: items of the history may be in the list. The worker gets the histories only after its model is frozen, and
    nothing that it learns from them outlives it. Raises TrialFailed, UsageError: the interpreter cannot be run.
    """
    with as_measured(request, trial, supervision) as session:
        supervision.on_stage(f"ranking for {len(asked):,} users")
        if not with_seen:
            return session.rank_these("asked", asked)
        n_items = request.data.training.n_items
        parts = list(_lists_with_seen(session, asked, n_items, trial.key.seed))
    return TopLists(
        items=np.concatenate([part.items for part in parts]),
        scores=np.concatenate([part.scores for part in parts]),
        ties=np.concatenate([part.ties for part in parts]),
    )


def _lists_with_seen(session: WorkerSession, asked: Questions, n_items: int, seed: int) -> Iterator[TopLists]:
    """A worker's own lists leave out what was seen, so these are made here from its scores, some users at a time."""
    at_once = max(1, ROWS_BYTES // (4 * (n_items + 1)))
    for begin in range(0, len(asked), at_once):
        rows = np.arange(begin, min(begin + at_once, len(asked)), dtype=np.int32)
        dense = session.dense_of_these(f"asked-{begin}", chosen(asked, rows))  # (rows, n_items + 1)
        lists = top_lists(dense, np.zeros(dense.shape, bool), LIST_LENGTH, seed=seed)
        yield TopLists(items=lists.items, scores=lists.scores, ties=lists.ties)
