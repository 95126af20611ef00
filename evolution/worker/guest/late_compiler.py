"""Keeps `torch._dynamo`, torch's compiler, unloaded until a program compiles.

An optimizer of torch imports the compiler, some 1.5 s of processor time, only to tell it what not to compile: it marks
functions (`disable`) and breaks graphs (`graph_break`), neither of which means anything while nothing is compiled. For that a
stand-in is enough. Whatever else is asked of it, by torch or by the program, loads the real one in its place; functions that
were marked before are marked again then. Where another version of torch does things otherwise, the real one is loaded early,
as without this file.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
import threading
import types
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any

PARENT, CHILD = "torch", "_dynamo"
NAME = f"{PARENT}.{CHILD}"
_KEPT = "__dynamo_disable"  # where torch keeps a marked function


def keep_compiler_unloaded() -> None:
    """To be called before torch is imported; without torch nothing happens."""
    if NAME not in sys.modules and not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


def compiler_is_loaded() -> bool:
    """The real one, and whole."""
    module = sys.modules.get(NAME)
    if module is None or isinstance(module, _StandIn):
        return False
    return not getattr(module.__spec__, "_initializing", False)


@contextlib.contextmanager
def once_loaded(work: Callable[[], object]) -> Iterator[None]:
    """Does `work` when the real one is there: now, or as soon as something in the block asks for it."""
    waiting = [finder.waiting for finder in sys.meta_path if isinstance(finder, _Finder)]
    if compiler_is_loaded():
        work()
        waiting = []
    for works in waiting:
        works.append(work)
    try:
        yield
    finally:
        for works in waiting:
            works.remove(work)


class _StandIn(types.ModuleType):
    """`torch._dynamo` as long as nothing is compiled."""

    def __init__(self, finder: _Finder) -> None:
        super().__init__(NAME, "torch's compiler, not loaded yet")
        self._finder = finder

    def graph_break(self, *args: Any, **kwargs: Any) -> None:
        if compiler_is_loaded():
            self._finder.load().graph_break(*args, **kwargs)

    def disable(self, fn: Any = None, *args: Any, **kwargs: Any) -> Any:
        if compiler_is_loaded() or not isinstance(fn, types.FunctionType):
            return self._finder.load().disable(fn, *args, **kwargs)
        marked = _Marked(fn, args, kwargs)
        self._finder.marked.add(marked)
        return marked.call

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name != "__all__":  # the import system asks for what a module may lack
            raise AttributeError(name)
        return getattr(self._finder.load(), name)

    def __setattr__(self, name: str, value: Any) -> None:
        """What a program puts in the place of a part of the compiler goes to the real one, which would not have it otherwise."""
        if name.startswith("_") or name in vars(
            _StandIn
        ):  # the import system's, and what is ours and asked here
            super().__setattr__(name, value)
        else:
            setattr(self._finder.load(), name, value)

    def __delattr__(self, name: str) -> None:
        if name in vars(self):
            super().__delattr__(name)
        else:
            delattr(self._finder.load(), name)


class _Marked:
    """A function that the real compiler is told to leave alone once it is there."""

    def __init__(self, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._fn, self._args, self._kwargs = fn, args, kwargs
        self._now = fn

        @functools.wraps(fn)
        def call(*given: Any, **named: Any) -> Any:
            return self._now(*given, **named)

        self.call = call

    def mark(self, real: Any) -> None:
        self._now = real.disable(self._fn, *self._args, **self._kwargs)
        if (
            getattr(self._fn, _KEPT, None) is self.call
        ):  # torch keeps what it was given; without a call between it is faster
            setattr(self._fn, _KEPT, self._now)


class _Finder(importlib.abc.MetaPathFinder):
    """Gives the stand-in for `torch._dynamo`, and the real one where a part of it is imported by name."""

    def __init__(self) -> None:
        # Earlier versions of torch mark an optimizer's functions anew at each step: only those in use are kept.
        self.marked: weakref.WeakSet[_Marked] = weakref.WeakSet()
        self.waiting: list[Callable[[], object]] = []
        self._lock = threading.Lock()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: Any = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname == NAME:
            found = importlib.machinery.PathFinder.find_spec(fullname, path)
            if found is None or found.origin is None:
                return None
            return importlib.util.spec_from_file_location(
                fullname,
                found.origin,
                loader=_Made(_StandIn(self)),
                submodule_search_locations=list(found.submodule_search_locations or []),
            )
        if fullname.startswith(NAME + "."):
            self.load()
            loaded = sys.modules.get(fullname)
            return None if loaded is None else importlib.machinery.ModuleSpec(fullname, _Made(loaded))
        return None

    def load(self) -> Any:
        """The real module, from now on in the stand-in's place; not whole yet where its own import asks.

        No lock of ours is held while it is imported: the import system's own know threads that wait for each other.
        """
        with self._lock:
            is_first = self in sys.meta_path
            if is_first:
                sys.meta_path.remove(self)
                sys.modules.pop(NAME, None)
                # set by the import system, as it will be for the real one
                vars(sys.modules[PARENT]).pop(CHILD, None)
        real = importlib.import_module(NAME)
        if is_first:
            for marked in list(self.marked):
                marked.mark(real)
            for work in list(self.waiting):
                work()
        return real


class _Made(importlib.abc.Loader):
    """Loads a module that is there already."""

    def __init__(self, module: types.ModuleType) -> None:
        self._module = module
        self._own_spec = getattr(module, "__spec__", None)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        return self._module

    def exec_module(self, module: types.ModuleType) -> None:
        if self._own_spec is not None:  # the import system has put its own in the place of the true one
            module.__spec__ = self._own_spec
