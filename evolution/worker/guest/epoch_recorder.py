"""The recorder behind `epoch_watch`: all calls of the first steps, and of the later ones those that read ids."""

from __future__ import annotations

import weakref
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch

from .array_births import ArrayBirths
from .epoch_learning import LearningWatch
from .epoch_streams import Streams, lookups, reads_ids
from .epoch_watch import CHAIN, FULL_STEPS
from .id_origins import IdOrigins
from .tracing_frames import Limit, Places, StopTracing
from .tracing_ops import OpRecorder, _name, _tensors, writes
from .tracing_sites import SiteRecorder

# What makes infinite values on purpose: masks, and their tensors.
_MASKING = (
    "masked_fill",
    "fill",
    "full",
    "where",
    "tensor",
    "triu",
    "tril",
    "set",
    "scatter",
    "clamp",
    "new",
    "zeros",
)


class EpochRecorder(OpRecorder):
    """Enter with `enter`. learning, streams: what was seen."""

    def __init__(self, places: Places, *, n_items: int, least_rows: int, suspect_from: int | None) -> None:
        super().__init__(places, Limit(float("inf")), most_backwards=None)
        self.streams = Streams(n_items, least_rows)
        self.learning = LearningWatch(places, self)
        self._births = ArrayBirths(places)
        self._origins = IdOrigins(places.here, self._births.of, self._births.on_line)
        self._sites = SiteRecorder(places, self, last_step=None)
        self._suspect_from = suspect_from
        self._not_finite: dict[str, Any] = {}
        self._most_steps = 0
        self._built: dict[int, tuple[Any, list[Any]]] = {}
        self._used: dict[str, int] = {}  # parameter -> calls of the first steps that took it
        self._random: dict[tuple[str, int, str], None] = {}

    def enter(self, stack: ExitStack) -> None:
        stack.enter_context(self)
        stack.enter_context(self._births)
        stack.enter_context(self._sites)
        stack.enter_context(self.learning)
        stack.enter_context(self._origins)

    def begin_training(self, limit: Limit, most_steps: int) -> None:
        self.phase, self.limit, self._most_steps = "train", limit, most_steps

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        keywords = kwargs or {}
        if self.paused:
            return func(*args, **keywords)
        name = _name(func)
        if self.phase == "train":
            if name == "backward":
                self.paused = True
                self.streams.begin_turn()
                self.learning.before_backward(args[0] if args else None, self._places.here())
                self.paused = False
            if self.limit.reached() or self.learning.step > self._most_steps:
                raise StopTracing
        out = func(*args, **keywords)
        self.paused = True
        try:
            self._look(name, args, keywords, out)
        finally:
            self.paused = False
        return out

    def _look(self, name: str, args: Any, kwargs: dict[str, Any], out: Any) -> None:
        in_full = self.phase == "build" or self.learning.step < FULL_STEPS
        if not in_full:
            self._births.__exit__()  # following lines takes time
        if in_full:
            self._record(name, args, kwargs, out)
        self._origins.note(name, args, kwargs, out)
        if self.phase == "build":
            self._note_built(name, args, kwargs, out)
        if self.phase != "train":
            return
        if reads_ids(name):
            self._note_ids(name, args, kwargs)
        suspected = self._suspect_from is not None and self.learning.step >= self._suspect_from
        if suspected and not self._not_finite:
            self._look_for_not_finite(name, args, kwargs, out)

    def _note_ids(self, name: str, args: Any, kwargs: dict[str, Any]) -> None:
        for found in lookups(name, args, kwargs, self.streams.n_items):
            place = self._places.here()
            if place is None:
                return
            table = self.source(found.of) if isinstance(found.of, torch.Tensor) else None
            self.streams.note(
                name,
                place,
                found,
                self.learning.step,
                table=table if table and table.startswith("p") else "",
                made_at=self._made_at,
            )

    def made_at(self, tensor: Any) -> list[list[Any]]:
        """[[path, line, function]] where a tensor was made or written to while building, [] where that is not known."""
        known = self._built.get(id(tensor))
        if known is not None and known[0]() is tensor:
            return [known[1]]
        chain = self._origins.of(tensor)
        return [list(place) for place in chain[-1:]]

    def _note_built(self, name: str, args: Any, kwargs: dict[str, Any], out: Any) -> None:
        """Remember what made a result, unless the call only handed it on."""
        given = {id(one) for one in _tensors((args, kwargs))}
        place = self._places.here()
        for one in _tensors(args[:1] if name == "__setitem__" else out):
            if place is not None and (writes(name) or id(one) not in given):
                self._built[id(one)] = (weakref.ref(one), [place[0], place[1], name])

    def _made_at(self, tensor: Any) -> list[list[Any]]:
        """Where an id tensor came from, nearest first: the calls that made it, through their first tensor argument."""
        known = self._origins.of(tensor)
        if known or not isinstance(tensor, torch.Tensor):  # a list, or an array of numpy's
            return [list(place) for place in known[:CHAIN]]
        source = self.source(tensor)
        chain: list[list[Any]] = []
        while source is not None and source.startswith("o") and len(chain) < CHAIN:
            op = self.ops[int(source[1:])]
            if not chain or chain[-1][:2] != [op["path"], op["line"]]:
                chain.append([op["path"], op["line"], op["function"]])
            earlier = [
                s for slot in op["inputs"] for s in slot if s.startswith("o") and int(s[1:]) < int(source[1:])
            ]
            source = earlier[0] if earlier else None
        return chain

    def _look_for_not_finite(self, name: str, args: Any, kwargs: dict[str, Any], out: Any) -> None:
        for tensor in out if isinstance(out, (tuple, list)) else (out,):
            if not (isinstance(tensor, torch.Tensor) and tensor.is_floating_point() and not tensor.is_sparse):
                continue
            is_nan = bool(torch.isnan(tensor).any())
            if not is_nan and (not bool(torch.isinf(tensor).any()) or self._is_masking(name, args, kwargs)):
                continue
            place = self._places.here()
            if place is not None:
                self._not_finite = {
                    "path": place[0],
                    "line": place[1],
                    "function": name,
                    "step": self.learning.step,
                    "value": "nan" if is_nan else "inf",
                }

    def _is_masking(self, name: str, args: Any, kwargs: dict[str, Any]) -> bool:
        if any(part in name for part in _MASKING):
            return True
        given = [value for value in (*args, *kwargs.values()) if isinstance(value, torch.Tensor)]
        return any(bool(torch.isinf(value).any()) for value in given if value.is_floating_point())

    def document(self, folder: Path) -> dict[str, Any]:
        """What was seen, without what only the caller knows."""
        modules = self._sites.name_parameters()
        return {
            "format": 1,
            "kind": "torch",
            "steps": self.learning.step,
            "optimizer_steps": self.learning.optimizer_steps,
            "streams": self.streams.documents(folder),
            "parameters": self._parameters(),
            "non_finite": self._not_finite,
            "trace": {
                "ops": self.ops,
                "parameters": self.parameters,
                "modules": modules,
                "optimizers": self._sites.optimizers,
                "loaders": self._sites.loaders,
                "step_sites": self._sites.steps,
            },
            **self.learning.summary(),
        }

    def _parameters(self) -> list[dict[str, Any]]:
        """One record for each parameter of the trace, in its order, with what was learned of it."""
        held = {
            reference: tensor() for tensor, reference in self._sources.values() if reference.startswith("p")
        }
        used = {s for op in self.ops if op["phase"] == "train" for slot in op["inputs"] for s in slot}
        records = []
        for number, facts in enumerate(self.parameters):
            tensor = held.get(f"p{number}")
            learner = None if tensor is None else self.learning.learners.get(id(tensor))
            records.append(
                {
                    "name": facts["name"],
                    "path": facts["path"],
                    "line": facts["line"],
                    "shape": facts["shape"],
                    "alive": tensor is not None,
                    "requires_grad": bool(tensor is not None and tensor.requires_grad),
                    "used": f"p{number}" in used,
                    "optimizer": -1 if learner is None else learner.optimizer,
                    "group": -1 if learner is None else learner.group,
                    "learned": None if learner is None else learner.summary(),
                }
            )
        return records
