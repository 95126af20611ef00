"""The mask of a model that is trained to name hidden items: which id stands where an event was."""

from dataclasses import dataclass

import numpy as np

from diagnosis.streams.decoding import Sequence
from diagnosis.streams.log import Log
from diagnosis.streams.views import NOTHING

LEAST = 100  # places at which the event is not read
OF_EVENTS = 0.02  # of all events
ALIKE = 0.5  # of these places hold the mask; others may hold a random item


@dataclass(frozen=True, kw_only=True)
class Mask:
    """id: what is looked up instead of a hidden event. item: the item that has this id, 0 for none. hidden: at how many places."""

    id: int
    item: int
    hidden: int


def mask_of(log: Log, inputs: Sequence) -> Mask | None:
    """The id that most often stands where the log has another item; None where no id stands out, or it is padding."""
    ids, places = inputs.view.ids, inputs.places
    there = (places >= 0) & (ids != NOTHING)
    changed = there & (inputs.items != log.items[np.maximum(places, 0)])
    if changed.sum() < max(LEAST, OF_EVENTS * there.sum()):
        return None
    values, counts = np.unique(ids[changed], return_counts=True)
    best = int(counts.argmax())
    found = int(values[best])
    if counts[best] < ALIKE * changed.sum() or found == inputs.padding:
        return None
    item = int(inputs.numbering.decode(np.array([found], np.int32), log.n_items)[0])
    return Mask(id=found, item=item, hidden=int(counts[best]))
