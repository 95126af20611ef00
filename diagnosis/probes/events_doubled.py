"""Does each event stand once in the histories that training reads? A join or a list of levels may have doubled it."""

import numpy as np
from numpy.typing import NDArray

from diagnosis.evidence import Evidence
from diagnosis.findings import FindingKind, FoundBy, Measurement, Role
from diagnosis.probes.measured import measured
from diagnosis.probes.probe import Probe
from diagnosis.streams.decoding import item_numberings
from diagnosis.streams.locating import locate, locate_reversed
from diagnosis.streams.log import Log
from diagnosis.streams.reading import Read, read
from diagnosis.streams.recorded import chosen
from diagnosis.streams.views import View, views
from diagnosis.symptoms import WEAK
from seeds.amounts import percent
from seeds.interactions import Int64

UNIT = "share of neighbours"
KIND = FindingKind(
    code="events-doubled",
    found_by=FoundBy.PROBE,
    title="Events stand several times in a history",
    why="The event before the target is often the target itself, so that a model learns to repeat; short histories hold half as many events.",
    definition="Of neighbours in the rows of items that training looks up, the share that are one item, where each row is a user's history as soon "
    "as such copies are left out, and the log has few of them.",
    roles=(Role.LOADER,),
    explains=(*WEAK, "order-ignored"),
    unit=UNIT,
    reference="as in the log",
)
MOST_ROWS = 400
LEAST_ROWS = 30
LEAST_EVENTS = 3  # of a row without copies
DOUBLED = 0.3  # a pair of copies and another event alternate: half of all neighbours are one item
IN_LOG = 0.1  # so many repeats of the log's own would not be told from copies
LEAST_ALIKE = 3  # copies of a positive, one for each of its negatives
LOCATED = 0.8  # of the rows


def events_doubled(evidence: Evidence) -> list[Measurement]:
    """Copies in the rows that the watched training looked up."""
    seen = read(evidence)
    return [] if seen is None else judged(seen)


def judged(seen: Read) -> list[Measurement]:
    """The same for a training that was read."""
    own = _repeated_in_log(seen.log)
    if seen.inputs is not None or own > IN_LOG:
        return []
    for view in (each for stream in seen.watched.streams for each in views(stream)):
        if view.stream.kind != "index" or not view.stream.grad or view.width < LEAST_EVENTS:
            continue
        share = _copies(seen.log, view)
        if share:
            return [
                measured(
                    KIND.code,
                    share,
                    f"{percent(share)} of neighbours in the histories are one item twice, in the log {percent(own)}",
                    unit=UNIT,
                    healthy=False,
                    reference=own,
                    reference_name="the log",
                    places=chosen(view.stream),
                )
            ]
    return []


def _repeated_in_log(log: Log) -> float:
    same_user = log.users[1:] == log.users[:-1]
    return float((same_user & (log.items[1:] == log.items[:-1])).sum() / max(same_user.sum(), 1))


def _copies(log: Log, view: View) -> float:
    """The share of neighbours in the rows of a view that are one item; 0 where the rows are no histories with copies."""
    chosen_rows = np.linspace(0, len(view.ids) - 1, min(MOST_ROWS, len(view.ids))).astype(np.int64)
    for numbering in item_numberings(log, view.stream.rows) if len(view.ids) else ():
        rows = numbering.decode(view.ids[chosen_rows], log.n_items)
        share, alike = _inner_copies(rows)
        once = _without_copies(rows)
        told = once[(once > 0).sum(axis=1) >= LEAST_EVENTS]
        if not DOUBLED < share < 1 or alike or len(told) < LEAST_ROWS:
            continue
        if max(where(log, told).found.mean() for where in (locate, locate_reversed)) >= LOCATED:
            return share
    return 0.0


def _inner_copies(rows: NDArray[np.integer]) -> tuple[float, bool]:
    """The share of neighbours that are one item, without the first and the last run of each row, which may be padding by a copy; and
    whether all runs between them are of one length of three or more, as positives are that stand beside as many negatives.
    """
    same, pairs, lengths = 0, 0, set[int]()
    for row in rows:
        own = row[row > 0]
        ends = np.flatnonzero(np.append(own[1:] != own[:-1], True)) if len(own) else np.zeros(0, np.int64)
        runs = np.diff(ends, prepend=-1)[1:-1]
        same += int((runs - 1).sum())
        pairs += int(runs.sum())
        lengths |= set(runs.tolist())
    return same / max(pairs, 1), len(lengths) == 1 and min(lengths) >= LEAST_ALIKE


def _without_copies(rows: NDArray[np.integer]) -> Int64:
    """Rows whose items differ from those on their left, moved to the right end."""
    kept = rows > 0
    kept[:, 1:] &= rows[:, 1:] != rows[:, :-1]
    found = np.zeros(rows.shape, np.int64)
    place = rows.shape[1] - kept.sum(axis=1)[:, None] + np.cumsum(kept, axis=1) - 1
    at, column = np.nonzero(kept)
    found[at, place[at, column]] = rows[at, column]
    return found


PROBE = Probe(kinds=(KIND,), run=events_doubled)
