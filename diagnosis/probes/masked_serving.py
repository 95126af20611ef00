"""Does scoring ask as training hides? The mask stands where the next event is wanted, and the answer is read there."""

from dataclasses import dataclass

import numpy as np

from diagnosis.evidence import Evidence
from diagnosis.findings import CodePlace, FindingKind, FoundBy, Measurement, Role, Severity
from diagnosis.probes.expectation import held, violated
from diagnosis.probes.probe import Probe
from diagnosis.probes.replayed import answer, places
from diagnosis.streams.masking import Mask, mask_of
from diagnosis.streams.reading import Read, read
from diagnosis.streams.recorded import made
from diagnosis.symptoms import UNORDERED, WEAK
from seeds.amounts import percent
from seeds.interactions import Int64

UNIT = "share of rows"
IS_ITEM = FindingKind(
    code="mask-is-an-item",
    found_by=FoundBy.PROBE,
    title="The mask is an item",
    why="A hidden place looks like an event with that item, and that item's vector learns to mean that nothing is known.",
    definition="The item of the log that is looked up where training hides events.",
    roles=(Role.LOADER,),
    explains=("scores-differ-from-training", *WEAK),
    unit="events",
    reference="0",
)
NOT_ASKED = FindingKind(
    code="mask-not-asked",
    found_by=FoundBy.PROBE,
    title="Scoring asks without the mask",
    why="The model has learned to name what a mask hides; without one it answers with an event that it sees.",
    definition="Share of the rows looked up by `score` that hold the id which hides events in training.",
    roles=(Role.SCORING,),
    explains=("scores-differ-from-training", "order-ignored", *UNORDERED, *WEAK),
    unit=UNIT,
    reference="all",
    sources=("Sun et al. 2019, BERT4Rec (the mask is appended to the history)",),
)
BESIDE = FindingKind(
    code="read-beside-mask",
    found_by=FoundBy.PROBE,
    title="Scoring reads beside the mask",
    why="The output at a visible event says which event that is, not which one comes next.",
    definition="Share of the rows looked up by `score` whose answer is read at the place that holds the mask.",
    roles=(Role.SCORING,),
    explains=("scores-differ-from-training", "order-ignored", *UNORDERED, *WEAK),
    unit=UNIT,
    reference="all",
)
TURNED = FindingKind(
    code="history-turned-round",
    found_by=FoundBy.PROBE,
    title="Histories are read in two directions",
    why="What the model has learned of the newest events it applies to the oldest.",
    definition="Share of the rows looked up by `score` whose events run the other way than those of training.",
    roles=(Role.LOADER, Role.SCORING),
    explains=("scores-differ-from-training", "order-ignored", *UNORDERED, *WEAK),
    unit=UNIT,
    reference="none",
)
AT_PADDING = FindingKind(
    code="read-at-padding",
    found_by=FoundBy.PROBE,
    title="Scoring reads where a history is padded",
    why="Padding stands behind the newest event: the output there is padding's own, or has gone through it step by step.",
    definition="Share of the rows looked up by `score` whose answer is read at a place with padding, behind all events.",
    roles=(Role.SCORING,),
    explains=("order-ignored", "newest-kept", *UNORDERED, *WEAK),
    unit=UNIT,
    reference="none",
)
KINDS = (IS_ITEM, NOT_ASKED, BESIDE, TURNED, AT_PADDING)
MOST, FEW = 0.9, 0.1  # of the rows
AS_MANY = 0.75  # of the targets have a mask; BERT's corruption leaves a fifth of them without
HIDDEN = 0.5  # of the targets of a masked training are not visible


@dataclass(frozen=True, kw_only=True, eq=False)
class Asked:
    """ids: int64 (R, L), what `score` looks up for histories (R, T), oldest first. read: int64 (R,), the place whose output is
    picked; empty where none is. looked_up, read_at: their lines, best first."""

    ids: Int64
    histories: Int64
    read: Int64
    looked_up: tuple[CodePlace, ...]
    read_at: tuple[CodePlace, ...]


def masked_serving(evidence: Evidence) -> list[Measurement]:
    """The rows that training and scoring look up, side by side."""
    seen = read(evidence)
    told = answer(evidence, "asked")
    if seen is None or seen.inputs is None:
        return []
    asked = (
        Asked(
            ids=np.array(told["ids"], np.int64),
            histories=np.array(told["histories"], np.int64),
            read=np.array(told["read"], np.int64),
            looked_up=places(told, "looked_up"),
            read_at=places(told, "read_at"),
        )
        if told
        else None
    )
    return judged(seen, asked)


def judged(seen: Read, asked: Asked | None) -> list[Measurement]:
    """The same for a training that was read, and what scoring was seen to look up."""
    found = [*_turned(seen, asked), *_at_padding(seen, asked)] if asked is not None else []
    mask = mask_of(seen.log, seen.inputs) if seen.inputs is not None else None
    if mask is None:
        return found
    found += _is_item(seen, mask)
    return [*found, *(_at_the_mask(mask, asked) if asked is not None and _is_aimed_at(seen, mask) else [])]


