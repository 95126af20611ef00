"""A repo's own program, one epoch at a time."""

import functools
import re
import sys
import weakref

from .core import _Core
from .marks import _library, _Unmarked
from .scratch import _next_scratch, _torch
from .surroundings import _ABSENT
from .threads import _end


class ProgramEnded(RuntimeError):
    """The program came to its end, or gave up, where its training was expected."""


class Program:
    """The repo's own program, run one epoch at a time.

    script: "main.py", run as `python main.py` would; "package.train", as `python -m`; "package.module:function"; a notebook; or a
    function of the adapter's.
    Where an epoch ends, one of: loop, the name of the variable of the training's loop, or ("file.py", "Class.method", "epoch"),
    of which each may be None; at, a function that is called once an epoch; every, so many steps of an optimizer.
    start: a function with which training begins, where that is not the loop or the first batch. skip: functions that are left
    out, and what they give instead, {"evaluate": (0.0, 0.0)}. Functions are "name", "Class.method" or "file.py:Class.method" of
    the repo's, or "module:Class.method" of a library's. values: in the place of constants of the repo, {"config.py:PATH": "data/"}.
    paths: folders outside of the repo that it reads, as it names them, and where in the scratch folder they are, {"/home/me/data":
    "data", "../datasets": "data"}; those of an installed module as {"recbole:dataset_example": "data"}.
    cwd: where the program is started, relative to the repo. report: names of variables to tell of each epoch; the mean loss
    otherwise. answers: what `input()` gets. stubs: libraries that are imported and not needed.
    """

    # No __dict__: what evolverec follows from the recommender on ends here.
    __slots__ = ("__weakref__", "_ahead", "_closing", "_core", "_epochs", "_learned", "_new", "_report")

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
        except _Unmarked:
            raise ProgramEnded(self._why_never_begun()) from None
        except Exception as error:
            if not core.is_done():
                raise
            print(
                f"evolverec_kit: after its last epoch {core.script} raised {type(error).__name__}: {error}; it may need what "
                "skip= leaves out, and is taken to have ended"
            )
            goes_on = False
        if not goes_on and not core.begun:
            raise ProgramEnded(self._why_never_begun())
        return goes_on

    def _why_never_begun(self):
        core, marks = self._core, self._core.marks
        file, function, variable = marks["loop"] or (None, None, None)
        place = " of ".join(part for part in (function, file) if part)
        loop = f"loop over {variable or 'anything'}" + (f" in {place}" if place else "")
        wanted = (
            loop
            if marks["loop"]
            else marks["at"] or ", ".join(target for target, _ in core._library) or "step"
        )
        if not callable(core.script) and not core.found and not core._library:
            return (
                f"{core.script} and what it imports have no {wanted}; Program expects the variable of the loop over epochs "
                "(loop=), or a function that is called once an epoch (at=)"
            )
        return f"{core.script} ended before it came to its {wanted}; what it printed is in the log above"

    def __getitem__(self, path):
        """A live variable, "model" or "trainer.net" or "items[0]": of the innermost function first, then of its file, then of the
        library that trains."""
        name, *rest = re.findall(r"[^.\[\]]+", path)
        core = self._core
        places = [frame.f_locals for frame in core.thread.frames] + [
            frame.f_globals for frame in core.thread.frames
        ]
        places += [vars(core.module)] if core.module is not None else []
        places += [core._own_modules] if rest else []
        places += [frame.f_locals for frame in core.thread.library_frames]
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


def _named(target):
    return f"{target.__module__}:{target.__qualname__}" if callable(target) else target


def _number(value):
    return float(value.item() if hasattr(value, "item") else value)
