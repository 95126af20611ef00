"""What a recommender carries from call to call: its attributes, and the globals of the repo's modules.

Each is known by a path such as `net.memory`. Its digest tells whether an answer has changed it.
"""

from __future__ import annotations

import hashlib
import random
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from .tracing_frames import Limit, Places, StopTracing

DEEPEST = 5
MOST = 4000  # attributes that are looked at
SAMPLE = 65536  # elements of a large array that are hashed
CHANGED_AT_MOST = 20
PROGRAM = (type, types.FunctionType, types.BuiltinFunctionType, types.MethodType)  # code, not state


def changes(score: Any, model: Any, places: Places, limit: Limit) -> list[dict[str, Any]]:
    """What two answers change: {"name", "generator", "path", "line"}; path "" where the line was not found.

    generator: whether it is a generator of random numbers.
    """
    before = {name: _digest(value) for name, value in carried(model, places)}
    score()
    changed = [(name, value) for name, value in carried(model, places) if before.get(name) != _digest(value)][
        :CHANGED_AT_MOST
    ]
    if not changed:
        return []
    watch = _Watch([name for name, _ in changed], model, places, limit)
    watch.run(score)
    told = []
    for name, value in changed:
        path, line = watch.at.get(name, ("", 0))
        told.append({"name": name, "generator": _is_generator(value), "path": path, "line": line})
    return told


def carried(model: Any, places: Places) -> Iterator[tuple[str, Any]]:
    """(path, value) of all plain values that hang on the recommender or on a module of the repo."""
    seen: set[int] = set()
    count = 0
    roots = [("", model)]
    for name, module in list(sys.modules.items()):
        filename = getattr(module, "__file__", None)
        if isinstance(filename, str) and Path(filename).is_file() and places.path(filename) is not None:
            roots.append((name, module))
    for name, root in roots:
        for path, value in _walk(name, root, seen, 0):
            yield path, value
            count += 1
            if count >= MOST:
                return


def _walk(name: str, value: Any, seen: set[int], depth: int) -> Iterator[tuple[str, Any]]:
    if _is_plain(value):
        yield name, value
        return
    if depth > DEEPEST or id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, (dict, list, tuple, set)):
        yield name, len(value)
        pairs = value.items() if isinstance(value, dict) else enumerate(list(value))
        for key, part in list(pairs)[:200]:
            yield from _walk(f"{name}[{key!r:.40}]", part, seen, depth + 1)
        return
    for key, part in _held_by(value):
        yield from _walk(_joined(name, key), part, seen, depth + 1)


def _held_by(value: Any) -> Iterator[tuple[str, Any]]:
    """The attributes of an object; those of a torch module without the dictionaries in which it keeps them."""
    held = getattr(value, "__dict__", None)
    if not isinstance(held, dict) or isinstance(value, PROGRAM):
        return
    for key, part in list(held.items()):
        if key in ("_parameters", "_buffers", "_modules") and isinstance(part, dict):
            yield from list(part.items())
        elif not key.startswith("__") and not isinstance(part, types.ModuleType):
            yield key, part


def _joined(name: str, key: str) -> str:
    return f"{name}.{key}" if name else key


def _is_plain(value: Any) -> bool:
    return (
        value is None
        or isinstance(value, (bool, int, float, str, np.ndarray, np.generic))
        or _is_tensor(value)
        or _is_generator(value)
    )


def _is_tensor(value: Any) -> bool:
    torch: Any = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def _is_generator(value: Any) -> bool:
    torch: Any = sys.modules.get("torch")
    kinds: tuple[Any, ...] = (
        np.random.Generator,
        np.random.RandomState,
        np.random.BitGenerator,
        random.Random,
    )
    return isinstance(value, (*kinds, torch.Generator) if torch is not None else kinds)


def _digest(value: Any) -> str:
    if _is_generator(value):
        return _generator_digest(value)
    if _is_tensor(value):
        plain = value.detach()
        if getattr(plain, "is_sparse", False):
            return f"sparse {id(value)}"
        flat = plain.reshape(-1)
        step = max(1, flat.numel() // SAMPLE)
        return _bytes_digest(flat[::step].cpu().float().numpy(), tuple(value.shape))
    if isinstance(value, np.ndarray):
        flat = value.reshape(-1)
        if value.dtype.kind == "O":
            return f"objects {value.shape}"
        return _bytes_digest(flat[:: max(1, flat.size // SAMPLE)], value.shape)
    return repr(value)[:200]


def _generator_digest(value: Any) -> str:
    if isinstance(value, random.Random):
        return str(hash(value.getstate()))
    if hasattr(value, "bit_generator"):
        return repr(value.bit_generator.state)
    state = value.get_state() if hasattr(value, "get_state") else value.state
    return hashlib.sha256(repr(state if not _is_tensor(state) else state.tolist()).encode()).hexdigest()


def _bytes_digest(array: Any, shape: Any) -> str:
    return f"{tuple(shape)} {hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()}"


class _Watch:
    """Looks after each line of the repo whether one of the named values has become another. at: name -> (path, line)."""

    def __init__(self, names: list[str], model: Any, places: Places, limit: Limit) -> None:
        self.at: dict[str, tuple[str, int]] = {}
        self._names, self._model, self._places, self._limit = set(names), model, places, limit
        self._known = self._look()
        self._last: tuple[str, int] | None = None

    def run(self, score: Any) -> None:
        before = sys.gettrace()
        sys.settrace(self._on_call)
        try:
            score()
        except StopTracing:
            pass
        finally:
            sys.settrace(before)

    def _look(self) -> dict[str, str]:
        return {
            name: _digest(value) for name, value in carried(self._model, self._places) if name in self._names
        }

    def _on_call(self, frame: Any, event: str, argument: Any) -> Any:
        path = self._places.path(frame.f_code.co_filename)
        return None if path is None else lambda *event: self._trace(path, *event)

    def _trace(self, path: str, frame: Any, event: str, argument: Any) -> Any:
        if event in ("line", "return"):
            if self._limit.reached() or len(self.at) == len(self._names):
                raise StopTracing
            if self._last is not None:
                self._compare(self._last)
            self._last = (path, frame.f_lineno) if event == "line" else self._caller(frame)
        return lambda *event: self._trace(path, *event)

    def _caller(self, frame: Any) -> tuple[str, int] | None:
        """The line that goes on once a function has returned."""
        outer = frame.f_back
        while outer is not None:
            path = self._places.path(outer.f_code.co_filename)
            if path is not None:
                return path, outer.f_lineno
            outer = outer.f_back
        return None

    def _compare(self, place: tuple[str, int]) -> None:
        now = self._look()
        for name, digest in now.items():
            if digest != self._known.get(name):
                self.at.setdefault(name, place)
        self._known = now
