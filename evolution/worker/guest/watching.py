"""Which lines of the program run at all: on import, while training, while answering.

Unlike the trace of two steps (`tracing`), this only counts lines, and so goes on for whole epochs. Lines that run
in the program's own threads and in processes that it forks (loaders of data) count too: a line is one byte of
memory that parent and children share.
"""

from __future__ import annotations

import contextlib
import math
import mmap
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from .late_compiler import once_loaded
from .tracing_frames import Places, StopTracing


class LineWatch:
    """stopped: (path, line) of every frame that was still at work when time was up, or that waits at a `yield`."""

    def __init__(self, root: str) -> None:
        self.stopped: list[tuple[str, int]] = []
        self._places = Places(root)
        self._tracers: dict[str, Any] = {}  # by file name, as code objects have it
        self._marks: dict[str, Any] = {}
        self._deadline = math.inf
        self._process = os.getpid()

    def lines(self) -> dict[str, list[int]]:
        """Path relative to the root -> lines that ran, from 1."""
        return {
            path: [line for line, mark in enumerate(bytes(marks)) if mark and line]
            for path, marks in self._marks.items()
        }

    def run(self, action: Callable[[], object], *, seconds: float = math.inf) -> bool:
        """Whether the action came to its end in time. What it raises goes on upwards."""
        self._know_imported_files()  # before anything forks: a child cannot share what it alone knows
        self._deadline = time.monotonic() + seconds
        try:
            with self._tracing(), _torch_as_written():
                action()
        except StopTracing as stop:
            self._remember(stop)
            return False
        finally:
            self._deadline = math.inf
        return True

    def waits_at(self, generator: Any) -> None:
        """Remember where a suspended generator waits, and what it delegates to; and where threads of the program's wait,
        as the kit's does that trains one epoch at a time."""
        while generator is not None and getattr(generator, "gi_frame", None) is not None:
            self._stopped_in(generator.gi_frame.f_code, generator.gi_frame.f_lineno)
            generator = generator.gi_yieldfrom
        for innermost in sys._current_frames().values():
            frame: Any = innermost
            while frame is not None:
                self._stopped_in(frame.f_code, frame.f_lineno)
                frame = frame.f_back

    def _remember(self, stop: BaseException) -> None:
        step = stop.__traceback__
        while step is not None:
            self._stopped_in(step.tb_frame.f_code, step.tb_lineno)
            step = step.tb_next

    def _stopped_in(self, code: Any, line: int) -> None:
        path = self._places.path(code.co_filename)
        if path is not None:
            self.stopped.append((path, line))

    @contextlib.contextmanager
    def _tracing(self) -> Iterator[None]:
        before = sys.gettrace()
        sys.settrace(self._on_call)
        threading.settrace(self._on_call)
        try:
            yield
        finally:
            sys.settrace(before)
            threading.settrace(None)  # type: ignore[arg-type] # None is how it is switched off

    def _know_imported_files(self) -> None:
        for module in list(sys.modules.values()):
            file = getattr(module, "__file__", None)
            if isinstance(file, str):
                self._tracer(file)

    def _on_call(self, frame: Any, event: str, argument: Any) -> Any:
        name = frame.f_code.co_filename
        return self._tracers[name] if name in self._tracers else self._tracer(name)

    def _tracer(self, name: str) -> Any:
        if name not in self._tracers:
            path = self._places.path(name)
            self._tracers[name] = None if path is None else self._marking(path, name)
        return self._tracers[name]

    def _marking(self, path: str, name: str) -> Any:
        if path not in self._marks:
            with contextlib.suppress(OSError):
                self._marks[path] = mmap.mmap(-1, Path(name).read_bytes().count(b"\n") + 2)
        marks, now = self._marks.get(path), time.monotonic
        if marks is None:
            return None
        size = len(marks)

        def trace(frame: Any, event: str, argument: Any) -> Any:
            if event == "line":
                if frame.f_lineno < size:
                    marks[frame.f_lineno] = 1
                if now() > self._deadline and os.getpid() == self._process:
                    raise StopTracing
            return trace

        return trace


@contextlib.contextmanager
def _torch_as_written() -> Iterator[None]:
    """Code that torch has compiled, or runs in threads of its own (the backward pass on a GPU), leaves no lines; for as
    long as lines are counted it runs as it is written, and in the calling thread."""
    torch: Any = sys.modules.get("torch")
    with contextlib.ExitStack() as stack:
        if torch is not None:
            stack.enter_context(torch.autograd.set_multithreading_enabled(False))
            if hasattr(getattr(torch, "compiler", None), "set_stance"):
                as_written = torch.compiler.set_stance
                # Asked for now, it would load the compiler, which takes seconds and may never be needed.
                stack.enter_context(once_loaded(lambda: stack.enter_context(as_written("force_eager"))))
        yield
