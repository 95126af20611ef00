from dataclasses import dataclass, field

from .events import Event


@dataclass
class Split:
    """Histories by visitor, and the one product that is held out of each."""

    train: dict[int, list[int]] = field(default_factory=dict)
    held_out: dict[int, int] = field(default_factory=dict)


def leave_one_out(events: list[Event]) -> Split:
    split = Split()
    for event in events:
        split.train.setdefault(event.visitor, []).append(event.product)
    for visitor, products in split.train.items():
        if len(products) > 1:
            split.held_out[visitor] = products.pop()
    return split
