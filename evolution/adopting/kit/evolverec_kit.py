"""What an adapter needs to let evolverec train a repo that was not written for it. Yours to keep and to change.

`Program` runs the repo's own training script, `write_events` gives it the log in its own format, `Ids` knows its numbering,
`scores` asks its model in its own way, `Recommender` is what `build()` returns. Nothing but numpy is needed; torch is used
where the repo uses it. Python 3.9 or newer.
"""

import ast
import builtins
import contextlib
import copy
import functools
import importlib
import importlib.machinery
import importlib.util
import io
import itertools
import json
import os
import pickle
import random
import re
import shutil
import signal
import sys
import tempfile
import threading
import types
import weakref
from pathlib import Path

import numpy as np


def _root():
    """The repo's folder: the nearest one above this file that has an evolverec.toml."""
    here = Path(__file__).resolve().parent
    return next((one for one in (here, *here.parents) if (one / "evolverec.toml").is_file()), here)


ROOT = _root()
LEFT_OUT = {"__pycache__", "node_modules", "venv", "env", "site-packages", "dist-packages"}
MOST_ENTRIES, LARGEST_COPY = (
    400,
    1 << 20,
)  # of a folder that is taken over file by file; bytes of a file that is copied
TRAINS_WITH_TORCH = re.compile(
    rb"^\s*(?:import|from)\s.*?\b(?:torch|lightning|pytorch_lightning|transformers|recbole|accelerate)\b",
    re.M,
)


def _own_files(folder):
    """Python files of the repo; folders that are no part of it are passed over."""
    for entry in os.scandir(folder):
        if entry.name.startswith(".") or entry.name in LEFT_OUT:
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _own_files(entry.path)
        elif entry.name.endswith((".py", ".ipynb")) and entry.is_file():
            yield Path(entry.path)


def _in_own_files(pattern):
    files = itertools.islice((one for one in _own_files(ROOT) if one.name != "evolverec_kit.py"), 500)
    return any(pattern.search(one.read_bytes()) for one in files)


if importlib.util.find_spec("torch") is not None and _in_own_files(TRAINS_WITH_TORCH):
    import torch  # noqa: F401 - evolverec looks whether it is there before the program itself is run


