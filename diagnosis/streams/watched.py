"""The index streams of a watched epoch, as the examination of a trial recorded them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnosis.findings import CodePlace

Int32 = NDArray[np.int32]
STEP, OFFSET, D0, D1 = range(4)  # columns of `Stream.calls`


@dataclass(frozen=True, kw_only=True, eq=False)
class Stream:
    """Every id that one line looked up, in order of calls.

    kind: "index", "target" (class ids of a loss), "edges" or "multi-hot".
    rows: size of the dimension that is indexed; 0 if unknown.
    ids: int32 (n,); of edges the sources of all edges of a call, then their ends.
    calls: int32 (calls, 4): step, offset into ids, d0, d1; d1 is -1 for ids of one dimension.
    values: float32 (E,) weights of edges, None if they have none.
    made_at: where the ids came from, nearest first.
    """

    id: int
    kind: str
    function: str
    place: CodePlace
    made_at: tuple[CodePlace, ...]
    table: str
    rows: int
    ids: Int32
    calls: Int32
    cut: bool = False
    values: NDArray[np.float32] | None = None
    document: Mapping[str, Any] = field(default_factory=dict)

    @property
    def places(self) -> tuple[CodePlace, ...]:
        """Lines to blame for the ids, best first: where they were made, then where they are looked up."""
        return tuple(dict.fromkeys((*self.made_at[:2], self.place)))


@dataclass(frozen=True, kw_only=True, eq=False)
class Watched:
    """The streams of a training that was watched.

    epochs: complete ones; epoch_ends: steps done when each ended.
    document: the whole of `watched.json`.
    """

    streams: tuple[Stream, ...]
    epochs: int
    steps: int
    epoch_ends: tuple[int, ...]
    document: Mapping[str, Any] = field(default_factory=dict)

    def epoch_of(self, steps: NDArray[np.integer]) -> NDArray[np.integer]:
        """The epoch, from 0, of each step; steps after the last complete epoch belong to one that did not end."""
        return np.searchsorted(np.asarray(self.epoch_ends, dtype=np.int64), steps, side="right")


def watched(
    document: Mapping[str, Any],
    ids: Mapping[int, NDArray[Any]],
    calls: Mapping[int, NDArray[Any]],
    values: Mapping[int, NDArray[Any]],
) -> Watched:
    """The streams of `watched.json` (format: evolution/worker/guest/epoch_watch.py) with their arrays by stream id.

    A stream whose arrays are missing is left out.
    """
    streams = tuple(
        _stream(each, ids[each["id"]], calls[each["id"]], values.get(each["id"]))
        for each in document.get("streams", ())
        if each["id"] in ids and each["id"] in calls
    )
    return Watched(
        streams=streams,
        epochs=int(document.get("epochs", 0)),
        steps=int(document.get("steps", 0)),
        epoch_ends=tuple(int(end) for end in document.get("epoch_ends", ())),
        document=document,
    )


def _stream(
    each: Mapping[str, Any], ids: NDArray[Any], calls: NDArray[Any], values: NDArray[Any] | None
) -> Stream:
    return Stream(
        id=int(each["id"]),
        kind=str(each.get("kind", "index")),
        function=str(each.get("function", "")),
        place=CodePlace(path=str(each["path"]), line=int(each["line"])),
        made_at=tuple(CodePlace(path=str(path), line=int(line)) for path, line in each.get("made_at", ())),
        table=str(each.get("table", "")),
        rows=int(each.get("rows", 0)),
        ids=np.asarray(ids, dtype=np.int32).reshape(-1),
        calls=np.asarray(calls, dtype=np.int32).reshape(-1, 4),
        cut=bool(each.get("cut", False)),
        values=None if values is None else np.asarray(values, dtype=np.float32).reshape(-1),
        document=each,
    )
