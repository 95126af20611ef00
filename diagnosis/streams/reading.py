"""What one watched training put in, aimed at and drawn as negatives: read from the values of its streams alone."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from diagnosis.evidence import Evidence
from diagnosis.examination import Stream, Watched
from diagnosis.streams.decoding import (
    Numbering,
    Pairing,
    Reading,
    Sequence,
    as_stretches,
    block_numberings,
    covering,
    item_numberings,
    pairing,
    sequence,
)
from diagnosis.streams.drawn import OWN, Drawn, own_share
from diagnosis.streams.labels import by_label, label_views, labelled, turned_labels
from diagnosis.streams.lanes import in_lanes
from diagnosis.streams.left_out import is_clearer, left_out, without
from diagnosis.streams.locating import Located
from diagnosis.streams.log import Log
from diagnosis.streams.pieces import targets_and_rest
from diagnosis.streams.profiles import Profiles, profiles
from diagnosis.streams.recorded import D0, D1, STEP
from diagnosis.streams.relations import Relation, relate
from diagnosis.streams.row_users import RowUsers, row_users
from diagnosis.streams.shuffled import beside as beside_all
from diagnosis.streams.shuffled import users_of_all_events
from diagnosis.streams.telling import told_apart
from diagnosis.streams.time_major import turned
from diagnosis.streams.views import NOTHING, View, columns, distinct, slots, views
from diagnosis.streams.ways import read_together, way_to_loss
from seeds.interactions import Int64

MOSTLY = 0.99  # of the ids of a shared sample are items
FEWEST_STEPS = 10
FEW_ITEMS = 0.3  # of the ids of a view that holds none
ITEMS = 0.5  # of the ids that stand beside histories
MIN_EVENTS = 20


@dataclass(frozen=True, kw_only=True, eq=False)
class Read:
    """Everything that was understood of a watched training.

    inputs: the stretches of histories that the model reads; None if it reads none (pairs of users and items).
    positives: what it learns to rank high. negatives: items beside the same users that are not.
    unknown: item views that fit neither.
    strangers: user ids beside histories of others; None if there are none.
    profiles: rows as wide as the catalogue, where the model reads and answers those; positives are their targets.
    turned: the labels, where the own items of users are labelled as what to rank low.
    whole: epochs seen from end to end.
    left_out: bool (n_items + 1,), items whose events were taken out before, and which `log` is without; None where none were.
    """

    log: Log
    watched: Watched
    inputs: Sequence | None = None
    users: tuple[tuple[View, Numbering], ...] = ()
    positives: tuple[Drawn, ...] = ()
    negatives: tuple[Drawn, ...] = ()
    unknown: tuple[Drawn, ...] = ()
    strangers: RowUsers | None = None
    profiles: Profiles | None = None
    turned: View | None = None
    whole: int = 0
    left_out: NDArray[np.bool_] | None = None
    notes: tuple[str, ...] = field(default_factory=tuple)


def read(evidence: Evidence) -> Read | None:
    """What the watched training of this trial did; None if it was not watched or the log is too small to tell."""
    seen = evidence.watched
    if seen is None or not seen.streams or evidence.training.n_events < MIN_EVENTS:
        return None
    return _read(evidence, seen)


@lru_cache(maxsize=2)
def _read(evidence: Evidence, seen: Watched) -> Read:
    trace = seen.trace or evidence.artifacts.trace
    return read_streams(Log(evidence.training), seen, way_to_loss(trace), read_together(trace))


def read_streams(
    log: Log,
    seen: Watched,
    way: Callable[[Stream], int] = lambda stream: 0,
    together: Callable[[Stream, Stream], bool] = lambda one, other: False,
) -> Read:
    """Tell inputs, users, positives and negatives apart by their values.

    way: how many calls lie between a look-up and the loss. together: whether two look-ups are parts of what is read.
    """
    first = _told(log, seen, way, together)
    met = [each.items for each in first.positives] + (
        [first.inputs.items] if first.inputs is not None else []
    )
    gone = left_out(log, met) if first.positives else None
    if gone is None:
        return first
    again = _told(without(log, gone), seen, way, together)
    return replace(again, left_out=gone) if is_clearer(first.positives, again.positives) else first


def _told(
    log: Log,
    seen: Watched,
    way: Callable[[Stream], int],
    together: Callable[[Stream, Stream], bool],
) -> Read:
    found = distinct([view for stream in seen.streams for view in _candidates(log, stream)])
    inputs = _inputs(log, found, way)
    if inputs is None:
        inputs, found = _time_major(log, found)
    beside = row_users(log, inputs, found) if inputs is not None else None
    if beside is not None and not beside.right:
        found = [view for view in found if not _is_users(view, beside.view)]
    paired, users = _beside_users(log, found, inputs, seen.epochs)
    if not users and beside is not None and beside.right:
        users = [(beside.view, beside.numbering)]
    found = [view for view in found if not any(_is_users(view, known) for known, _ in users)]
    labels = label_views(seen.streams)
    paired = labelled(log, paired, labels)
    if inputs is None:
        inputs = _previous_item(log, paired)
    if inputs is None and not users:
        inputs, found = in_lanes(log, found, way)
    drawn = _beside_sequence(log, inputs, found, labels) if inputs else []
    drawn = _with_users(drawn, paired)
    if inputs is not None:
        drawn = [each for each in drawn if each.view.stream is not inputs.view.stream or each.relation]
        drawn = [each for each in drawn if not _is_read_too(each, inputs, together)]
    positives, negatives, unknown = told_apart(log, drawn, inputs, seen.epochs)
    rows = profiles(log, seen.streams) if inputs is None and not positives else None
    if rows is not None and rows.drawn is not None:
        positives = [rows.drawn]
    return Read(
        log=log,
        watched=seen,
        inputs=inputs,
        users=tuple(users),
        positives=tuple(positives),
        negatives=tuple(negatives),
        unknown=tuple(unknown),
        profiles=rows,
        turned=turned_labels((*positives, *negatives), labels),
        strangers=beside if beside is not None and not beside.right else None,
        whole=0 if any(each.view.stream.cut for each in positives) else seen.epochs,
    )


def _is_read_too(each: Drawn, inputs: Sequence, together: Callable[[Stream, Stream], bool]) -> bool:
    """Whether a view is the newest event of each row once more, looked up by itself and put in with the rest; a candidate that a label
    judges is put in as well, and aimed at.
    """
    if each.labelled:
        return False
    newest = each.relation is not None and each.relation.aligned.newest and each.relation.by == 0
    return newest and each.view.stream.kind == "index" and together(each.view.stream, inputs.view.stream)


def aims_right(seen: Read) -> bool:
    """Whether positives are the events that they should be: the next ones, hidden ones, or the user's own."""
    by = [each.relation.by for each in seen.positives if each.relation is not None]
    if any(each.shuffled for each in seen.positives):
        return False
    return not by or any(one == 1 for one in by) or (0 in by and not seen_equal_to_input(seen))