def seed_all(seed):
    """Seed everything that a repo may draw from."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(seed)


def _torch():
    return sys.modules.get("torch")


# -- the scratch folder


class Scratch:
    """A mirror of the repo that may be written to: folders are real, code is linked, small files are copied."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="evolverec-kit-")).resolve()
        weakref.finalize(self, _remove, str(self.folder), os.getpid())
        _mirror(ROOT, self.folder)

    def path(self, relative):
        """A file in the mirror that may be written; the folders above it are there."""
        path = Path(os.path.normpath(self.folder / relative))
        if self.folder not in path.parents:
            raise ValueError(
                f"{relative} lies outside of the repo; give a path relative to the repo's folder"
            )
        for part in reversed(path.parents):
            if part.is_symlink():  # a folder that was too large to take over
                original = part.resolve()
                part.unlink()
                part.mkdir()
                for entry in os.scandir(original):
                    os.symlink(entry.path, part / entry.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_symlink():
            path.unlink()
        return path


def _remove(folder, process):
    if os.getpid() == process:  # not in a forked loader of batches
        shutil.rmtree(folder, ignore_errors=True)


def _mirror(source, target):
    entries = [e for e in os.scandir(source) if not e.name.startswith(".") and e.name not in LEFT_OUT]
    for entry in entries:
        there = target / entry.name
        if entry.is_dir() and not entry.is_symlink() and len(os.listdir(entry.path)) <= MOST_ENTRIES:
            there.mkdir()
            _mirror(Path(entry.path), there)
        elif entry.is_file() and not entry.name.endswith(".py") and entry.stat().st_size <= LARGEST_COPY:
            shutil.copyfile(entry.path, there)
        else:
            os.symlink(entry.path, there)


_next_scratch = []  # the one that the next program will run in


def scratch():
    """The scratch folder of the program that will be started next."""
    if not _next_scratch:
        _next_scratch.append(Scratch())
    return _next_scratch[0]


# -- the program: a thread that runs only while somebody waits for the end of an epoch


class _Closed(BaseException):
    """Ends a program at the place where it waits."""


class ProgramEnded(RuntimeError):
    """The program came to its end, or gave up, where its training was expected."""


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
    functions = lambda: list(torch.overrides._get_current_function_mode_stack())  # noqa: E731
    stacks = [_Stack(functions, c._push_on_torch_function_stack, c._pop_torch_function_stack)]
    if hasattr(dispatch, "_get_current_dispatch_mode_stack"):
        operators = lambda: list(dispatch._get_current_dispatch_mode_stack())  # noqa: E731
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
        self.frames = []  # of the program where it waits, innermost first

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
        self.frames = _frames_of_the_repo(sys._getframe(1))
        self._leave()
        self._back.release()
        self._go.acquire()
        self._enter()
        if self.closing:
            raise _Closed
        self.frames = []

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


def _frames_of_the_repo(frame):
    frames = []
    while frame is not None:
        if frame.f_code.co_filename != __file__ and _in_repo(frame.f_code.co_filename):
            frames.append(frame)
        frame = frame.f_back
    return frames


class _Swapped:
    """What a program finds while it runs, and nobody else: entered each time it goes on, left each time it waits."""

    def __init__(self):
        self.values = []  # (get, set) pairs with the program's own value
        self._outside = []

    def add(self, owner, name, value):
        item = isinstance(owner, dict)
        get = (lambda: owner.get(name, _ABSENT)) if item else (lambda: getattr(owner, name, _ABSENT))
        self.values.append([get, functools.partial(_put_item if item else _put, owner, name), value])

    def add_inside(self, owner, name, value):
        """The same while it is entered."""
        self.add(owner, name, value)
        get, put, _ = self.values[-1]
        self._outside.append(get())
        put(value)

    def call(self, get, put, value):
        self.values.append([get, put, value])

    def __enter__(self):
        for entry in self.values:
            get, put, value = entry
            self._outside.append(get())
            put(value)

    def __exit__(self, *_):
        for entry in reversed(self.values[: len(self._outside)]):
            get, put, _ = entry
            outside = self._outside.pop()
            with contextlib.suppress(OSError):  # a folder that somebody has removed
                entry[2] = get()
                put(outside)


_ABSENT = object()


def _put(owner, name, value):
    if value is not _ABSENT:
        setattr(owner, name, value)
    elif hasattr(owner, name):
        delattr(owner, name)


def _put_item(owner, name, value):
    if value is not _ABSENT:
        owner[name] = value
    else:
        owner.pop(name, None)


class _Marks(ast.NodeTransformer):
    """Inserts one call where an epoch may end: at the head of a loop or of a function, or after an optimizer's step; and puts
    values in the place of constants, results in the place of functions that are skipped.

    Lines and the file's name stay as they are.
    """

    def __init__(self, file, *, loop=None, at=None, start=None, steps=False, skip=(), values=()):
        self._file, self._loop, self._at, self._start = file, loop, at, start
        self._steps, self._skip, self._values = steps, skip, values
        self._scope, self.found = [], 0

    def visit_ClassDef(self, node):
        return self._within(node)

    def visit_FunctionDef(self, node):
        name = ".".join([*self._scope, node.name])
        skipped = next((key for key in self._skip if self._is(key, name)), None)
        marks = [
            (skipped, ast.Return(_call(f"skipped({skipped!r})", node.body[0]).value)),
            (self._start, _call("start()", node.body[0])),
        ]
        marks.append((self._at, _call("end()", node.body[0])))
        node = self._within(node)
        for wanted, mark in marks:
            if wanted is not None and self._is(wanted, name):
                node.body.insert(0, ast.copy_location(mark, node.body[0]))
                self.found += 1
        return node

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815

    def visit_For(self, node):
        return self._loop_at(node, node.target)

    def visit_While(self, node):
        return self._loop_at(node, node.test)

    def visit_Expr(self, node):
        calls = [one.func for one in ast.walk(node.value) if isinstance(one, ast.Call)]
        if self._steps and any(isinstance(one, ast.Attribute) and one.attr == "step" for one in calls):
            return [node, _call("steps()", node)]
        return node

    def visit_Assign(self, node):
        for key in self._values:
            for target in node.targets:
                if isinstance(target, ast.Name) and self._is(key, ".".join([*self._scope, target.id])):
                    node.value = _call(f"values[{key!r}]", node).value
                    self.found += 1
        return node

    def _is(self, wanted, name):
        """Whether "file.py:Class.name", "Class.name" or "name" means what stands here."""
        file, _, wanted = wanted.rpartition(":")
        return self._is_file(file) and wanted in (name, name.rpartition(".")[2] if not file else name)

    def _is_file(self, file):
        """Whether a path, or the end of one, is that of the file; any is where none is given."""
        return not file or self._file == file or self._file.endswith("/" + file)

    def _within(self, node):
        self._scope.append(node.name)
        node = self.generic_visit(node)
        self._scope.pop()
        return node

    def _loop_at(self, node, names):
        file, function, variable = self._loop or (None, None, None)
        here = ".".join(self._scope)
        wanted = (
            self._loop is not None
            and self._is_file(file)
            and function in (None, here, here.rpartition(".")[2])
        )
        if not wanted or variable not in (
            None,
            *(one.id for one in ast.walk(names) if isinstance(one, ast.Name)),
        ):
            return self.generic_visit(node)
        loop, self._loop = self._loop, None  # a loop within it is none of ours
        node = self.generic_visit(node)
        self._loop = loop
        node.body.insert(0, _call("end()", node.body[0]))
        self.found += 1
        return node


def _call(what, place):
    call = ast.parse(f"__evolverec_kit__.{what}").body[0]
    for node in ast.walk(call):
        ast.copy_location(node, place)
        if hasattr(node, "end_lineno"):
            node.end_lineno, node.end_col_offset = node.lineno, node.col_offset
    return call


class _Loader(importlib.machinery.SourceFileLoader):
    """Imports a module of the repo with the marks in it; never from compiled files."""

    def __init__(self, name, path, core):
        super().__init__(name, path)
        self._core = core

    def get_code(self, fullname):
        return self._core.compiled(self.path)

    def exec_module(self, module):
        module.__dict__["__evolverec_kit__"] = self._core
        super().exec_module(module)


class _Finder:
    def __init__(self, core):
        self._core = core

    def find_spec(self, name, path=None, target=None):
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        plain = isinstance(getattr(spec, "loader", None), importlib.machinery.SourceFileLoader)
        if plain and self._core.is_own(spec.origin):
            spec.loader = _Loader(name, spec.origin, self._core)
            return spec
        return None


class _Core:
    """What the program's thread holds on to; `Program` is what others hold, so that the thread ends with it."""

    def __init__(
        self, script, *, argv, cwd, marks, values, skip, every, library, answers, stubs, paths, kept
    ):
        self.scratch, self.script, self.every = scratch(), script, every
        self.marks = {**marks, "steps": bool(every), "skip": tuple(skip), "values": tuple(values)}
        self.values, self._skipped = values, skip  # what the marks read
        _next_scratch.clear()
        self.found, self.begun, self.waits_at, self.steps_done = 0, False, "", 0
        self.losses, self.module, self._last_end, self._hooks = [], None, 0, []
        self._answers, self._library, self._kept = list(answers), library, kept
        self._swapped, self._own_modules, self._outside = _Swapped(), {}, {}
        self._surround(argv, cwd, stubs, paths)
        self.thread = _Thread(self._body, self)
        if _torch() is not None and not _torch().cuda.is_available() and _in_own_files(WRITES_CUDA):
            self.thread.own_modes([_without_gpu(_torch())])

    # -- what the marks call, inside the program

    def end(self):
        """Where an epoch ends; at a loop the first time, where the first one begins."""
        if self.thread.here():
            self.waits_at = "start" if self.marks["loop"] and not self.begun else "end"
            self.begun = True
            self.thread.suspend()

    def skipped(self, name):
        """What a function that is left out gives."""
        return self._skipped[name]

    def start(self, *_):
        """Where training begins, for programs whose epochs end at a call."""
        if self.thread.here() and not self.begun:
            self.begun, self.waits_at = True, "start"
            self.thread.suspend()

    def nothing(self):
        pass

    def steps(self):
        if self.every and self.steps_done - self._last_end >= self.every:
            self._last_end = self.steps_done
            self.end()

    # -- running

    def compiled(self, path):
        original = os.path.realpath(path)
        file = os.path.relpath(original, str(ROOT)).replace(os.sep, "/")
        text = Path(original).read_bytes()
        tree = _cells(text, original) if original.endswith(".ipynb") else ast.parse(text, original)
        marks = _Marks(file, **self.marks)
        marked = marks.visit(tree)
        self.found += marks.found
        return compile(marked, original, "exec", dont_inherit=True)

    def is_own(self, path):
        return isinstance(path, str) and os.path.normpath(path).startswith(str(self.scratch.folder) + os.sep)

    def _body(self):
        self._mark_library()
        try:
            if callable(self.script):
                self.script()
            elif ":" in self.script:
                name, _, function = self.script.partition(":")
                functools.reduce(getattr, function.split("."), importlib.import_module(name))()
            else:
                self._run_script()
        finally:
            for hook in self._hooks:
                hook.remove()

    def _run_script(self):
        path = self.scratch.folder / self.script
        if not path.exists():
            raise FileNotFoundError(
                f"there is no {self.script} in {ROOT}; Program expects the repo's own script, relative to its folder"
            )
        self.module.__dict__.update(__file__=str(path), __builtins__=builtins, __evolverec_kit__=self)
        exec(self.compiled(str(path)), self.module.__dict__)  # noqa: S102 - the user's own script

    def _surround(self, argv, cwd, stubs, paths):
        add, there = self._swapped.add, str(self.scratch.folder)
        name = self.script if isinstance(self.script, str) else "program"
        folder = os.path.normpath(os.path.join(there, cwd))
        self._swapped.call(os.getcwd, os.chdir, folder)
        add(
            sys,
            "argv",
            [os.path.relpath(os.path.join(there, name.partition(":")[0]), folder), *map(str, argv)],
        )
        if isinstance(self.script, str):
            first = there if ":" in name else os.path.dirname(os.path.join(there, name))
            add(sys, "path", list(dict.fromkeys([first, *self._paths(there)])))
            add(sys, "meta_path", [_Finder(self), *sys.meta_path, _Stubs(stubs)])
            if ":" not in self.script:
                self.module = types.ModuleType("__main__")
                add(sys.modules, "__main__", self.module)
        self._redirect(add, paths)
        self._be_silent(add)
        if _torch() is not None:
            add(_torch().autograd, "backward", self._noting(_torch().autograd.backward))

    def _redirect(self, add, paths):
        """What the program opens by an absolute path in the repo, or below one of `paths`, lies in the scratch folder."""
        there, exists = str(self.scratch.folder), os.path.isdir
        given = [
            (str(old).rstrip("/"), os.path.normpath(os.path.join(there, new)))
            for old, new in dict(paths).items()
        ]

        def moved(path):
            if not isinstance(path, (str, os.PathLike)) or not isinstance(os.fspath(path), str):
                return path
            text = os.fspath(path)
            for old, new in given:
                if text == old or text.startswith(old + "/"):
                    return new + text[len(old) :]
            inside = there + text[len(str(ROOT)) :] if text.startswith(str(ROOT) + os.sep) else ""
            return inside if inside and exists(os.path.dirname(inside)) else path

        asking = [(os.path, name) for name in ("exists", "isfile", "isdir", "lexists", "getsize")]
        doing = [
            (os, name)
            for name in (
                "stat",
                "listdir",
                "scandir",
                "mkdir",
                "remove",
                "unlink",
                "rename",
                "replace",
                "rmdir",
            )
        ]
        keeping = [(_torch(), name) for name in ("load", "save") if _torch() is not None]
        for owner, name in ((builtins, "open"), (io, "open"), *asking, *doing, *keeping):
            add(owner, name, _with_paths(getattr(owner, name), moved))

    def _paths(self, there):
        """The module path with the mirror in the place of the repo."""
        return [
            there + one[len(str(ROOT)) :] if one == str(ROOT) or _in_repo(one) else one for one in sys.path
        ]

    def __enter__(self):
        self._swapped.__enter__()
        if isinstance(self.script, str):
            taken = self._taken_modules()
            self._outside = {name: one for name, one in taken.items() if "__evolverec_kit__" not in vars(one)}
            sys.modules.update(self._own_modules)

    def __exit__(self, *_):
        """The program's modules stay where nobody else has such a one: what hangs on them is part of the recommender."""
        self._swapped.__exit__()
        if isinstance(self.script, str):
            self._own_modules = self._taken_modules()
            named = {} if self.module is None else {Path(self.script).stem: self.module}
            sys.modules.update({**named, **self._own_modules, **self._outside})

    def _taken_modules(self):
        """The modules of the repo as they are imported at present, out of Python's list; not the adapter's and the kit."""
        own = [name for name, module in list(sys.modules.items()) if self._is_of_repo(name, module)]
        return {name: sys.modules.pop(name) for name in own}

    def _is_of_repo(self, name, module):
        if name in self._kept or name == "__main__":
            return False
        if "__evolverec_kit__" in getattr(
            module, "__dict__", ()
        ):  # of a program before, its folder may be gone
            return True
        file = getattr(module, "__file__", None)
        return isinstance(file, str) and (self.is_own(file) or _in_repo(file))

    def _be_silent(self, add):
        """Nobody sits at a keyboard: questions are answered, debuggers passed over, `exit()` leaves the input open."""
        import pdb

        def answer(prompt=""):
            given = self._answers.pop(0) if self._answers else ""
            print(f"{prompt}{given}")
            return given

        def passed(*_, **__):
            print("evolverec_kit: the program asked for a debugger, which is passed over")

        def leave(code=None):
            raise SystemExit(code)

        def no_signal(*_):
            return signal.SIG_DFL  # only a main thread may set one

        for owner, name, value in (
            (builtins, "input", answer), (builtins, "exit", leave), (builtins, "quit", leave), (sys, "breakpointhook", passed),
            (pdb, "set_trace", passed), (pdb, "post_mortem", passed), (signal, "signal", no_signal),
        ):  # fmt: skip
            add(owner, name, value)

    def _noting(self, original):
        """torch's backward that remembers what it was called on."""

        @functools.wraps(original)
        def backward(tensors, *args, **kwargs):
            if self.thread.here():
                with _torch().no_grad(), _torch()._C.DisableTorchFunction():
                    loss = tensors if hasattr(tensors, "detach") else next(iter(tensors))
                    self.losses.append(loss.detach().float().mean())
            return original(tensors, *args, **kwargs)

        return backward

    def _mark_library(self):
        """Functions of libraries have no source of the repo's to mark: others stand in for them that call the mark first."""
        for target, mark in self._library:
            name, _, qualname = target.partition(":")
            *outer, last = qualname.split(".")
            owner = functools.reduce(getattr, outer, importlib.import_module(name))
            self._swapped.add_inside(
                owner, last, _marked(getattr(self, mark), getattr(owner, last), self._skipped, target)
            )
        if _torch() is not None and not self.marks["loop"]:
            import torch.optim.optimizer as optimizers

            self._hooks.append(optimizers.register_optimizer_step_post_hook(self._count_step))
            if not self.marks["start"] and not any(mark == "start" for _, mark in self._library):
                register = _torch().nn.modules.module.register_module_forward_pre_hook
                self._hooks.append(register(self._first_forward))

    def _count_step(self, *_):
        if self.thread.here():
            self.steps_done += 1

    def _first_forward(self, module, _):
        if module.training and _torch().is_grad_enabled() and self.thread.here():
            self._hooks.pop().remove()
            self.start()


WRITES_CUDA = re.compile(
    rb"^(?!.*is_available).*(?:\.cuda\(|(?:to|device)\(\s*[\"']cuda|device\s*=\s*[\"']cuda)", re.M
)
MADE_ON_A_DEVICE = {
    "to", "tensor", "as_tensor", "empty", "zeros", "ones", "full", "eye", "arange", "linspace", "rand", "randn", "randint",
    "randperm", "zeros_like", "ones_like", "empty_like", "full_like", "rand_like", "randn_like", "new_zeros", "new_ones",
}  # fmt: skip


def _without_gpu(torch):
    """A mode of torch in which "cuda" means the processor, for repos that write it without asking whether there is one."""

    def on_cpu(value):
        is_gpu = isinstance(value, (str, torch.device)) and str(value).startswith("cuda")
        return "cpu" if is_gpu else value

    class WithoutGpu(torch.overrides.TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            name, kwargs = getattr(func, "__name__", ""), kwargs or {}
            if name == "cuda":
                return args[0]
            if name in MADE_ON_A_DEVICE:
                args, kwargs = (
                    [on_cpu(one) for one in args],
                    {key: on_cpu(one) for key, one in kwargs.items()},
                )
            return func(*args, **kwargs)

    return WithoutGpu()


def _with_paths(original, moved):
    """The same function for other paths: its first two arguments may be some."""

    @functools.wraps(original)
    def call(*args, **kwargs):
        return original(*map(moved, args[:2]), *args[2:], **kwargs)

    return call


def _marked(mark, original, skipped, name):
    @functools.wraps(original)
    def call(*args, **kwargs):
        mark()
        return skipped[name] if name in skipped else original(*args, **kwargs)

    return call


def _in_repo(path):
    path = os.path.realpath(path)
    return path.startswith(str(ROOT) + os.sep) and not LEFT_OUT.intersection(
        Path(path).relative_to(ROOT).parts
    )


def _cells(text, path):
    """The code cells of a notebook as one program, each statement on its line of the file."""
    told, module, after = text.decode("utf-8").splitlines(), ast.Module(body=[], type_ignores=[]), 0
    for cell in json.loads(text)["cells"]:
        if cell["cell_type"] != "code":
            continue
        source = cell["source"] if isinstance(cell["source"], list) else cell["source"].splitlines(True)
        lines = ["pass  #\n" if one.lstrip().startswith(("%", "!")) else one for one in source]
        places = []
        for one in source:
            written = json.dumps(one, ensure_ascii=False)
            after = next(
                (n for n in range(after, len(told)) if told[n].strip().rstrip(",") == written), after
            )
            places.append(after + 1)
            after += 1
        tree = ast.parse("".join(lines), path)
        for node in ast.walk(tree):
            for name in ("lineno", "end_lineno"):
                if hasattr(node, name):
                    setattr(node, name, places[getattr(node, name) - 1])
        module.body += tree.body
    return module


class _Nothing:
    """Whatever is asked of it, it does nothing; called with something to go through, it goes through that."""

    def __init__(self, given=()):
        self._given = given

    def __call__(self, *given, **_):
        return _Nothing(given[0] if given else ())

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return _Nothing()

    def __iter__(self):
        return iter(range(self._given) if isinstance(self._given, int) else self._given)

    def __matmul__(self, other):
        return self

    __rmatmul__ = __getitem__ = __matmul__

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None


class _Stubs(importlib.machinery.BuiltinImporter):
    """Stands in for libraries that the program imports and nobody has installed here."""

    def __init__(self, names):
        self._names = set(names)

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self._names:
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec):
        module = types.ModuleType(spec.name)
        module.__getattr__ = lambda name: _Nothing().__getattr__(name)
        return module

    def exec_module(self, module):
        pass


class Program:
    """The repo's own program, run one epoch at a time.

    script: "main.py", run as `python main.py` would; "package.module:function"; a notebook; or a function of the adapter's.
    Where an epoch ends, one of: loop, the name of the variable of the training's loop, or ("file.py", "Class.method", "epoch"),
    of which each may be None; at, a function that is called once an epoch; every, so many steps of an optimizer.
    start: a function with which training begins, where that is not the loop or the first batch. skip: functions that are left
    out, and what they give instead, {"evaluate": (0.0, 0.0)}. Functions are "name", "Class.method" or "file.py:Class.method" of
    the repo's, or "module:Class.method" of a library's. values: in the place of constants of the repo, {"config.py:PATH": "data/"}.
    paths: folders outside of the repo that it reads, and where in the scratch folder they are, {"/home/me/data": "data"}.
    cwd: where the program is started, relative to the repo. report: names of variables to tell of each epoch; the mean loss
    otherwise. answers: what `input()` gets. stubs: libraries that are imported and not needed.
    """

    def __init__(self, script, *, argv=(), loop=None, at=None, every=0, start=None, skip=(), values=(), cwd=".", paths=(), report=(), answers=(), stubs=()):  # fmt: skip
        if sum(bool(one) for one in (loop, at, every)) != 1:
            raise ValueError("Program needs one of loop=, at= and every=, which says where an epoch ends")
        skip = (
            dict(skip) if isinstance(skip, dict) else dict.fromkeys([skip] if isinstance(skip, str) else skip)
        )
        named = {"end": _named(at), "start": _named(start)}
        own = {mark: None if target is None or _library(target) else target for mark, target in named.items()}
        if callable(script) and (loop or any(own.values())):
            raise ValueError(
                "what a function of the adapter's calls is not marked: name the script, or a library's 'module:name' in at="
            )
        library = [(target, mark) for mark, target in named.items() if target and _library(target)]
        library += [
            (target, "nothing") for target in skip if _library(target) and target not in named.values()
        ]
        self._new = functools.partial(
            _Core, script, argv=argv, cwd=cwd, values=dict(values), skip=skip, every=every, library=library, answers=answers,
            marks={"loop": (None, None, loop) if isinstance(loop, str) else loop, "at": own["end"], "start": own["start"]},
            stubs=[stubs] if isinstance(stubs, str) else stubs, paths=paths, kept={sys._getframe(1).f_globals.get("__name__"), __name__},
        )  # fmt: skip
        self._report = (report,) if isinstance(report, str) else tuple(report)
        self._begin()

    def _begin(self):
        self._core, self._epochs, self._ahead, self._learned = self._new(), 0, False, False
        self._closing = weakref.finalize(self, _end, self._core.thread)
        self._closing.atexit = False

    @property
    def scratch(self):
        """The folder that the program runs in."""
        return self._core.scratch.folder

    def path(self, relative):
        """A file in the folder that the program runs in, to be written."""
        return self._core.scratch.path(relative)

    def start(self):
        """Run it up to where its training begins, if that can be told."""
        core = self._core
        known = core.marks["loop"] or core.marks["start"] or any(mark == "start" for _, mark in core._library)
        if not core.thread.started and (known or _torch() is not None):
            self._advance()
            self._ahead = core.waits_at == "end"
        return self

    def epoch(self):
        """Run one epoch: what it reports, None where there is no further one."""
        core = self._core
        if core.thread.ended and not self._ahead:
            return None
        self.start()
        goes_on = self._ahead or self._advance()
        self._ahead = False
        self._learned = self._learned or bool(core.losses)
        if not goes_on and not core.losses and (self._learned or not core.marks["loop"]):
            return None  # the program went on to its end without a further step
        self._epochs += 1
        told = {name: _number(self[name]) for name in self._report}
        if not told and core.losses:
            told["loss"] = float(sum(float(loss) for loss in core.losses) / len(core.losses))
        core.losses.clear()
        return told or {"epoch": float(self._epochs)}

    def restart(self):
        """Begin anew, with new objects."""
        _next_scratch[:] = [self._core.scratch]
        self._closing()
        self._begin()

    @property
    def ended(self):
        return self._core.thread.ended

    def _advance(self):
        core = self._core
        try:
            goes_on = core.thread.advance()
        except SystemExit as left:
            goes_on = False
            if left.code not in (None, 0):
                raise ProgramEnded(
                    f"{core.script} gave up with exit code {left.code} (its own words are in the log above)"
                ) from left
        if not goes_on and not core.begun:
            raise ProgramEnded(self._why_never_begun())
        return goes_on

    def _why_never_begun(self):
        core, marks = self._core, self._core.marks
        wanted = (
            marks["loop"] or marks["at"] or [target for target, _ in core._library] or f"{core.every} steps"
        )
        if not callable(core.script) and not core.found and not core._library:
            return f"{core.script} and what it imports have no {wanted}; Program expects the variable of its training loop, or a function"
        return (
            f"{core.script} ended before its training began at {wanted}; what it printed is in the log above"
        )

    def __getitem__(self, path):
        """A live variable, "model" or "trainer.net" or "items[0]": of the innermost function first, then of its file."""
        name, *rest = re.findall(r"[^.\[\]]+", path)
        core = self._core
        places = [frame.f_locals for frame in core.thread.frames] + [
            frame.f_globals for frame in core.thread.frames
        ]
        places += [vars(core.module)] if core.module is not None else []
        places.append(core._own_modules)
        found = next((place[name] for place in places if name in place), _ABSENT)
        if found is _ABSENT:
            there = sorted({n for place in places[:1] for n in place if not n.startswith("_")})
            raise LookupError(
                f"{core.script} has no variable {name} where it waits; it has {', '.join(there)[:500]}"
            )
        for part in rest:
            found = (
                getattr(found, part)
                if hasattr(found, part)
                else found[int(part) if part.lstrip("-").isdigit() else part.strip("'\"")]
            )
        return found


def _library(target):
    """Whether "module:name" names a library's function rather than one of the repo's ("file.py:name", "name")."""
    return ":" in target and not target.partition(":")[0].endswith(".py")


def _named(target):
    return f"{target.__module__}:{target.__qualname__}" if callable(target) else target


def _number(value):
    return float(value.item() if hasattr(value, "item") else value)


# -- the log, in the repo's own format

INTER_FIELDS = {
    "user": "user_id:token",
    "item": "item_id:token",
    "rating": "rating:float",
    "time": "timestamp:float",
}


def write_events(
    path, data, *, columns=("user", "item"), sep="\t", header=None, order="user", kind=None, ids=None, held_out=0, last=0
):  # fmt: skip
    """Write the training log where the program will find it: path is relative to the repo, in the program's scratch folder.

    columns: "user", "item", "rating", "time", or a value that each row gets. order: "user" (by user, then time) or "time".
    header: True for the columns' names, or the line itself. kind: "rows", "lists" (a line `user item item ...` for each user,
    `item item ...` with columns=("item",)), "dict" ({user: [items]}, JSON or pickle), "csr" (scipy's .npz), "array" (.npy); by
    the suffix where it is not given. ids: the numbering to write; evolverec's own (from 1) otherwise. held_out: so many copies
    of each user's last event are written after it, for a repo that holds out the last ones itself, so that it trains on all
    that are real. last: write so many last events of each user alone, where the repo wants a file to evaluate on.
    """
    suffix = Path(path).suffix
    kinds = {".json": "dict", ".pkl": "dict", ".pickle": "dict", ".npz": "csr", ".npy": "array"}
    target, kind = scratch().path(path), kind or kinds.get(suffix, "rows")
    rows = _chosen_rows(data, order if kind in ("rows", "array") else "user", held_out, last)
    if kind == "csr":
        ids = ids or Ids(data, users=0, items=0)
        _write_csr(target, ids, *_columns(data, ("user", "item"), rows, ids))
    elif kind == "array":
        np.save(target, np.column_stack(_columns(data, columns, rows, ids)))
    elif kind in ("lists", "dict"):
        _write_lists(
            target, _by_user(*_columns(data, ("user", "item"), rows, ids)), kind, sep, "user" in columns
        )
    else:
        if suffix == ".inter":
            sep, header = "\t", [INTER_FIELDS[name] for name in columns]
        told = zip(*(one.tolist() for one in _columns(data, columns, rows, ids)))
        header = columns if header is True else header
        lines = [header if isinstance(header, str) else sep.join(map(str, header))] if header else []
        target.write_text(
            "".join(f"{line}\n" for line in (*lines, *(sep.join(map(str, row)) for row in told))),
            encoding="utf-8",
        )
    return target


def write_text(path, text):
    """Write a file of the repo's, such as a configuration, into the program's scratch folder."""
    scratch().path(path).write_text(text, encoding="utf-8")


def lists(data, *, ids=None, held_out=0):
    """{user: [items, oldest first]}"""
    return _by_user(*_columns(data, ("user", "item"), _chosen_rows(data, "user", held_out, 0), ids))


def frame(data, *, columns=("user", "item", "time"), names=None, order="user", ids=None, held_out=0):
    """The log as a DataFrame of pandas; names: of its columns."""
    import pandas

    told = _columns(data, columns, _chosen_rows(data, order, held_out, 0), ids)
    return pandas.DataFrame(dict(zip(names or columns, told)))


def _chosen_rows(data, order, held_out, last):
    """Rows of the log, and by how much later than those each happens: int64 (E,) each."""
    rows = np.lexsort((np.arange(len(data.users)), data.users))  # by user, oldest first
    until_end = np.searchsorted(data.users[rows], data.users[rows], side="right") - np.arange(len(rows))
    if last:
        rows, until_end = rows[until_end <= last], until_end[until_end <= last]
    times = np.where(until_end == 1, held_out + 1, 1)
    later = np.arange(times.sum()) - np.repeat(np.cumsum(times) - times, times)
    rows = np.repeat(rows, times)
    if order == "time" and getattr(data, "timestamps", None) is not None:
        by_time = np.argsort(data.timestamps[rows] + later, kind="stable")
        rows, later = rows[by_time], later[by_time]
    return rows, later


def _columns(data, columns, chosen, ids):
    rows, later = chosen
    given = {
        "user": data.users,
        "item": data.items,
        "rating": getattr(data, "ratings", None),
        "time": getattr(data, "timestamps", None),
    }
    if ids is not None:
        given.update(user=ids.users[data.users], item=ids.items[data.items])
    told = []
    for name in columns:
        if not isinstance(name, str) or name not in given:
            told.append(np.full(len(rows), name))
        elif given[name] is None:  # a log without ratings, or without times
            told.append(np.arange(len(rows)) if name == "time" else np.ones(len(rows), np.int64))
        else:
            told.append(given[name][rows] + (later if name == "time" else 0))
    return told


def _by_user(users, items):
    told = {}
    for user, item in zip(users.tolist(), items.tolist()):
        told.setdefault(user, []).append(item)
    return told


def _write_lists(target, told, kind, sep, with_users):
    if kind == "lists":
        sep = " " if sep == "\t" else sep
        lines = (sep.join(map(str, [user, *items] if with_users else items)) for user, items in told.items())
        target.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    elif target.suffix == ".json":
        target.write_text(json.dumps(told), encoding="utf-8")
    else:
        target.write_bytes(pickle.dumps(told))


def _write_csr(target, ids, users, items):
    """A matrix of users and items as `scipy.sparse.save_npz` writes it."""
    shape = (int(ids.users.max()) + 1, int(ids.items.max()) + 1)
    pairs = np.unique(np.stack([users, items], 1), axis=0)
    starts = np.searchsorted(pairs[:, 0], np.arange(shape[0] + 1)).astype(np.int32)
    columns = pairs[:, 1].astype(np.int32)
    np.savez(
        target,
        indices=columns,
        indptr=starts,
        format=np.array(b"csr"),
        shape=np.array(shape),
        data=np.ones(len(pairs)),
    )


# -- the repo's numbering


class Ids:
    """How the repo numbers users and items; evolverec's ids are 1 to n.

    users, items: the first id; or the repo's id of each of ours, as a dict or an array. order: "sorted", "sorted-text" or "appearance"
    where the repo numbers anew what it meets, in that order. padding: what fills histories, a number, "n" (of items) or "n+1".
    length: of the histories that the model takes, None for whatever they are; side: where padding stands.
    """

    def __init__(self, data, *, users=1, items=1, order=None, padding=0, length=None, side="left"):
        self.n_users, self.n_items = int(data.n_users), int(data.n_items)
        self.users = _numbers(users, self.n_users, data.users, order, "users")
        self.items = _numbers(
            items, self.n_items, data.items, order, "items"
        )  # (n + 1,), -1 where the repo has none
        n = int((self.items[1:] >= 0).sum()) if order or not isinstance(items, int) else self.n_items
        self.padding = {"n": n, "n+1": n + 1}.get(padding, padding)
        self.length, self.side = length, side
        largest = int(self.items[data.items].max()) if len(data.items) else 0
        self.known = (self.items >= 0) & (
            self.items <= largest
        )  # (n + 1,): items that the model may be asked with
        self.known[0] = False

    def histories(self, histories):
        """int64 (B, length): evolverec's left-padded histories (B, L) as the repo writes them."""
        given = np.asarray(histories)
        width = self.length or given.shape[1]
        rows = np.full((len(given), width), -1 if self.padding is None else self.padding, np.int64)
        for row, history in zip(rows, given):
            kept = history[self.known[history]][-width:] if width else history[:0]
            if len(kept):
                place = slice(width - len(kept), None) if self.side == "left" else slice(0, len(kept))
                row[place] = self.items[kept]
        return rows

    def lists(self, histories):
        """The same without padding: a list for each row."""
        return [self.items[row[self.known[row]]].tolist() for row in np.asarray(histories)]

    def asked(self, padding=False):
        """int64 (n,): the repo's ids of the items that the model knows, in order; with that of padding where it is 0."""
        items = np.unique(self.items[self.known])
        return np.concatenate([[0], items]) if padding and self.padding == 0 and items[0] > 0 else items

    def columns(self, width):
        """int64 (n + 1,): which column of the repo's scores belongs to each item; `width` where none does, -1 for padding."""
        columns = np.where((self.items >= 0) & (self.items < width), self.items, width)
        columns[0] = self.padding if isinstance(self.padding, int) and 0 <= self.padding < width else -1
        return columns


def _numbers(given, n, seen, order, what):
    numbers = np.full(n + 1, -1, np.int64)
    if order is not None:
        met, first = np.unique(seen, return_index=True)
        if order == "appearance":
            met = met[np.argsort(first, kind="stable")]
        elif order == "sorted-text":
            met = np.array(sorted(met.tolist(), key=str))
        numbers[met] = np.arange(len(met)) + given
    elif isinstance(given, int):
        numbers[1:] = np.arange(n) + given
    elif isinstance(given, dict):
        for ours, theirs in given.items():
            if str(ours).lstrip("-").isdigit() and 1 <= int(ours) <= n:
                numbers[int(ours)] = int(theirs)
    else:
        numbers[:] = np.asarray(given)
        numbers[0] = -1
    if not (numbers >= 0).any():
        raise ValueError(
            f"Ids({what}=...) gives no number to any of the {n} {what}; a dict from evolverec's id (1 to n, number or text) is expected"
        )
    return numbers


# -- asking the model


class scores:  # noqa: N801 - read as a namespace, kit.scores.by_user("predict")
    """Ways in which repos score. Each gives a function (model, users, histories, ids) -> (B, N), column j the repo's item j.

    method: the model's, "predict" for one; None calls the model itself. users and items come as tensors where torch is used.
    """

    @staticmethod
    def by_items(method=None, *, tensors=False):
        """method(users (B,), histories (B, L), items (n,)) -> (B, n); arrays unless tensors."""

        def score(model, users, histories, ids):
            items = ids.asked(padding=True)
            given = [_given(one, model, tensors) for one in (users, histories, items)]
            return _placed(_called(model, method, *given), items, len(users))

        return score

    @staticmethod
    def by_pairs(method=None, *, item_first=False, tensors=True):
        """method(users (P,), items (P,)) -> (P,), a score for each pair."""

        def score(model, users, histories, ids):
            items = ids.asked()
            rows, some = [], max(1, (1 << 18) // len(items))
            for start in range(0, len(users), some):
                part = users[start : start + some]
                pair = [
                    _given(np.repeat(part, len(items)), model, tensors),
                    _given(np.tile(items, len(part)), model, tensors),
                ]
                rows.append(
                    _called(model, method, *(pair[::-1] if item_first else pair)).reshape(
                        len(part), len(items)
                    )
                )
            return _placed(_joined(rows), items, len(users))

        return score

    @staticmethod
    def by_user(method=None, *, tensors=True):
        """method(users (B,)) -> (B, N)"""
        return lambda model, users, histories, ids: _called(model, method, _given(users, model, tensors))

    @staticmethod
    def by_history(method=None, *, tensors=True, position=-1, with_users=False):
        """method(histories (B, L)) -> (B, N), or (B, L, N) of which `position` is taken."""

        def score(model, users, histories, ids):
            given = [
                _given(one, model, tensors) for one in ((users, histories) if with_users else (histories,))
            ]
            return _at(_called(model, method, *given), position)

        return score

    @staticmethod
    def by_table(method, table, *, tensors=True, position=-1):
        """method(histories (B, L)) -> (B, d) or (B, L, d), times the table (N, d) that the path names."""

        def score(model, users, histories, ids):
            state = _at(_called(model, method, _given(histories, model, tensors)), position)
            return state @ _found(model, table).T

        return score

    @staticmethod
    def all_items(
        method="full_sort_predict", *, user="user_id", history="item_id_list", length="item_length"
    ):
        """method({user: (B,), history: (B, L), length: (B,)}) -> (B * N,), as RecBole's models answer; histories on the left."""

        def score(model, users, histories, ids):
            lengths = (histories != ids.padding).sum(1)
            asked = _Interaction({user: users, history: histories, length: np.maximum(lengths, 1)})
            asked.update({name: _given(one, model, True) for name, one in asked.items()})
            return _called(model, method, asked).reshape(len(users), -1)

        return score

    @staticmethod
    def matrix(users, items):
        """The products of two tables of factors, (U, d) and (N, d), that the paths name."""
        return lambda model, asked, histories, ids: _found(model, users)[asked] @ _found(model, items).T

    @staticmethod
    def frame(method="recommend", *, user="user_id", item="item_id", score="score", **arguments):
        """method(DataFrame of users, ...) -> DataFrame with a row for each user and item that is recommended."""

        def ask(model, users, histories, ids):
            import pandas

            told = _called(model, method, pandas.DataFrame({user: users}), **arguments)
            row_of = {int(one): row for row, one in enumerate(users)}
            told_of = np.full((len(users), int(ids.items.max()) + 1), -np.inf, np.float32)
            told_of[[row_of[int(one)] for one in told[user]], told[item].to_numpy()] = told[score].to_numpy()
            return told_of

        return ask

    @staticmethod
    def file(path):
        """An array (U, N) that the program has written; path: relative to the repo."""

        def score(model, users, histories, ids):
            return np.load(ids.run.scratch / path, allow_pickle=False)[users]

        return score


class _Interaction(dict):
    def to(self, *_, **__):
        return self


def _called(model, method, *given, **named):
    function = model if method is None else _found(model, method)
    told = function(*given, **named)
    return told[0] if isinstance(told, (tuple, list)) else told


def _found(model, path):
    """An attribute "item_emb.weight", or what a function of the adapter's makes of the model."""
    return path(model) if callable(path) else functools.reduce(getattr, path.split("."), model)


def _given(array, model, tensors):
    torch = _torch()
    if not tensors or torch is None:
        return array
    first = next(iter(model.parameters()), None) if hasattr(model, "parameters") else None
    return torch.as_tensor(array, device=getattr(first, "device", "cpu"))


def _at(told, position):
    return told[:, position] if told.ndim == 3 else told


def _joined(rows):
    return np.concatenate(rows) if isinstance(rows[0], np.ndarray) else _torch().cat(rows)


def _placed(told, items, n):
    """(B, n) of these items into (B, N): column j is item j; minus infinity where none was asked."""
    told = (
        told.reshape(n, len(items))
        if hasattr(told, "reshape")
        else np.asarray(told, np.float32).reshape(n, len(items))
    )
    width = int(items.max()) + 1
    if len(items) == width:
        return told
    back = np.full(width, len(items))
    back[items] = np.arange(len(items))
    return _chosen(told, back)


def _chosen(told, columns):
    """Columns of scores (B, N); one that lies beyond them is minus infinity, -1 is 0."""
    width, rows = told.shape[1], len(told)
    columns = np.where(columns < 0, width + 1, columns)
    if isinstance(told, np.ndarray):
        return np.concatenate(
            [told, np.full((rows, 1), -np.inf, told.dtype), np.zeros((rows, 1), told.dtype)], 1
        )[:, columns]
    beyond = [told.new_full((rows, 1), -float("inf")), told.new_zeros((rows, 1))]
    return _torch().cat([told, *beyond], 1).index_select(1, _torch().as_tensor(columns, device=told.device))


class Recommender:
    """What `build()` returns: `run` trains it, `score` asks it, `table` is what it is asked with.

    model: the variable of the program that holds it. score: one of `kit.scores`, or a function (model, users, histories) of the
    adapter's; users and histories are in the repo's numbering `ids`, and column j of the answer is the repo's item j. table: path
    to the item embeddings that scoring multiplies, row j the repo's item j, or a function of the model.
    """

    def __init__(self, data, run, *, model="model", score, ids=None, table=None):
        self.run, self._name, self._score, self._table = run, model, score, table
        self._ids = ids or (lambda: Ids(data))
        run.start()
        self.model = None
        self._take_model(must=False)

    def fit(self):
        if self.run.ended:
            self.run.restart()
        while True:
            told = self.run.epoch()
            if told is None:
                return
            self._take_model()
            yield told

    def score(self, users, histories):
        ids = self.ids
        self._take_model()
        given = (ids.users[np.asarray(users)], ids.histories(histories))
        told = self._score(
            self.model, *given, *([ids] if getattr(self._score, "__module__", None) == __name__ else [])
        )
        told = told if hasattr(told, "shape") else np.asarray(told)
        columns = ids.columns(told.shape[1])
        return told if np.array_equal(columns, np.arange(told.shape[1])) else _chosen(told, columns)

    def item_embeddings(self):
        if self._table is None:
            return None
        self._take_model()
        table = _found(self.model, self._table)
        table = table() if callable(table) else table
        columns = self.ids.columns(len(table))
        table = table.detach().cpu().numpy() if hasattr(table, "detach") else np.asarray(table)
        rows = np.concatenate([table, np.zeros((2, table.shape[1]), table.dtype)])
        return rows[np.where(columns < 0, len(table), columns)]

    @property
    def ids(self):
        """The numbering; one that only the program knows is asked for when it is needed: ids=lambda: Ids(data, items=run["item_map"])."""
        if callable(self._ids):
            self._ids = self._ids()
        self._ids.run = self.run
        return self._ids

    def _take_model(self, must=True):
        try:
            self.model = self.run[self._name]
        except LookupError:
            if must and self.model is None:
                raise

    def __getattr__(self, name):
        """A model without torch has its state in its arrays."""
        model = self.__dict__.get("model")
        if name not in ("state_dict", "load_state_dict") or model is None or hasattr(model, "modules"):
            raise AttributeError(name)
        return (
            (lambda: copy.deepcopy(_arrays(model)))
            if name == "state_dict"
            else (lambda state: vars(model).update(copy.deepcopy(state)))
        )


def _arrays(model):
    return {name: value for name, value in vars(model).items() if isinstance(value, np.ndarray)}
