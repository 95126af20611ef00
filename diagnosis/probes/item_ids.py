"""Whether ids mean one thing everywhere: no shift between look-ups and classes, padding no item, no shared rows."""

import numpy as np

from diagnosis.evidence import Evidence
from diagnosis.findings import FindingKind, FoundBy, Measurement, Role, Severity
from diagnosis.probes.measured import measured
from diagnosis.probes.outcome import unjudged
from diagnosis.probes.probe import Probe
from diagnosis.streams.decoding import Sequence
from diagnosis.streams.drawn import Drawn
from diagnosis.streams.losses import Loss, loss_of
from diagnosis.streams.reading import Read, read
from diagnosis.streams.recorded import made
from diagnosis.streams.views import NOTHING
from seeds.amounts import percent

_WEAK = (
    "weaker-than-popularity",
    "weaker-than-markov",
    "weaker-than-ease",
    "ranking-margin",
    "untrained-rows",
)
SHIFTED = FindingKind(
    code="ids-shifted",
    found_by=FoundBy.PROBE,
    title="Ids are off by one",
    why="What is learned for one item is scored for its neighbour.",
    definition="Difference between the id that an item has as a class or positive, and its row in the table; and to what a table of n + 1 rows expects.",
    roles=(Role.LOADER, Role.LOSS),
    explains=_WEAK,
)
PADDING_ITEM = FindingKind(
    code="padding-is-an-item",
    found_by=FoundBy.PROBE,
    title="Padding has the id of an item",
    why="The model reads an item wherever a history is short, and that item's row learns what padding needs.",
    definition="Share of padded entries of the input whose id is an item's in other places.",
    roles=(Role.LOADER, Role.ITEM_TABLE),
    explains=(*_WEAK, "id-round-trip"),
)
PADDING_TARGET = FindingKind(
    code="padding-is-a-target",
    found_by=FoundBy.PROBE,
    title="Padding is a target",
    why="The model learns to predict padding, most of all where histories are short.",
    definition="Share of the classes of a loss that are padding and that the loss does not ignore.",
    roles=(Role.LOSS,),
    explains=(*_WEAK, "same-list"),
)
SHARED = FindingKind(
    code="items-share-a-row",
    found_by=FoundBy.PROBE,
    title="Items share a row",
    why="What shares a row cannot be told apart, and is recommended for what the other one is.",
    definition="Share of items that the model reads under an id that other items have too.",
    roles=(Role.LOADER, Role.ITEM_TABLE),
    explains=_WEAK,
)
USERS = FindingKind(
    code="users-share-rows",
    found_by=FoundBy.PROBE,
    title="Users and items share rows",
    why="A row that stands for a user and for an item learns from both and fits neither; each field needs a block of its own.",
    definition="Share of the items' rows that are a user's row of the same table too.",
    roles=(Role.ITEM_TABLE, Role.LOADER),
    explains=_WEAK,
    sources=("github.com/rixwew/pytorch-fm",),
)
KNOWN = 0.2  # of the catalogue, at least, is seen to be read
FEW = 0.02


def item_ids(evidence: Evidence) -> list[Measurement]:
    """What ids mean in each place of the watched training."""
    seen = read(evidence)
    return [] if seen is None else judged(seen)


def judged(seen: Read) -> list[Measurement]:
    """The same for a training that was read."""
    found = [*_shifted(seen), *_padding_targets(seen), *_of_users(seen)]
    if seen.inputs is not None and seen.inputs.view.width > 1:
        found += [*_padding_item(seen, seen.inputs), *_shared(seen, seen.inputs)]
    return found


def _shifted(seen: Read) -> list[Measurement]:
    """The positives' numbering against the inputs', and against the number of classes."""
    known = [each for each in seen.positives if each.relation is not None and each.relation.by is not None]
    known = [each for each in known if each.numbering.offset is not None]
    if not known:
        return []
    for each in known:
        said = _in_one_table(seen, each) or _in_classes(seen, each)
        if said:
            return [
                measured(
                    SHIFTED.code,
                    1.0,
                    said,
                    unit="ids",
                    healthy=False,
                    reference=0.0,
                    severity=Severity.ERROR,
                    places=made(each.view.stream),
                )
            ]
    return [
        measured(
            SHIFTED.code,
            0.0,
            "inputs and targets number items alike",
            unit="ids",
            healthy=True,
            reference=0.0,
        )
    ]


def _in_one_table(seen: Read, each: Drawn) -> str:
    inputs = seen.inputs
    assert inputs is not None
    same = inputs.view.stream.table and inputs.view.stream.table == each.view.stream.table
    if not same or inputs.numbering.offset in (None, each.numbering.offset):
        return ""
    if abs((inputs.numbering.offset or 0) - (each.numbering.offset or 0)) >= seen.log.n_items:
        return ""  # two fields, each with a block of rows
    return (
        f"item 100 is row {100 + (inputs.numbering.offset or 0)} of its table where it is read, "
        f"and row {100 + (each.numbering.offset or 0)} where it is aimed at"
    )


