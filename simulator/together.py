"""Which items the same users have, whatever the order: the evidence of taste that no category names."""

from dataclasses import dataclass

import numpy as np

from seeds.interactions import Float32, Int64, Interactions
from simulator.transitions import Float64

NEWEST = 100  # events of a user that are counted, so that the busiest users do not decide
DENSE_ITEMS = (
    8_000  # up to which a table of all pairs is kept, 256 MB; it is read ten times faster than sorted pairs
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Together:
    """How many users have both of two items; a user counts once.

    users: float64 (n_items + 1,), how many have an item; 0 for padding
    n_users: of the log
    table: float32 (n_items + 1, n_items + 1), empty where there are too many items for one
    keys, counts: int64 (P,), sorted, `one * (n_items + 1) + other`, and float32 (P,); empty where there is a table
    """

    users: Float64
    n_users: int
    table: Float32
    keys: Int64
    counts: Float32

    def count(self, one: Int64, other: Int64) -> Float32:
        """How many users have both, 0 for padding. The two arrays broadcast."""
        if self.table.size:
            return self.table[one, other]
        wanted = one * len(self.users) + other
        if not len(self.keys):
            return np.zeros(wanted.shape, dtype=np.float32)
        place = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        return np.where(self.keys[place] == wanted, self.counts[place], np.float32(0))


def count_together(training: Interactions, *, dense_items: int = DENSE_ITEMS) -> Together:
    """Count the pairs in each user's NEWEST events. dense_items: up to how many items a table is made."""
    from scipy.sparse import csr_array

    size = training.n_items + 1
    kept = np.arange(training.n_events) >= training.offsets[training.users + 1] - NEWEST
    users, items = training.users[kept], training.items[kept]
    ones = np.ones(len(users), dtype=np.float32)
    had = csr_array((ones, (users, items)), shape=(training.n_users + 1, size))
    had.data[:] = 1.0  # duplicates are summed on construction
    pairs = had.T @ had
    nothing = np.zeros((0, 0), dtype=np.float32)
    table, keys, counts = nothing, np.zeros(0, dtype=np.int64), nothing[:, 0:0].reshape(-1)
    if training.n_items <= dense_items:
        table = np.asarray(pairs.toarray(), dtype=np.float32)
    else:
        listed = pairs.tocoo()
        keys = listed.row.astype(np.int64) * size + listed.col
        order = np.argsort(keys, kind="stable")
        keys, counts = keys[order], np.asarray(listed.data[order], dtype=np.float32)
    return Together(
        users=np.bincount(had.indices, minlength=size).astype(np.float64),
        n_users=training.n_users,
        table=table,
        keys=keys,
        counts=counts,
    )
