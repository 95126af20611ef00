"""A thread that runs only while somebody waits for the end of an epoch, and is watched as its caller is."""

import os
import sys
import threading

import numpy as np

from .scratch import _in_repo, _torch


class _Closed(BaseException):
    """Ends a program at the place where it waits."""


class _Carried:
    """What belongs to a thread and has to be seen in another: the tracer, torch's modes, what numpy raises."""

    def __init__(self):
        self.trace, self.numpy, torch = sys.gettrace(), np.geterr(), _torch()
        self.modes = [stack.all() for stack in _stacks(torch)]
        self.threading = torch._C._is_multithreading_enabled() if hasattr(torch, "_C") else True

    def put(self, own):
        """Onto the calling thread, below what it has of its own (`own`: lists of modes)."""
        for stack, given, mine in zip(_stacks(_torch()), self.modes, own):
            stack.set([*given, *mine])
        if hasattr(_torch(), "_C"):
            _torch()._C._set_multithreading_enabled(self.threading)
        np.seterr(**self.numpy)

    def own(self):
        """What the calling thread has beyond that; it is taken off."""
        own = []
        for number, stack in enumerate(_stacks(_torch())):
            given = self.modes[number] if number < len(self.modes) else []
            now = stack.all()
            own.append(
                now[len(given) :] if now[: len(given)] == given else [one for one in now if one not in given]
            )
            stack.set([])
        return own


class _Stack:
    def __init__(self, all_of, push, pop):
        self.all, self._push, self._pop = all_of, push, pop

    def set(self, modes):
        for _ in self.all():
            self._pop()
        for mode in modes:
            self._push(mode)


def _stacks(torch):
    """torch's modes, of functions and of operators; none where torch is missing or too old to have them."""
    if torch is None or not hasattr(getattr(torch, "overrides", None), "_get_current_function_mode_stack"):
        return []
    c, dispatch = torch._C, sys.modules.get("torch.utils._python_dispatch")
    functions = lambda: list(torch.overrides._get_current_function_mode_stack())
    stacks = [_Stack(functions, c._push_on_torch_function_stack, c._pop_torch_function_stack)]
    if hasattr(dispatch, "_get_current_dispatch_mode_stack"):
        operators = lambda: list(dispatch._get_current_dispatch_mode_stack())
        stacks.append(_Stack(operators, dispatch._push_mode, dispatch._pop_mode))
    return stacks


_running, _dropped = [], []  # threads of programs: at work, and to be ended as soon as none is


def _end(thread):
    """A program that nobody holds any more is ended; Python may notice that in the middle of another one."""
    if _running:
        _dropped.append(thread)
    else:
        thread.close()


class _Thread:
    """Runs `body`, which calls `suspend` wherever it should wait. around: what holds while it runs, entered in its thread."""

    def __init__(self, body, around):
        self._body, self._around = body, around
        self._go, self._back = threading.Semaphore(0), threading.Semaphore(0)
        self._thread = self._error = self._carried = self._trace = None
        self._own, self._process = [[], []], os.getpid()
        self.started = self.ended = self.closing = False
        # Of the program where it waits, or has waited last, innermost first: its own, and those of libraries that train it.
        self.frames, self.library_frames, self.libraries = [], [], set()

    def advance(self):
        """Let it run to where it waits next; whether it has not ended. Raises what it raised."""
        if self.ended:
            return False
        while _dropped:
            _dropped.pop().close()
        _running.append(self)
        self._carried = _Carried()
        if not self.started:
            self.started = True
            self._thread = threading.Thread(target=self._run, name="evolverec-program", daemon=True)
            self._thread.start()
        else:
            self._go.release()
        self._back.acquire()
        _running.remove(self)
        if self._trace is not self._carried.trace:  # a tracer that was taken off on the way
            sys.settrace(self._trace)
        self._carried = None
        if self._error is not None:
            error, self._error = self._error, None
            raise error
        return not self.ended

    def close(self):
        """End it where it waits. Its own `finally` run."""
        if self.started and not self.ended and os.getpid() == self._process:
            self.closing, self._carried = True, _Carried()
            self._go.release()
            self._thread.join(10)

    def own_modes(self, modes):
        """Let it have these modes of torch's from its start."""
        self._own = [modes, []]

    def here(self):
        """Whether the program's own thread asks."""
        return threading.current_thread() is self._thread and os.getpid() == self._process

    def suspend(self):
        self.frames, self.library_frames = _frames(sys._getframe(1), self.libraries)
        self._leave()
        self._back.release()
        self._go.acquire()
        self._enter()
        if self.closing:
            raise _Closed

    def _run(self):
        try:
            if _torch() is not None:
                _torch().set_num_threads(_torch().get_num_threads())  # each thread has a number of its own
            self._enter()
            try:
                self._body()
            finally:
                self._leave()
        except _Closed:
            pass
        except BaseException as error:  # noqa: BLE001 - it is raised where the epoch was asked for
            self._error = error if not self.closing else None
        finally:
            self.ended = True
            self._back.release()

    def _enter(self):
        self._around.__enter__()
        self._carried.put(self._own)
        trace = self._trace = self._carried.trace
        sys.settrace(trace)
        frame = sys._getframe(1)
        while frame is not None and trace is not None:
            frame.f_trace = trace(frame, "call", None)
            frame = frame.f_back

    def _leave(self):
        self._trace = sys.gettrace()
        sys.settrace(None)
        self._own = self._carried.own()
        self._around.__exit__(None, None, None)


def _frames(frame, libraries):
    """The frames from this one on that are the repo's, and those of these libraries."""
    own, theirs = [], []
    while frame is not None:
        if frame.f_code.co_filename != __file__ and _in_repo(frame.f_code.co_filename):
            own.append(frame)
        elif str(frame.f_globals.get("__name__")).partition(".")[0] in libraries:
            theirs.append(frame)
        frame = frame.f_back
    return own, theirs
