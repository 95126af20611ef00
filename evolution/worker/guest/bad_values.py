"""Finds the first value of a training that is not finite: which call gave it, on which line, in which step.

An epoch that is known to end in nan is trained once more, with each result looked at. Infinities that a repo writes down
itself, as masks do, are none; an infinity that a call made of finite numbers is told where it later gives nan.
"""

from __future__ import annotations

import math
import re
import sys
import warnings
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import numpy as np

from .tracing_frames import Limit, Places, StopTracing

TOLD_BY_AUTOGRAD = re.compile(r"Function '(\w+?)(?:Backward\d*)?' returned nan")
FRAME = re.compile(r'File "([^"]+)", line (\d+)')


def find_bad_value(build: Callable[[], Any], *, root: str, epochs: int, seconds: float) -> dict[str, Any]:
    """{"path", "line", "function", "step" (in the last of `epochs`, from 1), "value", "largest_weight"}, or {}.

    Trains a recommender of its own for `epochs` epochs, the last one watched, unless `seconds` pass before.
    """
    places, limit = Places(root), Limit(seconds)
    model = build()
    running = iter(model.fit())
    for _ in range(epochs - 1):
        if limit.reached() or next(running, None) is None:
            return {}
    if "torch" not in sys.modules:
        return _of_numpy(lambda: next(running, None), places)
    return _of_torch(lambda: next(running, None), places, limit)


def _of_numpy(epoch: Callable[[], Any], places: Places) -> dict[str, Any]:
    try:
        with np.errstate(invalid="raise"):
            epoch()
    except FloatingPointError as error:
        step, place = error.__traceback__, ("", 0)
        while step is not None:
            path = places.path(step.tb_frame.f_code.co_filename)
            place = (path, step.tb_lineno) if path is not None else place
            step = step.tb_next
        return _found(place, str(error), 0, "nan", 0.0) if place[0] else {}
    return {}


def _of_torch(epoch: Callable[[], Any], places: Places, limit: Limit) -> dict[str, Any]:
    import torch
    import torch.optim.optimizer as torch_optimizer

    watch = _watch(places, limit)
    told: list[Any] = []
    try:
        with ExitStack() as stack:
            told = stack.enter_context(warnings.catch_warnings(record=True))
            warnings.simplefilter("always")
            stack.enter_context(torch.autograd.set_detect_anomaly(True))
            stack.enter_context(watch)
            if hasattr(torch_optimizer, "register_optimizer_step_pre_hook"):
                stack.callback(torch_optimizer.register_optimizer_step_pre_hook(watch.before_step).remove)
            epoch()
    except StopTracing:
        pass
    except RuntimeError as error:
        named = TOLD_BY_AUTOGRAD.search(str(error))
        if named is None:
            raise
        place = _place_in("\n".join(str(warning.message) for warning in told), places) or watch.backward_at
        watch.found = _found(place, f"the gradient of {named[1].lower()}", watch.step, "nan", watch.largest())
    return watch.found


def _place_in(text: str, places: Places) -> tuple[str, int] | None:
    """The innermost line of the repo in a traceback that autograd printed of the forward call."""
    known = [(places.path(path), int(line)) for path, line in FRAME.findall(text)]
    inside = [(path, line) for path, line in known if path is not None]
    return inside[-1] if inside else None


def _found(place: Any, function: str, step: int, value: str, largest: float) -> dict[str, Any]:
    largest = largest if math.isfinite(largest) else 0.0
    path, line = place[:2] if place else ("", 0)
    return {
        "path": path,
        "line": line,
        "function": function,
        "step": step,
        "value": value,
        "largest_weight": largest,
    }


def _watch(places: Places, limit: Limit) -> Any:
    """A mode that looks at each result. Its class is made here, as torch is imported only where the repo has it."""
    import torch
    from torch.overrides import TorchFunctionMode

    from .tracing_ops import _name, _tensors

    class BadValueWatch(TorchFunctionMode):
        def __init__(self) -> None:
            super().__init__()
            self.found: dict[str, Any] = {}
            self.step = 1
            self.backward_at: Any = ("", 0, "")
            self._parameters: list[Any] = []
            self._origins: dict[int, tuple[Any, dict[str, Any]]] = {}

        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            keywords = kwargs or {}
            if limit.reached():
                raise StopTracing
            name = _name(func)
            if name == "backward":
                self._before_backward(args)
            inputs = [(t, self._origin(t), _bad(t)) for t in _tensors((args, keywords))]
            out = func(*args, **keywords)
            for result in _tensors(out):
                self._look(name, inputs, result, _written_down(args, keywords))
            return out

        def largest(self) -> float:
            sizes = [float(p.detach().abs().max()) for p in self._parameters if p.numel()]
            return max(sizes, default=0.0)

        def before_step(self, optimizer: Any, args: Any, kwargs: Any) -> None:
            self._parameters = [p for group in optimizer.param_groups for p in group["params"]]
            for parameter in self._parameters:
                value = _bad(parameter.grad) if parameter.grad is not None else ""
                if value:
                    self._stop(_found(self.backward_at, "backward", self.step, value, self.largest()))
            self.step += 1

        def _before_backward(self, args: Any) -> None:
            self.backward_at = places.here() or self.backward_at
            value = _bad(args[0]) if args else ""
            if value:
                here = _found(self.backward_at, "the loss", self.step, value, self.largest())
                self._stop(self._origin(args[0]) or here)

        def _origin(self, tensor: Any) -> dict[str, Any]:
            known = self._origins.get(id(tensor))
            return known[1] if known is not None and known[0]() is tensor else {}

        def _look(self, name: str, inputs: Any, result: Any, written: bool) -> None:
            value = _bad(result)
            if not value:
                return
            origin = next((known for _, known, _ in inputs if known), {})
            was_bad = [bad for _, _, bad in inputs if bad]
            if not origin and not was_bad and written:
                return  # an infinity that the repo writes down itself
            here = places.here()
            if not origin and here is not None and (value == "nan" or not was_bad):
                origin = _found(here, name, self.step, value, self.largest())
            if value == "nan" and origin:
                self._stop(origin)
            if origin:
                self._origins[id(result)] = (weakref.ref(result), origin)

        def _stop(self, found: dict[str, Any]) -> None:
            self.found = self.found or found
            raise StopTracing

    def _bad(tensor: Any) -> str:
        """ "nan" or "inf" where a tensor of numbers holds one, else ""."""
        values = tensor.detach()
        if not values.is_floating_point() or not values.numel():
            return ""
        values = values._values() if values.is_sparse else values
        if bool(torch.isfinite(values).all()):
            return ""
        return "nan" if bool(torch.isnan(values).any()) else "inf"

    return BadValueWatch()


def _written_down(args: Any, kwargs: dict[str, Any]) -> bool:
    return any(math.isinf(value) for value in _numbers((args, kwargs)))


def _numbers(value: Any, depth: int = 3) -> Iterator[float]:
    if isinstance(value, float):
        yield value
    elif depth and isinstance(value, (list, tuple)):
        for part in value:
            yield from _numbers(part, depth - 1)
    elif depth and isinstance(value, dict):
        for part in value.values():
            yield from _numbers(part, depth - 1)
