"""The recorded streams of a watched training: their columns, their epochs, and the lines to blame for their ids."""

from collections.abc import Iterable

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
    "return",
    "from_numpy",
    "as_tensor",
    "tensor",
    "asarray",
    "array",
    "astype",
    "copy",
    "ravel",
    "select",
    "LongTensor",
    "IntTensor",
    "ShortTensor",
    "FloatTensor",
    "DoubleTensor",
    "Tensor",
}
FROM_NUMPY = {"from_numpy", "as_tensor", "tensor", "LongTensor", "IntTensor"}
FILLING = {
    "concatenate",
    "vstack",
    "hstack",
    "column_stack",
    "zeros",
    "full",
    "zeros_like",
    "full_like",
    "cat",
    "stack",
    "where",
    "masked_fill",
    "masked_fill_",
    "mul",
    "__mul__",
    "__setitem__",
}
DRAWING = {
    "integers",
    "choice",
    "choices",
    "sample",
    "random_integers",
    "random",
    "randint",
    "randint_like",
    "multinomial",
    "rand",
    "rand_like",
    "random_",
    "uniform_",
}
ORDERING = {
    "permutation",
    "shuffle",
    "permuted",
    "lexsort",
    "randperm",
    "arange",
    "argsort",
    "flatnonzero",
    "nonzero",
    "argwhere",
    "split",
    "chunk",
}


def epoch_of(seen: Watched, steps: NDArray[np.integer]) -> NDArray[np.integer]:
    """The epoch, from 0, of each step; steps after the last complete epoch belong to one that did not end."""
    return np.searchsorted(np.asarray(seen.epoch_ends, dtype=np.int64), steps, side="right")


def made(stream: Stream, beside: Stream | None = None, *, random: bool = False) -> tuple[CodePlace, ...]:
    """Lines to blame for the ids of a stream, best first: where they were made, then where they are looked up.

    beside: a stream made of the same data that is right; lines of its own making come later.
    random: whether a draw may be to blame; what is put together with negatives came through theirs.
    """
    shared = {(place.path, place.line) for place in (beside.made_at if beside is not None else ())}

    def rank(place: CodePlace) -> tuple[bool, ...]:
        plain = place.does in HANDING_ON | FILLING | ORDERING
        written = place.does == "__setitem__"
        return (
            plain or (place.does in DRAWING and not random),
            (place.path, place.line) in shared,
            place.does in HANDING_ON,
            not written,
        )

    return _up_to(_each_once(sorted(stream.made_at, key=rank))[:2], stream.place)


def apart(stream: Stream, other: Stream) -> tuple[CodePlace, ...]:
    """Lines to blame where the ids of one stream are in another order than those of the other, made of the same data."""
    shared = {(place.path, place.line) for place in other.made_at}
    alone = [place for place in stream.made_at if (place.path, place.line) not in shared]
    changing = [place for place in alone if place.does not in HANDING_ON]
    return _each_once([*changing[:2], stream.place]) if changing else made(stream, other)


def drawn(stream: Stream) -> tuple[CodePlace, ...]:
    """The same for ids that are drawn: the first draw, the draw that came last, then the others."""
    random = [place for place in stream.made_at if place.does in DRAWING]
    return _up_to([*random[-1:], *random[:1], *made(stream)], stream.place)


def chosen(stream: Stream) -> tuple[CodePlace, ...]:
    """The same for what is or is not among the ids: a choice from the order of rows, else where the data came from."""
    made_at = list(stream.made_at)
    shuffled = [n for n, place in enumerate(made_at) if place.does in ("randperm", "arange")]
    begun = [n for n, place in enumerate(made_at) if place.does in ("split", "chunk")]
    between = made_at[begun[0] + 1 : shuffled[0]] if begun and shuffled else []
    picked = [place for place in between if place.does not in HANDING_ON]
    plain = HANDING_ON - FROM_NUMPY - {"select"} | ORDERING | DRAWING
    others = [place for place in reversed(made_at) if place.does not in plain]
    cut = [place for place in others if place.does in ("", "select")]  # parts of arrays and lists
    return _up_to([*picked, *cut[:1], *others[:2]], stream.place)


def ordered(stream: Stream) -> tuple[CodePlace, ...]:
    """The same for the order of ids: where rows are put in order, else the outermost line that makes them tensors."""
    ordering = [place for place in reversed(stream.made_at) if place.does in ORDERING]
    handed = [n for n, place in enumerate(stream.made_at) if place.does in FROM_NUMPY]
    tensors = stream.made_at[: handed[0] + 1] if handed else stream.made_at
    plain = HANDING_ON - FROM_NUMPY | ORDERING | DRAWING
    others = [place for place in reversed(tensors) if place.does not in plain]
    return _up_to([*ordering, *others], stream.place)


def _up_to(makes: Iterable[CodePlace], last: CodePlace) -> tuple[CodePlace, ...]:
    """These lines, each once, and behind them the one that looks the ids up."""
    before = [place for place in _each_once(makes) if (place.path, place.line) != (last.path, last.line)]
    return (*before, last)


def _each_once(places: Iterable[CodePlace]) -> tuple[CodePlace, ...]:
    first: dict[tuple[str, int], CodePlace] = {}
    for place in places:
        first.setdefault((place.path, place.line), place)
    return tuple(first.values())