def seen_equal_to_input(seen: Read) -> bool:
    """Whether most targets are the very item that the model sees at their position."""
    return any(
        each.relation is not None and each.relation.by == 0 and each.relation.shown() >= 0.5
        for each in seen.positives
    )


def _candidates(log: Log, stream: Stream) -> list[View]:
    """Views of a stream that may hold items or users: what is indexed must be about as large as their number."""
    if stream.kind not in ("index", "target") or not len(stream.calls) or not stream.grad:
        return []
    if stream.rows and stream.rows < min(log.n_items, log.n_users) - 2:
        return []
    found = list(views(stream))
    joint = stream.rows >= log.n_users + log.n_items - 1
    return [part for view in found for part in (columns(view) if joint and 2 <= view.width <= 4 else [view])]


def _inputs(log: Log, found: list[View], way: Callable[[Stream], int]) -> Sequence | None:
    """The rows that the model reads: stretches of histories that are looked up, and never a loss's classes.

    Positives are stretches as well. What is read has the longest way to the loss; where that is not known, it is
    looked up first.
    """
    rows: list[tuple[View, Reading]] = []
    for view in found:
        if view.stream.kind == "index" and view.width >= 2:
            reading = as_stretches(log, view)
            if reading is not None:
                rows.append((view, reading))
    if not rows:
        return None
    rows.sort(key=lambda pair: (-way(pair[0].stream), pair[0].stream.id, pair[0].ordinal))
    view, reading = rows[0]
    return sequence(log, view, reading)


