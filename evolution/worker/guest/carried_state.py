"""What a recommender carries from call to call: its attributes, and the globals of the repo's modules.

Each is known by a path such as `net.memory`. Its digest tells whether an answer has changed it.
"""

from __future__ import annotations

import hashlib
import itertools
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
IN_CONTAINER = 200
CONTAINERS = (dict, list, tuple, set)
PROGRAM = (type, types.FunctionType, types.BuiltinFunctionType, types.MethodType)  # code, not state


def changes(score: Any, model: Any, places: Places, limit: Limit) -> list[dict[str, Any]]:
    """What two answers change: {"name", "generator", "path", "line"}; path "" where the line was not found.

    generator: whether it is a generator of random numbers.
    """
    before = {part.name: _digest(part.value) for part in carried(model, places)}
    score()
    changed = [part for part in carried(model, places) if before.get(part.name) != _digest(part.value)]
    if not changed:
        return []
    watch = _Watch(changed[:CHANGED_AT_MOST], places, limit)
    watch.run(score)
    told = []
    for part in changed[:CHANGED_AT_MOST]:
        path, line = watch.at.get(part.name, ("", 0))
        told.append({"name": part.name, "generator": _is_generator(part.value), "path": path, "line": line})
    return told


class Part:
    """A plain value that is carried, and the dictionary that has it under `key`; of a list, tuple or set its length."""

    __slots__ = ("holder", "key", "name", "value")

    def __init__(self, name: str, value: Any, holder: Any, key: Any) -> None:
        self.name, self.value, self.holder, self.key = name, value, holder, key

    def now(self) -> Any:
        """The value that is there at present; the one known before where it cannot be looked up."""
        if not isinstance(self.holder, dict):
            return self.value
        value = self.holder.get(self.key)
        return value if _is_plain(value) else len(value) if isinstance(value, CONTAINERS) else None


def carried(model: Any, places: Places) -> Iterator[Part]:
    """All plain values that hang on the recommender or on a module of the repo, by their path."""
    seen: set[int] = set()
    roots = [("", model)]
    for name, module in list(sys.modules.items()):
        filename = getattr(module, "__file__", None)
        if isinstance(filename, str) and Path(filename).is_file() and places.path(filename) is not None:
            roots.append((name, module))
    parts = itertools.chain.from_iterable(
        _walk(Part(name, root, None, None), seen, 0) for name, root in roots
    )
    yield from itertools.islice(parts, MOST)


def _walk(part: Part, seen: set[int], depth: int) -> Iterator[Part]:
    value = part.value
    if _is_plain(value):
        yield part
        return
    if depth > DEEPEST or id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, CONTAINERS):
        yield Part(part.name, len(value), part.holder, part.key)
        pairs = value.items() if isinstance(value, dict) else enumerate(list(value))
        for key, inner in list(pairs)[:IN_CONTAINER]:
            yield from _walk(Part(f"{part.name}[{key!r:.40}]", inner, value, key), seen, depth + 1)
        return
    for holder, key in _held_by(value):
        yield from _walk(Part(_joined(part.name, key), holder[key], holder, key), seen, depth + 1)


def _held_by(value: Any) -> Iterator[tuple[dict[str, Any], str]]:
    """Where the attributes of an object are; of a torch module without the dictionaries in which it keeps them."""
    held = getattr(value, "__dict__", None)
    if not isinstance(held, dict) or isinstance(value, PROGRAM):
        return
    for key, part in list(held.items()):
        if key in ("_parameters", "_buffers", "_modules") and isinstance(part, dict):
            yield from ((part, inner) for inner in list(part))
        elif isinstance(key, str) and not key.startswith("__") and not isinstance(part, types.ModuleType):
            yield held, key


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
    """Looks after each line of the repo whether one of the parts has become another. at: name -> (path, line)."""

    def __init__(self, parts: list[Part], places: Places, limit: Limit) -> None:
        self.at: dict[str, tuple[str, int]] = {}
        self._parts, self._places, self._limit = parts, places, limit
        self._known = {part.name: (_glance(part.now()), _digest(part.now())) for part in parts}
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

    def _on_call(self, frame: Any, event: str, argument: Any) -> Any:
        path = self._places.path(frame.f_code.co_filename)
        return None if path is None else lambda *event: self._trace(path, *event)

    def _trace(self, path: str, frame: Any, event: str, argument: Any) -> Any:
        if event in ("line", "return"):
            if self._limit.reached() or len(self.at) == len(self._parts):
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
        for part in self._parts:
            value = part.now()
            glance = _glance(value)
            if part.name in self.at or (glance is not None and glance == self._known[part.name][0]):
                continue
            digest = _digest(value)
            if digest != self._known[part.name][1]:
                self.at[part.name] = place
            self._known[part.name] = (glance, digest)


def _glance(value: Any) -> Any:
    """What is the same as long as a value is; None where only its digest tells."""
    return (id(value), value._version) if _is_tensor(value) and not value.is_inference() else None
