"""The recorded streams of a watched training: their columns, their epochs, and the lines to blame for their ids."""

import numpy as np
from numpy.typing import NDArray

from diagnosis.examination import Stream, Watched
from diagnosis.findings import CodePlace

STEP, OFFSET, D0, D1 = range(4)  # columns of `Stream.calls`
# Calls that hand ids on as they are: what is wrong with ids was made before.
HANDING_ON = {
    "to",
    "cuda",
    "cpu",
    "long",
    "int",
    "type",
    "view",
    "reshape",
    "flatten",
    "contiguous",
    "unsqueeze",
    "squeeze",
    "clone",
    "detach",
    "expand",
    "repeat",
    "pin_memory",
    "transpose",
    "t",
    "T",
    "permute",
    "clamp",
}
DRAWING = {"randint", "randint_like", "multinomial", "rand", "rand_like", "randperm", "random_", "uniform_"}


def epoch_of(seen: Watched, steps: NDArray[np.integer]) -> NDArray[np.integer]:
    """The epoch, from 0, of each step; steps after the last complete epoch belong to one that did not end."""
    return np.searchsorted(np.asarray(seen.epoch_ends, dtype=np.int64), steps, side="right")


def made(stream: Stream) -> tuple[CodePlace, ...]:
    """Lines to blame for the ids of a stream, best first: where they were made, then where they are looked up."""
    made_at = [place for place in stream.made_at if place.does not in HANDING_ON] or list(stream.made_at)
    return _each_once([*made_at[:2], stream.place])


def drawn(stream: Stream) -> tuple[CodePlace, ...]:
    """The same, a line that draws at random before all others."""
    random = [place for place in stream.made_at if place.does in DRAWING]
    return _each_once([*random, *made(stream)])


def _each_once(places: list[CodePlace]) -> tuple[CodePlace, ...]:
    return tuple({(place.path, place.line): place for place in reversed(places)}.values())[::-1]
