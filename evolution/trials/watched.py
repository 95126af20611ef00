"""What a worker says of a watched training: checked whole before anybody reads it, and kept for the analyst.

The fields are those of diagnosis/examination.py; evolution/worker/guest/epoch_watch.py writes them.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, Strict, ValidationError

from diagnosis.examination import WATCHED
from evolution.domain.trial import FailureReason
from evolution.trials.failing import TrialFailed, failed
from evolution.trials.replies import LAST_LINE
from evolution.trials.traces import Loader, Module, Name, Op, Optimizer, Parameter, Step, check_references

MOST_IDS = 25_000_000
MOST_BYTES = 4 * MOST_IDS
Line = Annotated[int, Field(ge=0, le=LAST_LINE)]
Count = Annotated[int, Field(ge=0, le=10**12)]
Number = Annotated[float, Field(allow_inf_nan=False)] | None
TakeArray = Callable[[str, tuple[int | None, ...], type[np.generic], int], NDArray[Any]]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Stream(_Part):
    id: Count
    path: Name
    line: Line
    scope: Name
    function: Name
    kind: Literal["index", "target", "edges", "multi-hot", "label"]
    slot: Count
    turn: Count
    grad: bool
    table: Name
    rows: Count
    columns: Count
    ignore: int
    made_at: Annotated[list[Annotated[tuple[Name, Line, Name], Strict(False)]], Field(max_length=20)]
    calls: Count
    ids: Count
    values: bool
    cut: bool


class _Learned(_Part):
    steps_looked_at: Count
    steps_with_grad: Count
    grad_norm: Number
    weight_norm_before: Number
    weight_norm_after: Number
    update_norm: Number
    moved_without_grad_norm: Number
    rows_touched: int


class _Parameter(_Part):
    name: Name
    path: Name
    line: Line
    shape: Annotated[list[Count], Field(max_length=64)]
    alive: bool
    requires_grad: bool
    used: bool
    optimizer: int
    group: int
    learned: _Learned | None


class _Trace(_Part):
    ops: Annotated[list[Op], Field(max_length=10_000)]
    parameters: Annotated[list[Parameter], Field(max_length=100_000)]
    modules: Annotated[list[Module], Field(max_length=100_000)]
    optimizers: Annotated[list[Optimizer], Field(max_length=1_000)]
    loaders: Annotated[list[Loader], Field(max_length=10_000)]
    step_sites: Annotated[list[Step], Field(max_length=10_000)]


class _NonFinite(_Part):
    path: Name
    line: Line
    function: Name
    step: Count
    value: Literal["nan", "inf"]


class _Scheduler(_Part):
    type: Name
    path: Name
    line: Line
    calls: Count
    total: Count


class _Watched(_Part):
    format: Literal[1]
    kind: Literal["torch"]
    note: Annotated[str, Field(max_length=2000)]
    error: Annotated[str, Field(max_length=5000)]
    seconds: Annotated[float, Field(ge=0, le=1e7)]
    epochs: Count
    epoch_ends: Annotated[list[Count], Field(max_length=100)]
    steps: Count
    optimizer_steps: Count
    streams: Annotated[list[_Stream], Field(max_length=100)]
    parameters: Annotated[list[_Parameter], Field(max_length=100_000)]
    learning_rates: Annotated[list[Annotated[tuple[Count, float], Strict(False)]], Field(max_length=10_000)]
    losses: Annotated[list[Number], Field(max_length=100_000)]
    loss_place: list[Any]
    step_place: list[Any]
    clear_place: list[Any]
    gradients_not_cleared: Count
    steps_without_gradient: Count
    non_finite: _NonFinite | dict[Any, Any]
    scheduler: _Scheduler | dict[Any, Any]
    trace: _Trace


class _Arrays(_Part):
    """A training with numpy alone: there are no gradients and no trace to tell of."""

    format: Literal[1]
    kind: Literal["numpy"]
    note: Annotated[str, Field(max_length=2000)]
    error: Literal[""]
    seconds: Annotated[float, Field(ge=0, le=1e7)]
    epochs: Count
    epoch_ends: Annotated[list[Count], Field(max_length=100)]
    steps: Count
    streams: Annotated[list[_Stream], Field(max_length=100)]


NOTHING: Mapping[str, Any] = {
    "format": 1, "kind": "python", "error": "", "seconds": 0.0, "epochs": 0, "epoch_ends": [], "steps": 0,
    "optimizer_steps": 0, "streams": [], "parameters": [], "learning_rates": [], "losses": [], "loss_place": [],
    "step_place": [], "clear_place": [], "gradients_not_cleared": 0, "steps_without_gradient": 0, "non_finite": {},
    "scheduler": {}, "trace": {},
}  # fmt: skip


def nothing_watched(note: str) -> dict[str, Any]:
    """The document of a training of which nothing was seen."""
    return {**NOTHING, "note": note}


def checked_watch(reply: Mapping[str, Any]) -> dict[str, Any]:
    """The document in a reply, as it was told. Raises TrialFailed where it makes no sense."""
    document = reply.get("watched")
    if isinstance(document, dict) and document.get("kind") == "python":
        return nothing_watched(str(document.get("note", ""))[:2000])
    arrays = isinstance(document, dict) and document.get("kind") == "numpy"
    try:
        watched = (_Arrays if arrays else _Watched).model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "all of it"
        raise _nonsense(f"{where[:200]}: {first['msg'][:200]}") from None
    if [stream.id for stream in watched.streams] != list(range(len(watched.streams))):
        raise _nonsense("streams are not numbered from 0")
    if sum(stream.ids for stream in watched.streams) > MOST_IDS:
        raise _nonsense(f"more than {MOST_IDS} ids")
    if isinstance(watched, _Watched):
        check_references(watched.trace.ops, watched.trace.parameters, watched.trace.optimizers, _nonsense)
        for pair in (watched.loss_place, watched.step_place, watched.clear_place):
            _check_place(pair)
        if len(watched.parameters) != len(watched.trace.parameters):
            raise _nonsense("parameters and trace differ")
    assert isinstance(document, dict)
    return {**NOTHING, **document} if arrays else document


def keep_watch(
    document: Mapping[str, Any], folder: Path, take: TakeArray, configured: Mapping[str, int]
) -> None:
    """Write the document and its arrays to `folder`. take: reads one array of the worker's and deletes its file.

    configured: max_epochs and max_history of the repo.

    Raises TrialFailed: an array is not what the document says.
    """
    for stream in document["streams"]:
        name = f"stream-{stream['id']}"
        ids = take(f"{name}.npy", (stream["ids"],), np.int32, MOST_BYTES)
        calls = take(f"{name}-calls.npy", (None, 4), np.int32, MOST_BYTES)
        if not _fit(calls, stream):
            raise _nonsense(f"the calls of {name} do not divide its ids")
        np.save(folder / f"{name}.npy", ids)
        np.save(folder / f"{name}-calls.npy", calls)
        if stream["values"]:
            values = take(f"{name}-values.npy", (None,), np.float32, MOST_BYTES)
            expected = stream["ids"] // 2 if stream["kind"] == "edges" else stream["ids"]
            if len(values) != expected:
                raise _nonsense(f"{name} has {len(values)} values, expected {expected}")
            np.save(folder / f"{name}-values.npy", values)
    text = json.dumps({**document, **configured}, allow_nan=False)
    (folder / WATCHED).write_text(text, encoding="utf-8")


def _fit(calls: NDArray[np.int32], stream: Mapping[str, Any]) -> bool:
    """Whether the offsets go from 0 to the number of ids and each call's ids have its shape."""
    wide = calls.astype(np.int64)
    offsets = np.append(wide[:, 1], stream["ids"])
    if len(calls) == 0:
        return stream["ids"] == 0
    lengths = np.diff(offsets)
    sound = offsets[0] == 0 and bool((lengths >= 0).all()) and bool((wide[:, 0] >= 0).all())
    if not sound or stream["kind"] == "multi-hot":
        return sound
    return bool((lengths == wide[:, 2] * np.where(wide[:, 3] < 0, 1, wide[:, 3])).all())


def _check_place(pair: list[Any]) -> None:
    match pair:
        case [] | [str(), int()]:
            return
    raise _nonsense("a place is no path and line")


def _nonsense(why: str) -> TrialFailed:
    return failed(FailureReason.CRASH, f"the worker's account of its first epochs makes no sense: {why}")
