"""The edges of a graph as pairs of users and items: in which block each lies, which way, and which are missing."""

from dataclasses import dataclass, replace

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
    shared: how many of them two calls have in common where each shows another part of the graph, else 0; `events` is an
    estimate then.
    """

    users: int
    items: int
    found: NDArray[np.bool_]
    events: int
    shared: int = 0

    @property
    def thinned(self) -> bool:
        """Whether each call shows another part of the graph."""
        return self.shared > 0

    @property
    def error(self) -> float:
        """Standard error of `events`, relative to it."""
        return self.shared**-0.5 if self.shared else 0.0


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
    ends = _ends(stream, 0)
    if ends is None:
        return None
    size = ends.shape[1]
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
        forward=_over_calls(log, stream, forward),
        backward=_over_calls(log, stream, backward, turned=True),
        loops=int((loops & ~np.asarray(known)).sum()),
        values=None if values is None else values[:size],
    )


def _ends(stream: Stream, call: int) -> Int64 | None:
    """The edges of one call: (2, E); None where they were not kept, or are too few to be read."""
    row = stream.calls[call]
    size = int(row[D1]) if row[D1] > 0 else len(stream.ids) // 2
    flat = stream.ids[int(row[OFFSET]) : int(row[OFFSET]) + 2 * size].astype(np.int64)
    return None if size < 20 or len(flat) < 2 * size else flat.reshape(2, size)


def _over_calls(log: Log, stream: Stream, read: Direction | None, turned: bool = False) -> Direction | None:
    """The reading, with how many different events the whole graph has where each call shows another random part of it: two
    parts have the fewer in common the larger the whole is.
    """
    if read is None or len(stream.calls) < 2:
        return read
    one, other = (_events(log, _ends(stream, call), read, turned) for call in (0, 1))
    both = len(np.intersect1d(one, other))
    if both in (0, len(one), len(other)):
        return read
    return replace(read, events=len(one) * len(other) // both, shared=both)


def _events(log: Log, ends: Int64 | None, read: Direction, turned: bool) -> Int64:
    """The different training events among edges, as keys."""
    if ends is None:
        return np.zeros(0, dtype=np.int64)
    user, item = (ends[::-1] if turned else ends) - np.array([[read.users], [read.items]])
    met = log.met(user, item)
    return np.unique(log.key(user[met], item[met]))


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
