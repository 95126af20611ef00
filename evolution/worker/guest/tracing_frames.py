"""Which line of the user's repo is at work: frames and executed lines, restricted to the repo's own files."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Place = tuple[str, int, str]  # path relative to the root with "/", line from 1, name of the function
LIBRARIES = {"site-packages", "dist-packages", ".venv", "venv", ".evolverec"}
KIT = "evolverec_kit.py"  # which adapters are written with: in the repo, and no more at work in it than a library


class StopTracing(BaseException):
    """Ends the traced run from inside. No `Exception`: the user's own handlers must not catch it."""


class Limit:
    """How long a traced run may go on: `seconds` of the clock and of its thread, and PATIENCE times the clock.

    The thread's own time, because on a busy machine the clock runs out before the first step; the clock all the
    same, because a run that sleeps uses none. To be asked on the thread that is traced; a thread that is first seen
    later has its seconds from then on.
    """

    PATIENCE = 3

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._ends, self._given_up = time.monotonic() + seconds, time.monotonic() + self.PATIENCE * seconds
        self._used_up = {threading.get_ident(): time.thread_time() + seconds}

    def reached(self) -> bool:
        thread, now = threading.get_ident(), time.monotonic()
        if thread not in self._used_up:
            self._used_up[thread] = time.thread_time() + self._seconds
        return now > self._ends and (now > self._given_up or time.thread_time() > self._used_up[thread])


class Places:
    """Maps code to the repo's files. `root` is the repo's folder."""

    def __init__(self, root: str) -> None:
        self._root = os.path.realpath(root)
        self._known: dict[str, str | None] = {}
        self._kits: set[str] = set()
        self._outermost: Any = None

    @contextlib.contextmanager
    def below(self, frame: Any) -> Iterator[None]:
        """Meanwhile only what this frame calls is a place: a score that is asked for within a step is not the step's line."""
        before, self._outermost = self._outermost, frame
        try:
            yield
        finally:
            self._outermost = before

    def path(self, filename: str) -> str | None:
        """Path relative to the root, with "/"; None for libraries, the adapter's kit and everything outside."""
        if filename not in self._known:
            found = self._relative(filename)
            if found is not None and found.rpartition("/")[2] == KIT:
                self._kits.add(filename)
                found = None
            self._known[filename] = found
        return self._known[filename]

    def _relative(self, filename: str) -> str | None:
        if filename.startswith("<"):
            return None
        real = os.path.realpath(filename)
        if not real.startswith(self._root + os.sep):
            return None
        parts = Path(real).relative_to(self._root).parts
        return None if LIBRARIES.intersection(parts) else "/".join(parts)

    def here(self, building: Any = None) -> Place | None:
        """The innermost frame inside the root; where only the kit is at work, as when it scores, its frame.

        building: an object whose own `__init__` frames are passed over, so that a class of the repo is
        placed where it is called, not at its `super().__init__()`.
        """
        frame = sys._getframe(1)
        kit: Place | None = None
        while frame is not None and frame is not self._outermost:
            filename = frame.f_code.co_filename
            path = self.path(filename)
            if path is not None and not (building is not None and _initialises(frame, building)):
                return path, frame.f_lineno, frame.f_code.co_name
            if kit is None and filename in self._kits:
                kit = KIT, frame.f_lineno, frame.f_code.co_name
            frame = frame.f_back
        return kit

    def around(self) -> list[Place]:
        """All frames inside the root, innermost first."""
        found: list[Place] = []
        frame = sys._getframe(1)
        while frame is not None and frame is not self._outermost:
            path = self.path(frame.f_code.co_filename)
            if path is not None:
                found.append((path, frame.f_lineno, frame.f_code.co_name))
            frame = frame.f_back
        return found


def _initialises(frame: Any, building: Any) -> bool:
    code = frame.f_code
    return (
        code.co_name == "__init__"
        and code.co_argcount > 0
        and frame.f_locals.get(code.co_varnames[0]) is building
    )


class LineTracer:
    """Context manager: collects the executed lines of the repo's files, and stops at the limit.

    Only the calling thread is traced.
    """

    def __init__(self, places: Places, limit: Limit) -> None:
        self.lines: dict[str, set[int]] = {}
        self._places, self._limit = places, limit
        self._tracers: dict[str, Any] = {}
        self._before: Any = None

    def __enter__(self) -> LineTracer:
        self._before = sys.gettrace()
        sys.settrace(self._on_call)
        return self

    def __exit__(self, *exception: Any) -> None:
        sys.settrace(self._before)

    def _on_call(self, frame: Any, event: str, argument: Any) -> Any:
        path = self._places.path(frame.f_code.co_filename)
        if path is None:
            return None
        if path not in self._tracers:
            self._tracers[path] = self._on_line(self.lines.setdefault(path, set()))
        self.lines[path].add(frame.f_lineno)
        return self._tracers[path]

    def _on_line(self, lines: set[int]) -> Any:
        reached, add = self._limit.reached, lines.add

        def trace(frame: Any, event: str, argument: Any) -> Any:
            if event == "line":
                add(frame.f_lineno)
                if reached():
                    raise StopTracing
            return trace

        return trace