def _time_major(log: Log, found: list[View]) -> tuple[Sequence | None, list[View]]:
    """The same where time is the first axis; views of that shape are turned with it."""
    for view in found:
        other = turned(view) if view.stream.kind == "index" else None
        reading = as_stretches(log, other) if other is not None else None
        if other is None or reading is None:
            continue
        inputs = sequence(log, other, reading, time_major=True)
        shape = view.calls[:, [STEP, D0, D1]]
        alike = [np.array_equal(each.calls[:, [STEP, D0, D1]], shape) for each in found]
        rest = [(turned(each) or each) if same else each for each, same in zip(found, alike, strict=True)]
        return inputs, [other if each is view else new for each, new in zip(found, rest, strict=True)]
    return None, found


def _beside_sequence(log: Log, inputs: Sequence, found: list[View], labels: list[View]) -> list[Drawn]:
    """Every other item view, beside the events that were put in."""
    drawn = []
    width = inputs.view.width
    others = [each for each in found if each is not inputs.view]
    for view in (part for each in others for part in (slots(each, width) if width > 1 else []) or [each]):
        relation = relate(log, inputs, view)
        if relation is None or relation.by is None:
            both = targets_and_rest(log, inputs, view)
            if both is not None:
                relation = both[0]
                drawn.append(_for_all(log, both[0].numbering, both[1]))
        if relation is None:
            shared = _shared_by_rows(log, inputs, view)
            drawn += [shared] if shared is not None else []
            continue
        whole = _related(log, relation)
        if relation.by is None and not _are_items(whole):
            continue
        parts = by_label(log, whole, labels) if relation.by is None and relation.aligned.newest else [whole]
        drawn += [_related_anew(log, inputs, part) for part in parts]
    return drawn


def _are_items(each: Drawn) -> bool:
    """Whether most ids are items. Those of something larger, as of rows of a table of examples, are so only where they are small."""
    told = each.view.ids != NOTHING
    padding = (each.items == 0) & (each.view.ids == 0)
    return bool((each.items > 0)[told].sum() >= ITEMS * max(1, (told & ~padding).sum()))


def _related(log: Log, relation: Relation) -> Drawn:
    aligned = relation.aligned
    own, chance = own_share(log, aligned.users, relation.items)
    return Drawn(
        view=aligned.view,
        numbering=relation.numbering,
        items=relation.items,
        users=aligned.users,
        own=own,
        chance=chance,
        relation=relation,
        events=relation.events,
    )


def _related_anew(log: Log, inputs: Sequence, each: Drawn) -> Drawn:
    """What is labelled as right may lie where all of a view does not."""
    if not each.labelled:
        return each
    ids = np.where(each.items > 0, each.view.ids, NOTHING).astype(np.int32)
    relation = relate(log, inputs, replace(each.view, ids=ids))
    if relation is None or relation.by is None:
        return each
    return replace(_related(log, relation), view=each.view, labelled=True)


def _shared_by_rows(log: Log, inputs: Sequence, view: View) -> Drawn | None:
    """Items that every step looks up in one row, as many each time and not as many as it has rows: a sample that all rows share."""
    sizes, rows = view.calls[:, D0], inputs.view.calls[:, D0]
    steps = np.array_equal(view.calls[:, STEP], inputs.view.calls[:, STEP])
    alike = view.stream.rows == inputs.view.stream.rows and view.stream.kind == "index"
    if not (steps and alike) or view.width != 1 or np.ptp(sizes) > 0 or (sizes == rows).mean() > 0.5:
        return None
    shared = _for_all(log, inputs.numbering, view)
    return shared if len(sizes) >= FEWEST_STEPS and (shared.items > 0).mean() >= MOSTLY else None


def _for_all(log: Log, numbering: Numbering, view: View) -> Drawn:
    """Items that serve all rows of a call, beside nobody."""
    items = numbering.decode(view.ids, log.n_items)
    nobody = np.zeros(len(items), dtype=np.int64)
    nowhere = np.full(items.shape, -1, dtype=np.int64)
    return Drawn(
        view=view,
        numbering=numbering,
        items=items,
        users=nobody,
        own=0.0,
        chance=0.0,
        relation=None,
        events=nowhere,
    )


