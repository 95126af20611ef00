"""What the examination of a trained program left: a training watched for its first epochs, and steps replayed.

It was measured inside a worker, beside candidate code, so it informs and never verifies.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnosis.findings import CodePlace

FOLDER = "examination"
WATCHED = "watched.json"
REPLAYED = "replayed.json"
CHECKS = "checks.json"

Int32 = NDArray[np.int32]
Float32 = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False)
class Stream:
    """All ids that one argument of one call held while the program trained.

    function, path, line: the call. kind: "index" (rows are looked up), "target" (classes of a loss, or columns picked from
    logits), "edges" (indices of a sparse matrix), "multi-hot" (rows about as wide as the catalogue), "label" (1 for the higher
    of the two values that a pointwise loss is told, else 0).
    slot: which dimension is indexed. turn: which call of its line in a step, from 0. grad: whether gradients were recorded
    (False for what a repo evaluates while it trains). table: "p3" where a parameter is looked up, "" where what is looked up was computed.
    rows: size of the dimension that ids index; columns: the last dimension. ignore: the id that a loss leaves out.
    made_at: the lines that the ids came from, nearest first, with the function called there in `does`.
    ids: int32, of all calls in order. calls: int32 (C, 4): step, offset into ids, first dimension, product of the
    further ones (-1: there are none). Of edges a call is (2, E); of multi-hot rows, d0 is the number of rows.
    values: float32, of an edge its value, of a multi-hot id the row within its call; None for other kinds.
    cut: whether ids are missing at the end, because there were too many.
    """

    id: int
    path: str
    line: int
    scope: str
    function: str
    kind: str
    slot: int
    turn: int
    grad: bool
    table: str
    rows: int
    columns: int
    ignore: int
    made_at: tuple[CodePlace, ...]
    ids: Int32
    calls: Int32
    values: Float32 | None
    cut: bool

    @property
    def place(self) -> CodePlace:
        """The call's line."""
        return CodePlace(path=self.path, line=self.line)


@dataclass(frozen=True, kw_only=True)
class LearnedParameter:
    """A parameter, and what became of it in the watched epochs.

    number: its place in the trace, "p<number>". alive: whether it still existed at the end.
    used: whether a call of the first training steps took it. optimizer, group: which one updates it, -1 if none.
    steps_looked_at, steps_with_grad: steps whose gradient was measured, and of these those with one that is not 0.
    moved_without_grad_norm: how far rows moved that never had a gradient. rows_touched: how many had one; -1: no rows.
    Norms are of all elements.
    """

    number: int
    name: str
    path: str
    line: int
    shape: tuple[int, ...]
    alive: bool
    requires_grad: bool
    used: bool
    optimizer: int
    group: int
    steps_looked_at: int = 0
    steps_with_grad: int = 0
    grad_norm: float = 0.0
    weight_norm_before: float = 0.0
    weight_norm_after: float = 0.0
    update_norm: float = 0.0
    moved_without_grad_norm: float = 0.0
    rows_touched: int = -1

    @property
    def place(self) -> CodePlace:
        """Where it is made."""
        return CodePlace(path=self.path, line=self.line)