def _is_aimed_at(seen: Read, mask: Mask) -> bool:
    """Whether the targets are the events behind the mask; where they lie nowhere for sure, whether they are about as many."""
    relations = [each.relation for each in seen.positives if each.relation is not None]
    known = [relation for relation in relations if relation.by is not None]
    if known:
        return any(relation.by == 0 and relation.shown() < HIDDEN for relation in known)
    assert seen.inputs is not None
    masked = int((seen.inputs.view.ids == mask.id).sum())
    classes = [one for one in seen.watched.streams if one.kind == "target" and one.grad]
    counts = [
        int(((one.ids != one.ignore) & (one.ids > 0)).sum())
        for one in classes
        if one.rows >= seen.log.n_items - 2
    ]
    return any(AS_MANY < masked / max(count, 1) < 1 / AS_MANY for count in counts)


def _is_item(seen: Read, mask: Mask) -> list[Measurement]:
    assert seen.inputs is not None
    events = int(seen.log.counts[mask.item]) if mask.item else 0
    if not events:
        return [held(IS_ITEM, f"the mask is id {mask.id}, which is no item", unit="events")]
    return [
        violated(
            IS_ITEM,
            events,
            f"id {mask.id} hides {mask.hidden} events of training, and it is item {mask.item} too, which has {events} events",
            made(seen.inputs.view.stream),
            unit="events",
            severity=Severity.ERROR,
        )
    ]


def _at_the_mask(mask: Mask, asked: Asked) -> list[Measurement]:
    masked = asked.ids == mask.id
    share = float(masked.any(axis=1).mean())
    if share < FEW:
        return [
            violated(
                NOT_ASKED,
                share,
                f"none of {len(masked)} rows that scoring looks up holds id {mask.id}, behind which training hides events: "
                "the answer comes from an event that the model sees",
                (*asked.looked_up, *asked.read_at),
                unit=UNIT,
                severity=Severity.ERROR,
                reference=1.0,
                reference_name="all",
                higher_is_better=True,
            )
        ]
    healthy = [held(NOT_ASKED, f"scoring asks with the mask, id {mask.id}", unit=UNIT, value=share)]
    if share < MOST or not len(asked.read):
        return healthy
    there = float(masked[np.arange(len(masked)), asked.read].mean())
    if there > FEW:
        return [*healthy, held(BESIDE, "the answer is read at the mask", unit=UNIT, value=there)]
    by = asked.read - masked.argmax(axis=1)
    where = f"{abs(int(np.median(by)))} before" if np.median(by) < 0 else f"{int(np.median(by))} behind"
    return [
        *healthy,
        violated(
            BESIDE,
            there,
            f"{percent(1 - there)} of {len(masked)} rows are read {where} the mask: the output there says which event it is",
            asked.read_at,
            unit=UNIT,
            severity=Severity.ERROR,
            reference=1.0,
            reference_name="all",
            higher_is_better=True,
        ),
    ]


def _at_padding(seen: Read, asked: Asked) -> list[Measurement]:
    """Whether the answer is read behind the newest event, where training pads."""
    padding = seen.inputs.padding if seen.inputs is not None else None
    if padding is None or not len(asked.read):
        return []
    places_of = np.arange(asked.ids.shape[1])[None, :]
    newest = np.where(asked.ids != padding, places_of, -1).max(axis=1)
    behind = (
        (asked.ids[np.arange(len(asked.ids)), asked.read] == padding) & (newest >= 0) & (asked.read > newest)
    )
    share = float(behind.mean())
    if share < MOST:
        return [held(AT_PADDING, "no answer is read at padding", unit=UNIT, value=share)]
    by = int(np.median(asked.read - newest))
    return [
        violated(
            AT_PADDING,
            share,
            f"{percent(share)} of {len(behind)} rows are read {by} behind their newest event, at padding (id {padding})",
            asked.read_at,
            unit=UNIT,
            severity=Severity.ERROR,
        )
    ]


def _turned(seen: Read, asked: Asked) -> list[Measurement]:
    """Whether scoring reads histories in the direction of training. Time that is the first axis is left alone."""
    inputs = seen.inputs
    if inputs is None or inputs.time_major or inputs.view.width < 3 or not inputs.located.found.any():
        return []
    decoded = inputs.numbering.decode(asked.ids, seen.log.n_items)
    upwards = [_upwards(row, history) for row, history in zip(decoded, asked.histories, strict=True)]
    known = [one for one in upwards if one is not None]
    if len(known) < len(upwards) / 2:
        return []
    other = float(np.mean([one == inputs.located.reversed for one in known]))
    if other < MOST:
        return [held(TURNED, "training and scoring read histories in one direction", unit=UNIT, value=other)]
    trained, scored = ("newest", "oldest") if inputs.located.reversed else ("oldest", "newest")
    return [
        violated(
            TURNED,
            other,
            f"training looks histories up with the {trained} event first, and scoring with the {scored} first",
            made(inputs.view.stream) if inputs.located.reversed else asked.looked_up,
            unit=UNIT,
            severity=Severity.ERROR,
        )
    ]


def _upwards(row: Int64, history: Int64) -> bool | None:
    """Whether the events of a history stand oldest first in a row; None where the row holds them in another order."""
    items = row[row > 0]
    at = [int(np.flatnonzero(history == item)[0]) for item in items if item in history]
    steps = np.diff(at)
    if len(steps) < 2 or not ((steps > 0).all() or (steps < 0).all()):
        return None
    return bool((steps > 0).all())


PROBE = Probe(kinds=KINDS, run=masked_serving)