def _beside_users(
    log: Log, found: list[View], inputs: Sequence | None, epochs: int
) -> tuple[list[Drawn], list[tuple[View, Numbering]]]:
    """Item views beside views of users with as many rows."""
    items = [view for view in found if inputs is None or view is not inputs.view]
    together = [
        (user_view, view)
        for user_view in items
        if user_view.width == 1 and user_view.stream.kind == "index"
        for view in items
        if view is not user_view and user_view.same_rows(view)
    ]
    best = _best_pairing(log, together, pairing) or _best_pairing(log, together, covering)
    if not best and inputs is None:
        known = users_of_all_events(log, items, epochs)
        return (list(beside_all(log, *known, items)), [known]) if known else ([], [])
    if not best:
        return [], []
    user_view, reading = best
    drawn = []
    for view in items:
        if view is user_view or not user_view.same_rows(view) or _is_users(view, user_view):
            continue
        drawn.append(_paired(log, user_view, reading, view))
    return [each for each in drawn if each is not None], [(user_view, reading.users)]


def _previous_item(log: Log, paired: list[Drawn]) -> Sequence | None:
    """Where the model reads one item beside a user (the last one, as FPMC does): a sequence of length one."""
    own = [each for each in paired if each.own >= OWN and each.view.width == 1]
    for first in (each for each in own if each.labelled is None):
        for other in (each for each in own if each.labelled is not False):
            if other is first or (not other.labelled and (first.items == other.items).all()):
                continue
            inputs = _of_one(first)
            ids = np.where(other.items > 0, other.view.ids, NOTHING).astype(np.int32)
            relation = relate(log, inputs, replace(other.view, ids=ids) if other.labelled else other.view)
            if relation is not None and (relation.by == 1 or (other.labelled and relation.by is not None)):
                return inputs
    return None


def _of_one(first: Drawn) -> Sequence:
    start = np.maximum(first.events[:, 0], 0)
    found = first.events[:, 0] >= 0
    located = Located(start=start, found=found, user=first.users, unsure=~found, reversed=False)
    return Sequence(
        view=first.view, numbering=first.numbering, items=first.items, located=located, places=first.events
    )


def _best_pairing(
    log: Log,
    together: list[tuple[View, View]],
    judge: Callable[[Log, View, View], Pairing | None],
) -> tuple[View, Pairing] | None:
    """The users' view whose pairs are events most often; None if no pairs are."""
    best: tuple[View, Pairing] | None = None
    for user_view, view in together:
        reading = judge(log, user_view, view)
        if reading is not None and (best is None or reading.share > best[1].share):
            best = (user_view, reading)
    return best


def _is_users(view: View, user_view: View) -> bool:
    """Whether a view holds the same users: looked up in a second table, or once more for each negative of theirs."""
    alike = len(view.ids) == len(user_view.ids) and user_view.width in (1, view.width)
    return alike and bool((view.ids == user_view.ids).all())


def _paired(log: Log, user_view: View, reading: Pairing, view: View) -> Drawn | None:
    users = reading.users.decode(user_view.ids[:, 0], log.n_users)
    first = (
        reading.items if view.stream.rows == reading.rows else next(item_numberings(log, view.stream.rows))
    )
    numbering, items = first, first.decode(view.ids, log.n_items)
    own = own_share(log, users, items)[0]
    for other in item_numberings(log, view.stream.rows) if own < 0.5 else ():
        read_as = other.decode(view.ids, log.n_items)
        if own_share(log, users, read_as)[0] > 0.8:  # items that nobody chose are read like the others
            numbering, items = other, read_as
            break
    if (items > 0).mean() < FEW_ITEMS:
        numbering = _of_block(log, users, view) or numbering
        items = numbering.decode(view.ids, log.n_items)
    if (items > 0).mean() < FEW_ITEMS:
        return None
    own, chance = own_share(log, users, items)
    events = log.event(np.broadcast_to(users[:, None], items.shape), items)
    return Drawn(
        view=view,
        numbering=numbering,
        items=items,
        users=users,
        own=own,
        chance=chance,
        relation=None,
        events=events,
    )


def _of_block(log: Log, users: Int64, view: View) -> Numbering | None:
    """The numbering of a second field of items in one table for several fields, whose rows begin with its lowest id."""
    best = max(block_numberings(log, view), key=lambda one: _own_as(log, users, view, one), default=None)
    return best if best is not None and _own_as(log, users, view, best) > 0 else None


def _own_as(log: Log, users: Int64, view: View, numbering: Numbering) -> float:
    return own_share(log, users, numbering.decode(view.ids, log.n_items))[0]


def _with_users(drawn: list[Drawn], paired: list[Drawn]) -> list[Drawn]:
    """What lies beside the sequence, and views that only users tell."""
    known = {id(each.view.stream) for each in drawn}
    return [*drawn, *(each for each in paired if id(each.view.stream) not in known)]
