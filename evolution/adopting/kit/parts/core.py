"""The program itself, as its thread has it."""

import ast
import builtins
import functools
import importlib
import importlib.util
import io
import os
import signal
import sys
import types
from pathlib import Path

from .marks import _cells, _Finder, _library, _Marks, _Unmarked
from .older import _older_habits
from .scratch import ROOT, _in_own_files, _in_repo, _next_scratch, _torch, scratch
from .surroundings import (
    _ABSENT,
    WRITES_CUDA,
    _marked,
    _of_cuda_on_cpu,
    _Stubs,
    _Swapped,
    _with_folders,
    _with_paths,
    _without_gpu,
)
from .threads import _Thread


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
        self.past = False  # its loop over epochs has ended
        self.losses, self.module, self._last_end, self._hooks = [], None, 0, []
        self._awaits_forward = (
            False  # what is called before the first batch, a trial of the evaluation or so, ends no epoch
        )
        self._answers, self._library, self._kept = list(answers), library, kept
        self._unused = {one for one in (*values, *skip) if not _library(one)}  # names that no file has yet
        self._swapped, self._own_modules, self._outside, self._foreign = _Swapped(), {}, {}, {}
        self._surround(argv, cwd, stubs, paths)
        self.thread = _Thread(self._body, self)
        self.thread.libraries = {
            target.partition(":")[0].partition(".")[0] for target, mark in library if mark == "end"
        }
        if _torch() is not None and not _torch().cuda.is_available() and _in_own_files(WRITES_CUDA):
            self.thread.own_modes([_without_gpu(_torch())])
            for owner, name, value in _of_cuda_on_cpu(_torch()):
                self._swapped.add(owner, name, value)

    # -- what the marks call, inside the program

    def end(self):
        """Where an epoch ends; at a loop the first time, where the first one begins."""
        if self.thread.here() and (self.begun or not self._awaits_forward):
            self._wait("start" if self.marks["loop"] and not self.begun else "end")

    def over(self):
        """Behind the loop over epochs."""
        self.past = self.past or self.thread.here()

    def skipped(self, name):
        """What a function that is left out gives."""
        return self._skipped[name]

    def start(self, *_):
        """Where training begins, for programs whose epochs end at a call."""
        if self.thread.here() and not self.begun:
            self._wait("start")

    def _wait(self, what):
        if not self.begun and self._unused:
            names = ", ".join(sorted(self._unused))
            print(f"evolverec_kit: the program has no {names}, which values= or skip= of Program name")
        self.begun, self.waits_at, self.past = True, what, False
        self.thread.suspend()

    def is_done(self):
        """Whether what the program still does needs what is left out, and no epoch follows: it may fail at that."""
        return self.begun and self.past and bool(self._skipped)

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
        self._unused -= marks.used
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
        path, package = self._script_file()
        if path is None:
            raise FileNotFoundError(
                f"there is no {self.script} in {ROOT}; Program expects the repo's own script, relative to its folder, "
                'or a module as in `python -m`, "package.train"'
            )
        self.module.__dict__.update(__file__=str(path), __builtins__=builtins, __evolverec_kit__=self)
        self.module.__package__ = package
        exec(self.compiled(str(path)), self.module.__dict__)  # noqa: S102 - the user's own script

    def _script_file(self):
        """The script's file, None where there is none; and its package, where it is run as `python -m` would."""
        if _is_file(self.script):
            path = self.scratch.folder / self.script
            return (path if path.exists() else None), None
        for base in (self.scratch.folder, self.scratch.folder / "src"):
            path = base.joinpath(*self.script.split("."))
            if path.with_suffix(".py").exists():
                return path.with_suffix(".py"), self.script.rpartition(".")[0]
            if (path / "__main__.py").exists():
                return path / "__main__.py", self.script
        return None, None

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
            first = os.path.dirname(os.path.join(there, name)) if _is_file(name) else there
            packages = (
                [os.path.join(there, "src")]
                if (ROOT / "src").is_dir() and not (ROOT / "src" / "__init__.py").exists()
                else []
            )
            add(sys, "path", list(dict.fromkeys([first, *packages, *self._paths(there)])))
            add(sys, "meta_path", [_Finder(self), *_Stubs.before(stubs), *sys.meta_path, _Stubs(stubs)])
            if ":" not in self.script:
                self.module = types.ModuleType("__main__")
                add(sys.modules, "__main__", self.module)
        for owner, old, value in _older_habits():
            add(owner, old, value)
        self._redirect(add, paths)
        self._be_silent(add)
        if _torch() is not None:
            add(_torch().autograd, "backward", self._noting(_torch().autograd.backward))

    def _redirect(self, add, paths):
        """What the program opens by an absolute path in the repo, or below one of `paths`, lies in the scratch folder."""
        there, exists = str(self.scratch.folder), os.path.isdir
        given = [
            (_whole_path(str(old)), os.path.normpath(os.path.join(there, new)))
            for old, new in dict(paths).items()
        ]
        of_libraries = any(_library(str(old)) for old in dict(paths))

        def moved(path):
            if not isinstance(path, (str, os.PathLike)) or not isinstance(os.fspath(path), str):
                return path
            # A library joins its folder to its own file's, with ".." in between.
            text = os.path.normpath(path) if of_libraries else os.fspath(path)
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
            function = getattr(owner, name)
            if name in ("open", "save"):
                function = _with_folders(function, there, int(name == "save"))
            add(owner, name, _with_paths(function, moved))

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
        own = []
        for name, module in list(sys.modules.items()):
            if self._foreign.get(name, _ABSENT) is module:  # looked at before: this is done at every switch
                continue
            if self._is_of_repo(name, module):
                own.append(name)
            else:
                self._foreign[name] = module
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
                if not self.found and not self._library:
                    raise _Unmarked  # it would train to its end without a stop
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
                self._awaits_forward = True

    def _count_step(self, *_):
        if self.thread.here():
            self.steps_done += 1

    def _first_forward(self, module, _):
        if module.training and _torch().is_grad_enabled() and self.thread.here():
            self._hooks.pop().remove()
            self.start()


def _whole_path(path):
    """A folder as `paths` of Program names it: by its own path, or "module:folder" beside an installed module."""
    if not _library(path):
        return path.rstrip("/")
    name, _, folder = path.partition(":")
    found = importlib.util.find_spec(name)
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError(
            f"No module named {name!r}, in which paths= of Program names {folder}", name=name
        )
    return os.path.normpath(
        os.path.join(os.path.realpath(next(iter(found.submodule_search_locations))), folder)
    )


def _is_file(script):
    return script.endswith((".py", ".ipynb"))
