"""Records what a training loop looks up, in this process and in the format of a watched epoch."""

import sys
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.overrides import TorchFunctionMode

from diagnosis.streams.watched import Watched, watched

torch.set_num_threads(1)
HERE = Path(__file__).name


class Recorder(TorchFunctionMode):
    """While entered, embedding look-ups, indexing by tensors, class ids and sparse products are recorded."""

    def __init__(self) -> None:
        super().__init__()
        self.step = 0
        self.streams: dict[tuple[Any, ...], dict[str, Any]] = {}
        self.tables: dict[int, str] = {}
        self.kept: list[Any] = []
        self.origin: dict[int, tuple[Any, list[list[Any]]]] = {}

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name = getattr(func, "__name__", str(func))
        place = _place()
        out = func(*args, **kwargs)
        if name == "embedding":
            self._keep("index", name, place, args[1] if isinstance(args[0], torch.Tensor) else args[0], args[0])
        elif name == "__getitem__" and isinstance(args[1], torch.Tensor) and args[1].dtype == torch.int64:
            if args[0].is_floating_point() and args[0].ndim == 2:
                self._keep("index", name, place, args[1], args[0])
        elif name in ("cross_entropy", "nll_loss"):
            self._keep("target", name, place, args[1], args[0], rows=int(args[0].shape[1]))
        elif name == "mm" and args[0].is_sparse:
            matrix = args[0].coalesce()
            self._keep("edges", "sparse", place, matrix.indices(), args[1], rows=matrix.shape[0], values=matrix.values())
        if isinstance(out, torch.Tensor):
            chain = [list(place)] if place else []
            for value in (*args, *kwargs.values()):
                chain += self._origin(value)
            self.origin[id(out)] = (weakref.ref(out), chain[:6])
        return out

    def _origin(self, tensor: Any) -> list[list[Any]]:
        known = self.origin.get(id(tensor))
        return known[1] if known is not None and known[0]() is tensor else []

    def _keep(
        self, kind: str, name: str, place: Any, ids: torch.Tensor, table: Any, rows: int = 0, values: Any = None
    ) -> None:
        if isinstance(ids, torch.Tensor) and ids.is_floating_point():
            ids, table = table, ids
        param = ""
        if isinstance(table, torch.nn.Parameter):
            if id(table) not in self.tables:
                self.kept.append(table)
                self.tables[id(table)] = f"p{len(self.tables)}"
            param = self.tables[id(table)]
        key = (place, name, param)
        stream = self.streams.setdefault(
            key,
            {
                "id": len(self.streams), "path": place[0], "line": place[1], "scope": "", "function": name,
                "kind": kind, "table": param, "rows": rows or int(table.shape[0]), "columns": int(table.shape[-1]),
                "made_at": self._origin(ids), "flat": [], "calls": [], "size": 0, "cut": False,
                "values": None if values is None else values.detach().numpy().copy(),
            },
        )  # fmt: skip
        if kind == "edges" and stream["calls"]:
            return
        array = ids.detach().numpy()
        shape = array.shape if array.ndim < 3 else (array.shape[0], int(np.prod(array.shape[1:])))
        d0, d1 = (shape[0], -1) if len(shape) == 1 else shape
        stream["calls"].append([self.step, stream["size"], d0, d1])
        stream["flat"].append(array.reshape(-1).astype(np.int32).copy())
        stream["size"] += array.size


def _place() -> tuple[str, int] | None:
    frame = sys._getframe(2)
    while frame is not None:
        name = frame.f_code.co_filename
        if "torch" not in name and Path(name).name != HERE and "importlib" not in name:
            return (Path(name).name, frame.f_lineno)
        frame = frame.f_back
    return None


def record(epochs: Callable[[Callable[[], None]], Iterator[Any]], n_epochs: int = 2) -> Watched:
    """Train and record. epochs: yields after every epoch; it is given the function to call after each step."""
    recorder = Recorder()
    ends: list[int] = []

    def step() -> None:
        recorder.step += 1

    with recorder:
        training = epochs(step)
        for _ in range(n_epochs):
            next(training)
            ends.append(recorder.step)
    streams = list(recorder.streams.values())
    document = {
        "format": 1, "kind": "torch", "epochs": len(ends), "steps": recorder.step, "epoch_ends": ends,
        "streams": [{k: v for k, v in s.items() if k not in ("flat", "calls", "size", "values")} for s in streams],
    }  # fmt: skip
    return watched(
        document,
        {s["id"]: np.concatenate(s["flat"]) for s in streams},
        {s["id"]: np.asarray(s["calls"], np.int32) for s in streams},
        {s["id"]: s["values"] for s in streams if s["values"] is not None},
    )
