"""Contract check of item_embeddings(): does the table have to do with the scores that it is said to be used for?

A model need not score by dot products, so no threshold can say how well a table must explain scores. The reference is
the same table with its rows exchanged: a table that explains the scores no better than that is not of these items.
"""

import numpy as np
from numpy.typing import NDArray

from evolution.domain.trial import ContractCheck
from evolution.trials.asked import said
from evolution.trials.session import WorkerSession
from seeds.interactions import Float32

CODE = "embeddings-as-scored"
ITEMS = 2000  # that are looked at, at most
USERS = 32
EXCHANGED = 99  # tables with exchanged rows: by chance alone, one in a hundred is better than all of them


def checked_embeddings(session: WorkerSession, dense: Float32) -> tuple[Float32 | None, ContractCheck | None]:
    """The item embeddings and what the check says of them; None, None where the repo offers none.

    dense: scores (S, n_items + 1) of a sample of users by the same state of the model.
    """
    table = session.embeddings()
    again = session.embeddings()
    if table is None and again is None:
        return None, None
    problem = _problem_with(table, again)
    if problem or table is None:
        return None, said(CODE, False, "information", f"{problem}; nothing is measured on it")
    explained = explains(table, dense, seed=0)
    return table, said(CODE, explained, "information", _WORDS[explained])


def _problem_with(table: Float32 | None, again: Float32 | None) -> str:
    if table is None or again is None or table.shape != again.shape:
        return "item_embeddings() gives a table of another size each time"
    if not np.isfinite(table).all():
        return "item_embeddings() holds values that are not finite"
    if not np.allclose(table, again, rtol=1e-4, atol=1e-5 * float(np.abs(table).max(initial=0.0))):
        return "item_embeddings() gives another table each time it is asked: something random is in it"
    return ""


_WORDS = {
    True: "the scores have to do with the item embeddings",
    None: "whether the scores have to do with the item embeddings cannot be told: there are too few items, or all are equal",
    False: "the scores have no more to do with item_embeddings() than with the same table in another order, so nothing is "
    "measured on it; return the table that score() uses, row i for item i",
}


def explains(table: Float32, dense: Float32, seed: int) -> bool | None:
    """table: (n_items + 1, d). dense: scores (S, n_items + 1). None where it cannot be told: there are too few
    items, or all are equal.

    For each of a few users the ranks of the items are fitted by a linear function of the embeddings, which has an exact
    solution. What counts is the mean share of the variance that the fit explains.
    """
    rng = np.random.default_rng(seed)
    items = np.sort(rng.permutation(len(table) - 1)[:ITEMS]) + 1
    users = rng.permutation(len(dense))[:USERS]
    ranks = _ranks(dense[np.ix_(users, items)])  # (U, n)
    basis = _basis(table[items])  # (n, r)
    if not len(ranks) or not basis.shape[1] or len(items) < 2 * basis.shape[1] + 2:
        return None
    own = _explained(basis, ranks)
    others = [_explained(basis, ranks[:, rng.permutation(len(items))]) for _ in range(EXCHANGED)]
    return own > max(others)


def _ranks(scores: Float32) -> NDArray[np.float64]:
    """Centred ranks of length 1, without users to whom all items are equal. Tied items have one rank."""
    rows = []
    for row in scores:
        _, place, counts = np.unique(row, return_inverse=True, return_counts=True)
        rank = (np.cumsum(counts) - counts / 2)[place.ravel()]
        centred = rank - rank.mean()
        if len(counts) > 1:
            rows.append(centred / np.linalg.norm(centred))
    return np.array(rows, dtype=np.float64).reshape(len(rows), scores.shape[1])


def _basis(table: Float32) -> NDArray[np.float64]:
    """An orthonormal basis of the columns, centred: (n, r)."""
    centred = table.astype(np.float64) - table.mean(axis=0, dtype=np.float64)
    left, values, _ = np.linalg.svd(centred, full_matrices=False)
    return left[:, values > values.max(initial=0.0) * 1e-6]


def _explained(basis: NDArray[np.float64], ranks: NDArray[np.float64]) -> float:
    """Mean share of the variance of `ranks` (U, n) in the span of `basis` (n, r)."""
    return float(((ranks @ basis) ** 2).sum(axis=1).mean())
