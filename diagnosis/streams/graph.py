"""The edges of a graph as pairs of users and items: in which block each lies, which way, and which are missing."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diagnosis.examination import Stream
from diagnosis.streams.log import Log
from diagnosis.streams.recorded import D1, OFFSET
from seeds.interactions import Int64

READ = 0.3  # of the edges must be training events for a reading to count
DIRECTION = 0.02  # of the edges, from where on a direction is there


@dataclass(frozen=True, kw_only=True, eq=False)
class Direction:
    """Edges from users to items (or back): user u is node u + users, item i is node i + items.

    found: bool (E,), which edges are training events under this reading. events: how many different ones.
    """

    users: int
    items: int
    found: NDArray[np.bool_]
    events: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Graph:
    """The edges of one stream, read.

    ends: int64 (2, E). forward: from users (first row) to items; backward: from items to users; None if there are none.
    loops: edges from a node to itself. values: float32 (E,) or None.
    """

    stream: Stream
    ends: Int64
    forward: Direction | None
    backward: Direction | None
    loops: int
    values: NDArray[np.float32] | None

    @property
    def one(self) -> Direction | None:
        """The direction that has the most edges."""
        both = [each for each in (self.forward, self.backward) if each is not None]
        return max(both, key=lambda each: each.events) if both else None


def graph(log: Log, stream: Stream) -> Graph | None:
    """The edges of the first call of a stream; None if few are training events however they are read."""
    if not len(stream.calls) or stream.kind != "edges":
        return None
    first = stream.calls[0]
    size = int(first[D1]) if first[D1] > 0 else len(stream.ids) // 2
    flat = stream.ids[int(first[OFFSET]) : int(first[OFFSET]) + 2 * size].astype(np.int64)
    if size < 20 or len(flat) < 2 * size:
        return None
    ends = flat.reshape(2, size)
    loops = ends[0] == ends[1]
    forward = _direction(log, stream, ends[0], ends[1], np.zeros(size, dtype=bool))
    taken = forward.found if forward else np.zeros(size, dtype=bool)
    backward = _direction(log, stream, ends[1], ends[0], taken, forward)
    if forward is None and backward is None:
        return None
    known = (forward.found if forward else False) | (backward.found if backward else np.zeros(size, bool))
    values = stream.values if stream.values is not None and len(stream.values) >= size else None
    return Graph(
        stream=stream,
        ends=ends,
        forward=forward,
        backward=backward,
        loops=int((loops & ~np.asarray(known)).sum()),
        values=None if values is None else values[:size],
    )


def _direction(
    log: Log,
    stream: Stream,
    users: Int64,
    items: Int64,
    taken: NDArray[np.bool_],
    other: Direction | None = None,
) -> Direction | None:
    """The reading under which most edges that are not taken are training events."""
    best: tuple[int, int, int, NDArray[np.bool_]] | None = None
    offsets = [(other.users, other.items)] if other else []
    for user_offset, item_offset in (*offsets, *_offsets(log)):
        user, item = users - user_offset, items - item_offset
        found = log.met(user, item) & ~taken
        n = int(found.sum())
        if best is None or n > best[0] * 1.1:
            best = (n, user_offset, item_offset, found)
        if n > 0.45 * len(users):
            break
    if best is None or best[0] < max(READ * (~taken).sum(), DIRECTION * len(users)):
        return None
    n, user_offset, item_offset, found = best
    events = len(np.unique(log.key(users[found] - user_offset, items[found] - item_offset)))
    return Direction(users=user_offset, items=item_offset, found=found, events=events)


def _offsets(log: Log) -> list[tuple[int, int]]:
    """Users first and items behind them, items first and users behind them, both from the start; ids from 0 or 1."""
    behind_users = [(u, log.n_users + i) for u in (0, -1) for i in (0, 1, -1)]
    apart = [(u, i) for u in (0, -1, 1) for i in (0, -1, 1)]
    behind_items = [(log.n_items + u, i) for i in (0, -1) for u in (0, 1, -1)]
    return [*behind_users, *behind_items, *apart]