def _of_users(seen: Read) -> list[Measurement]:
    """Users and items that are looked up in one table, and the rows that both have there."""
    for view, numbering in seen.users:
        for each in seen.positives:
            table = each.view.stream.table
            of_users, of_items = numbering.offset, each.numbering.offset
            if not table or table != view.stream.table or of_users is None or of_items is None:
                continue
            first = max(of_users, of_items) + 1
            last = min(seen.log.n_users + of_users, seen.log.n_items + of_items)
            share = max(0, last - first + 1) / seen.log.n_items
            return [
                measured(
                    USERS.code,
                    share,
                    f"of {seen.log.n_items} items' rows, {max(0, last - first + 1)} are a user's too, in one table",
                    unit="share of rows",
                    healthy=share < FEW,
                    reference=0.0,
                    severity=Severity.ERROR,
                    places=(each.view.stream.place, *made(each.view.stream)),
                )
            ]
    return []


def _in_classes(seen: Read, each: Drawn) -> str:
    classes, n = each.view.stream.rows, seen.log.n_items
    read_as = seen.inputs.numbering.offset if seen.inputs is not None else None
    if each.view.stream.kind != "target" or classes != n + 1 or each.numbering.offset != -1 or read_as != 0:
        return ""
    return (
        f"item 100 is class 99 of {classes}, while it is read as id 100: classes 1 to {n} are the items' own, "
        f"and class {n} is never a target"
    )


def _padding_targets(seen: Read) -> list[Measurement]:
    """Classes beside padding that count in the loss."""
    for each in seen.positives:
        stream = each.view.stream
        if stream.kind != "target":
            continue
        ids = each.view.ids
        real = (ids != NOTHING) & (ids >= 0) & (ids != stream.ignore)
        padding = real & (each.items == 0)
        if each.relation is not None and not each.relation.aligned.newest:
            beside = (each.relation.aligned.seen == 0) & (each.relation.aligned.places < 0)
            known = seen.inputs.padding if seen.inputs is not None else None
            padding |= real & beside & (ids == known)
        share = float(padding.sum() / max(real.sum(), 1))
        if share < FEW:
            continue
        loss = loss_of(seen.watched.trace, stream)
        if loss is not Loss.COUNTS_ALL:
            why = (
                "the trace has not this loss"
                if loss is Loss.UNKNOWN
                else "its classes may be weighed or masked later"
            )
            return [unjudged(PADDING_TARGET.code, why, unit="share of classes")]
        return [
            measured(
                PADDING_TARGET.code,
                share,
                f"{percent(share)} of {int(real.sum())} classes of the loss are padding (id {int(np.median(ids[padding]))}), "
                f"and it ignores only {stream.ignore}",
                unit="share of classes",
                healthy=False,
                reference=0.0,
                places=(stream.place, *made(stream)),
            )
        ]
    return []


def _padding_item(seen: Read, inputs: Sequence) -> list[Measurement]:
    padding = inputs.padding
    if padding is None:
        return []
    ids = inputs.view.ids
    padded = (ids == padding) & (inputs.items == 0)
    item = int(inputs.numbering.decode(np.array([padding], np.int32), seen.log.n_items)[0])
    share = float(padded.sum() / max((ids != NOTHING).sum(), 1))
    if not padded.any() or share < 0.001:
        return []
    events = int(seen.log.counts[item]) if item else 0
    return [
        measured(
            PADDING_ITEM.code,
            share if item else 0.0,
            f"id {padding} pads {percent(share)} of all entries"
            + (f", and it is item {item} too, which has {events} events" if item else " and is no item"),
            unit="share of entries",
            healthy=not item,
            reference=0.0,
            severity=Severity.WARNING,
            places=made(inputs.view.stream),
        )
    ]


def _shared(seen: Read, inputs: Sequence) -> list[Measurement]:
    """The id that each item is mostly read under, from rows whose place in the log is known."""
    log, places = seen.log, inputs.places
    shown = inputs.items > 0
    wide = shown.shape[1]
    inside = (np.cumsum(shown, axis=1) > 0) & (np.cumsum(shown[:, ::-1], axis=1)[:, ::-1] > 0)
    there = inside & (places >= 0) & (inputs.view.ids != NOTHING) & ~inputs.located.unsure[:, None]
    if not there.any() or wide < 2:
        return []
    true, read_as = log.items[places[there]], inputs.view.ids[there].astype(np.int64)
    pairs, counts = np.unique(true * 2**32 + (read_as - np.int64(read_as.min())), return_counts=True)
    items, ids = pairs // 2**32, pairs % 2**32 + read_as.min()
    total = np.bincount(items, weights=counts, minlength=log.n_items + 1)
    most = (counts >= 5) & (counts >= 0.8 * total[items])
    if most.sum() < KNOWN * log.n_items:
        return []  # rows that are hardly ever a user's are perhaps no histories
    owners, n = np.unique(ids[most], return_counts=True)
    several = owners[n > 1]
    sharing = items[most & np.isin(ids, several)]
    share = len(sharing) / max(int(most.sum()), 1)
    said = f"{len(sharing)} of {int(most.sum())} items are read under an id that other items have too"
    if len(several):
        of_one = items[most & (ids == several[0])]
        said += f": items {', '.join(map(str, of_one[:3]))} are all id {several[0]}"
    return [
        measured(
            SHARED.code,
            share,
            said,
            unit="share of items",
            healthy=not len(sharing),
            reference=0.0,
            severity=Severity.WARNING,
            places=made(inputs.view.stream),
        )
    ]


PROBE = Probe(kinds=(SHIFTED, PADDING_ITEM, PADDING_TARGET, SHARED, USERS), run=item_ids)
