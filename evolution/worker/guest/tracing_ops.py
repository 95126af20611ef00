"""Records every torch call of a run as a data-flow graph with a source line on each node.

Calls at the same place with the same function become one node, so the graph is bounded by the code, not
by the data. Nodes are referred to as "o<index>", parameters as "p<index>".
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from .tracing_frames import Limit, Places, StopTracing

MAX_OPS = 3000
MAX_SOURCES = 24
BACKWARD_LIMIT = 3
READING = {"__invert__", "__index__", "__int__"}  # which begin as the names of calls in place do
# Calls that return no tensor but end a flow: the loss, and scores on their way to numpy.
SINKS = {"backward", "numpy", "__array__", "tolist", "item"}


def writes(function: str) -> bool:
    """Whether a call changes a tensor in place: `add_`, `__setitem__`, `__iadd__`; `__getitem__` does not."""
    if function.startswith("__"):
        return function == "__setitem__" or (function.startswith("__i") and function not in READING)
    return function.endswith("_")


class OpRecorder(TorchFunctionMode):
    """While entered, every torch call is recorded under the current `phase`.

    Raises StopTracing out of the call that passes the limit, or of the third `backward` (two training
    steps are enough; an optimizer's second step usually ends the run before). most_backwards: None for no such end.
    """

    def __init__(self, places: Places, limit: Limit, *, most_backwards: int | None = BACKWARD_LIMIT) -> None:
        super().__init__()
        self._most_backwards = most_backwards
        self.phase = "build"
        self.limit = limit
        self.ops: list[dict[str, Any]] = []
        self.parameters: list[dict[str, Any]] = []
        self.backwards = 0
        self.paused = False
        self.looked_up: Any = None  # a LookupRecorder, which is told of calls while a step trains
        self._places = places
        self._index: dict[tuple[str, str, int, str], int] = {}
        self._sources: dict[int, tuple[Any, str]] = {}

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        keywords = kwargs or {}
        if self.limit.reached():
            raise StopTracing
        name = _name(func)
        if name == "backward":
            self.backwards += 1
            if self._is_enough() and self.phase == "train":
                raise StopTracing
        out = func(*args, **keywords)
        if self.looked_up is not None and self.phase == "train" and self.looked_up.reads(name):
            self._note_lookups(name, args, keywords)
        if not self.paused:
            self._record(name, args, keywords, out)
        return out

    def _note_lookups(self, name: str, args: Any, kwargs: dict[str, Any]) -> None:
        place = self._places.here()
        if place is not None and torch.is_grad_enabled():
            self.looked_up.note(name, place, args, kwargs, self.backwards)

    def _is_enough(self) -> bool:
        return self._most_backwards is not None and self.backwards >= self._most_backwards

    def source(self, tensor: Any) -> str | None:
        """The node that made a tensor, or the parameter that it is; None if it came from elsewhere."""
        known = self._sources.get(id(tensor))
        reference = known[1] if known is not None and known[0]() is tensor else None
        # A view made under no_grad refuses to say whether it is a leaf once its base has been written to.
        leaf = tensor.requires_grad and not tensor._is_view() and tensor.is_leaf
        trainable = isinstance(tensor, torch.nn.Parameter) or leaf
        if trainable and (reference is None or not reference.startswith("p")):
            return self.add_parameter(tensor, None)
        return reference

    def add_parameter(self, tensor: Any, data: Any) -> str:
        """Register a trainable leaf. data: the tensor that a Parameter is made from; None for a bare leaf."""
        known = self._sources.get(id(tensor if data is None else data))
        made_by = known[1] if known is not None and known[0]() is (tensor if data is None else data) else ""
        place = self._places.here() or ("", 0, "")
        if data is None and made_by:
            op = self.ops[self._created(int(made_by[1:]))]
            place = (op["path"], op["line"], op["scope"])
        self.parameters.append(
            {
                "path": place[0],
                "line": place[1],
                "shape": list(tensor.shape),
                "name": "",
                "module": -1,
                "data": made_by,
            }
        )
        reference = f"p{len(self.parameters) - 1}"
        self._bind(tensor, reference)
        return reference

    def _created(self, op: int) -> int:
        """Back through calls that work in place (`normal_`, `requires_grad_`) to the one that made the tensor."""
        while writes(self.ops[op]["function"]) and self.ops[op]["inputs"][:1]:
            before = [s for s in self.ops[op]["inputs"][0] if s.startswith("o") and int(s[1:]) < op]
            if not before:
                break
            op = int(before[0][1:])
        return op

    def _bind(self, tensor: Any, reference: str) -> None:
        # Weak: identities are reused, and a strong reference would keep every activation of the step.
        self._sources[id(tensor)] = (weakref.ref(tensor), reference)

    def _record(self, name: str, args: Any, kwargs: dict[str, Any], out: Any) -> None:
        outputs = list(_tensors(out))
        if not outputs and name == "__setitem__":
            outputs = list(_tensors(args[:1]))
        if not outputs and name not in SINKS:
            return
        place = self._places.here()
        if place is None:
            return
        inputs = list(_tensors((args, kwargs)))
        sources = [self.source(tensor) for tensor in inputs]
        index = self._node(name, place)
        if index < 0:
            return
        op = self.ops[index]
        op["count"] += 1
        if op["count"] == 1:
            op["scalars"] = _scalars(args, kwargs)
            op["in"] = [list(t.shape) for t in inputs[:8]]
            op["out"] = [list(t.shape) for t in outputs[:4]]
            op["dtype"] = str(outputs[0].dtype).replace("torch.", "") if outputs else ""
        self._note_gradients(op, outputs[:1], inputs[:8])
        for position, source in enumerate(sources[:8]):
            while len(op["inputs"]) <= position:
                op["inputs"].append([])
            slot = op["inputs"][position]
            if source and source not in slot and len(slot) < MAX_SOURCES:
                slot.append(source)
        for tensor in outputs:
            known = self._sources.get(id(tensor))
            if known is not None and known[0]() is tensor and known[1].startswith("p"):
                continue  # in place on a parameter: it stays that parameter
            if isinstance(tensor, torch.nn.Parameter):
                continue
            self._bind(tensor, f"o{index}")

    @staticmethod
    def _note_gradients(op: dict[str, Any], outputs: list[Any], inputs: list[Any]) -> None:
        """Count the calls whose result, and whose tensor at each position, has a gradient to come."""
        counted = op["grads"]
        graded = [bool(outputs) and outputs[0].requires_grad, *(tensor.requires_grad for tensor in inputs)]
        counted += [0] * (len(graded) - len(counted))
        for place, one in enumerate(graded):
            counted[place] += int(one)

    def _node(self, name: str, place: tuple[str, int, str]) -> int:
        key = (self.phase, place[0], place[1], name)
        if key not in self._index:
            if len(self.ops) >= MAX_OPS:
                return -1
            self._index[key] = len(self.ops)
            self.ops.append(
                {
                    "phase": self.phase,
                    "function": name,
                    "path": place[0],
                    "line": place[1],
                    "scope": place[2],
                    "inputs": [],
                    "in": [],
                    "out": [],
                    "dtype": "",
                    "scalars": {},
                    "count": 0,
                    "grads": [],
                }
            )
        return self._index[key]


def _name(func: Any) -> str:
    name = getattr(func, "__name__", type(func).__name__)
    if name in ("__get__", "__set__"):
        return str(getattr(getattr(func, "__self__", None), "__name__", name))
    return str(name)


def _tensors(value: Any, depth: int = 4) -> Iterator[Any]:
    if isinstance(value, torch.Tensor):
        yield value
    elif depth and isinstance(value, (list, tuple)):
        for part in value:
            yield from _tensors(part, depth - 1)
    elif depth and isinstance(value, dict):
        for part in value.values():
            yield from _tensors(part, depth - 1)


def _scalars(args: Any, kwargs: dict[str, Any]) -> dict[str, Any]:
    """Plain arguments: positional ones as "0", "1", ...; numbers, short strings and short lists of ints."""
    named = [(str(i), value) for i, value in enumerate(args)] + list(kwargs.items())
    kept: dict[str, Any] = {}
    for name, value in named:
        if isinstance(value, (bool, int)) or (isinstance(value, str) and len(value) < 40):
            kept[name] = value
        elif isinstance(value, float):
            kept[name] = value if abs(value) < 1e300 else str(value)
        elif isinstance(value, (tuple, list)) and len(value) <= 6 and all(isinstance(v, int) for v in value):
            kept[name] = list(value)
    return kept
