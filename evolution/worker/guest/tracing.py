"""Traces a few training steps and one scoring of a recommender: which line of the repo does what.

What comes out is plain data; `diagnosis.roles` reads it. Needs nothing but the standard library; where the
repo uses torch, its calls are recorded (`tracing_ops`, `tracing_sites`); without torch only the executed
lines are known.

The trace:
    format      1
    kind        "torch" or "python"
    note, error what a reader should know; the traceback of candidate code that failed under tracing
    seconds, steps
    ops         {"phase": "build" | "train" | "score", "function", "path", "line", "scope", "inputs", "in",
                "out", "dtype", "scalars", "count"}: a torch call at a place. inputs: for each tensor
                argument the nodes it came from, "o<index of op>" or "p<index of parameter>". in, out: shapes
                and scalars: plain arguments (positional ones as "0", "1", ...), of the first call.
    parameters  {"path", "line", "shape", "name", "module", "data"}: module is an index, -1 for none
    modules     {"type", "path", "line", "name", "library"}: library: a class of torch's own
    optimizers  {"type", "path", "line", "defaults", "groups", "decays": of each group, "parameters"}
    loaders     {"path", "line", "phase", "sampler", "batch_size", "rows", "drops_last", "trained"}: torch DataLoaders;
                trained: fit iterates it
    step_sites  {"path", "line", "type"}: where an optimizer's step is called
    score       {"sources": nodes that made the scores, "shape", "requires_grad"}; {} if not traced
    numbering   what `numbering_fit` says of an adapter's ids; {} if nothing is known
    executed, executed_training
                {path: lines}: lines that ran at all, and during fit
Paths are relative to the root, with "/"; lines count from 1.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from .failures import traceback_of
from .tracing_frames import Limit, LineTracer, Places, StopTracing

EPOCHS = 3
NO_STEP = "no training step was traced: findings about training stand on coarser lines"


def trace_smoke(
    build: Callable[[], Any],
    *,
    root: str,
    seconds: float,
    score_batch: tuple[Any, Any] | None = None,
    data: Any = None,
) -> dict[str, Any]:
    """Build, train for at most two steps, score one batch; the trace as in the module's docstring.

    seconds limits build and fit together (see `Limit`); scoring gets a further quarter. An exception of candidate code
    is kept as `error` beside what was traced until then. The repo's modules must have been imported
    before: that is how torch is noticed. Everything that is patched meanwhile is restored. data: the training events; with them the
    numbering of an adapter is held against what the steps look up.
    """
    started = time.monotonic()
    run = _Run(root, Limit(seconds))
    with ExitStack() as stack:
        if "torch" in sys.modules:
            run.record_torch(stack, data)
        run.guarded(lambda: run.train(build))
        run.limit_by(Limit(seconds / 4))
        if score_batch is not None and run.recommender is not None:
            users, histories = score_batch
            run.guarded(lambda: run.score(users, histories))
        if data is not None:
            run.guarded(lambda: run.compare_numbering(data))
        run.limit_by(
            Limit(seconds)
        )  # names of parameters are looked up under the recorder, however late it is
        trace = run.result()
    trace["seconds"] = round(time.monotonic() - started, 3)
    return trace


class _Run:
    def __init__(self, root: str, limit: Limit) -> None:
        self.recommender: Any = None
        self._places = Places(root)
        self._limit = limit
        self._lines: dict[str, dict[str, set[int]]] = {}
        self._errors: list[str] = []
        self._ops: Any = None
        self._sites: Any = None
        self._score: dict[str, Any] = {}
        self._numbering: dict[str, Any] = {}

    def record_torch(self, stack: ExitStack, data: Any) -> None:
        from .tracing_ops import OpRecorder
        from .tracing_sites import SiteRecorder

        self._ops = stack.enter_context(OpRecorder(self._places, self._limit))
        self._sites = stack.enter_context(SiteRecorder(self._places, self._ops))
        if data is not None:
            from .looked_up import LookupRecorder

            self._ops.looked_up = LookupRecorder(int(data.n_items), min(data.n_items, data.n_users) // 2)

    def limit_by(self, limit: Limit) -> None:
        self._limit = limit
        if self._ops is not None:
            self._ops.limit = limit

    def guarded(self, action: Callable[[], None]) -> None:
        try:
            action()
        except StopTracing:
            pass
        except Exception as error:  # noqa: BLE001 -- candidate code: its failure is data, and the trace until then is of use
            self._errors.append(traceback_of(error)[-4000:])

    def _phase(self, name: str) -> LineTracer:
        if self._ops is not None:
            self._ops.phase = name
        tracer = LineTracer(self._places, self._limit)
        self._lines[name] = tracer.lines
        return tracer

    def train(self, build: Callable[[], Any]) -> None:
        with self._phase("build"):
            self.recommender = build()
        with self._phase("train"):
            epochs = iter(self.recommender.fit())
            for _ in range(EPOCHS):
                if next(epochs, None) is None:
                    break

    def score(self, users: Any, histories: Any) -> None:
        with self._phase("score"):
            scores = self.recommender.score(users, histories)
        shape = [int(n) for n in getattr(scores, "shape", ())]
        self._score = {
            "sources": [],
            "shape": shape,
            "requires_grad": bool(getattr(scores, "requires_grad", False)),
        }
        if self._ops is None:
            return
        if hasattr(scores, "requires_grad"):
            source = self._ops.source(scores)
            self._score["sources"] = [source] if source else []
        else:  # numpy: the last tensor of that width that left torch
            leaving = ("numpy", "__array__", "tolist")
            for index, op in enumerate(self._ops.ops):
                if (
                    op["phase"] == "score"
                    and op["function"] in leaving
                    and op["in"]
                    and shape[-1:] == op["in"][0][-1:]
                ):
                    self._score["sources"] = [f"o{index}"]

    def compare_numbering(self, data: Any) -> None:
        """Hold what was looked up against the log, for a recommender that says how it numbers items."""
        kept = getattr(self._ops, "looked_up", None)
        ids = getattr(self.recommender, "ids", None) if kept is not None else None
        if kept is not None and hasattr(ids, "items") and hasattr(ids, "users"):
            from .numbering_fit import numbering_fit

            self._numbering = numbering_fit(kept.kept, data, ids)

    def result(self) -> dict[str, Any]:
        merged: dict[str, set[int]] = {}
        for lines in self._lines.values():
            for path, numbers in lines.items():
                merged.setdefault(path, set()).update(numbers)
        training = self._lines.get("train", {})
        trace: dict[str, Any] = {
            "format": 1,
            "kind": "python",
            "note": "the repo makes no torch calls: only executed lines are known, anchors are coarser",
            "error": "\n".join(self._errors),
            "steps": 0,
            "score": self._score,
            "numbering": self._numbering,
            "executed": {path: sorted(numbers) for path, numbers in merged.items()},
            "executed_training": {path: sorted(numbers) for path, numbers in training.items()},
        }
        lists = ("modules", "ops", "parameters", "optimizers", "loaders", "step_sites")
        trace.update({name: [] for name in lists})
        if self._ops is not None and (self._ops.ops or self._ops.parameters):
            trace.update(
                kind="torch",
                note="" if self._sites.n_steps else NO_STEP,
                steps=self._sites.n_steps,
                modules=self._sites.name_parameters(),
                ops=self._ops.ops,
                parameters=self._ops.parameters,
                optimizers=self._sites.optimizers,
                loaders=self._sites.loaders,
                step_sites=self._sites.steps,
            )
        return trace