@dataclass(frozen=True, kw_only=True, eq=False)
class Watched:
    """A training watched for up to two epochs.

    kind: "torch", or "python" where there was nothing to watch. note: what a reader should know. error: a traceback of
    candidate code. epochs: complete ones. epoch_ends: steps done when each ended. steps: of optimizers; where none
    stepped, `backward` calls. learning_rates: (step, rate) at each change. losses: of each `backward`, None if not finite.
    gradients_not_cleared: `backward` calls that met a gradient of an earlier step. steps_without_gradient: steps in which
    no parameter had one. non_finite: {"path", "line", "function", "step", "value"} of the first result that was nan or
    infinite; {} if none was. scheduler: {"type", "path", "line", "calls", "total"}, and of one that
    falls by a constant {"factor", "at"}, by what, and at which calls; {} if none stepped.
    trace: ops, parameters, modules, optimizers, loaders of the first three steps, as in guest/tracing.py.
    max_epochs, max_history: by the repo's configuration, how many epochs a training may have, and how many events of a
        history `score` is given at most (0: not told).
    """

    kind: str
    note: str
    error: str
    seconds: float
    epochs: int
    epoch_ends: tuple[int, ...]
    steps: int
    optimizer_steps: int
    streams: tuple[Stream, ...]
    parameters: tuple[LearnedParameter, ...]
    learning_rates: tuple[tuple[int, float], ...]
    losses: tuple[float | None, ...]
    loss_place: CodePlace | None
    step_place: CodePlace | None
    clear_place: CodePlace | None
    gradients_not_cleared: int
    steps_without_gradient: int
    non_finite: Mapping[str, Any]
    scheduler: Mapping[str, Any]
    trace: Mapping[str, Any]
    max_epochs: int
    max_history: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Examination:
    """watched: None where it was not to be had. replayed: see evolution/worker/guest/replaying.py; {} if nothing was."""

    watched: Watched | None
    replayed: Mapping[str, Any] = field(default_factory=dict)


def load_examination(folder: Path) -> Examination | None:
    """Read `<trial>/examination/`, which the job has checked; None where it is not there. Nothing is unpickled."""
    if not (folder / WATCHED).is_file():
        return None
    document = json.loads((folder / WATCHED).read_text(encoding="utf-8"))
    replayed = folder / REPLAYED
    return Examination(
        watched=_watched(document, folder),
        replayed=json.loads(replayed.read_text(encoding="utf-8")) if replayed.is_file() else {},
    )


def _watched(document: Mapping[str, Any], folder: Path) -> Watched:
    plain = ("kind", "note", "error", "seconds", "epochs", "non_finite", "scheduler", "trace")
    counts = ("max_epochs", "steps", "optimizer_steps", "gradients_not_cleared", "steps_without_gradient")
    return Watched(
        **{name: document[name] for name in (*plain, *counts)},
        epoch_ends=tuple(document["epoch_ends"]),
        streams=tuple(_stream(facts, folder) for facts in document["streams"]),
        parameters=tuple(_parameter(number, facts) for number, facts in enumerate(document["parameters"])),
        learning_rates=tuple((int(step), float(rate)) for step, rate in document["learning_rates"]),
        losses=tuple(document["losses"]),
        loss_place=_place(document["loss_place"]),
        step_place=_place(document["step_place"]),
        clear_place=_place(document["clear_place"]),
        max_history=document.get("max_history", 0),
    )


def _place(pair: list[Any]) -> CodePlace | None:
    return CodePlace(path=pair[0], line=pair[1]) if pair else None


def _parameter(number: int, facts: Mapping[str, Any]) -> LearnedParameter:
    own = {name: value for name, value in facts.items() if name not in ("learned", "shape")}
    return LearnedParameter(number=number, shape=tuple(facts["shape"]), **own, **(facts["learned"] or {}))


def _stream(facts: Mapping[str, Any], folder: Path) -> Stream:
    def array(name: str) -> NDArray[Any]:
        return np.load(folder / name, allow_pickle=False)

    number = facts["id"]
    known = (
        "path",
        "line",
        "scope",
        "function",
        "kind",
        "slot",
        "turn",
        "grad",
        "table",
        "rows",
        "columns",
        "ignore",
        "cut",
    )
    return Stream(
        id=number,
        **{name: facts[name] for name in known},
        made_at=tuple(CodePlace(path=path, line=line, does=does) for path, line, does in facts["made_at"]),
        ids=array(f"stream-{number}.npy"),
        calls=array(f"stream-{number}-calls.npy"),
        values=array(f"stream-{number}-values.npy") if facts["values"] else None,
    )
