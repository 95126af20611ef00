"""Remembers on which lines of the repo arrays and lists of whole numbers came up, and of which others they were made.

numpy tells nobody what it does. While a recommender is built and takes its first steps, every line of the repo is
followed: an array that a local variable, an attribute of `self`, a `yield` or a `return` holds for the first time was
made by that line. Lines cost time, so that only MOST_LINES are followed.
"""

from __future__ import annotations

import ast
import sys
import weakref
from typing import Any

import numpy as np

from .array_statements import bindings, does, filled, given, is_ids, made_of, sources, statements, value_of
from .tracing_frames import Places

MOST_LINES = 200_000
MOST_LISTS, MOST_OF_LINE = 5_000, 500  # that are held
MOST = 10  # places in a chain
NAMES = 4  # arrays of a line that a chain goes back through
TENSOR_TYPES = {"LongTensor", "IntTensor", "ShortTensor", "FloatTensor", "DoubleTensor", "Tensor"}
Place = tuple[str, int, str]


class ArrayBirths:
    """`run` under it; then `of` an array."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._known: dict[int, tuple[Any, tuple[Place, ...]]] = {}
        self._lines: dict[str, dict[int, ast.stmt]] = {}
        self._before: dict[int, int] = {}  # frame -> the line that it is at
        self._left = MOST_LINES
        self._prior: dict[int, dict[str, Any]] = {}  # of a frame: what names held before the line that runs
        self._lists = 0
        self._of_line: dict[Place, int] = {}  # lists that each line has made
        self._outer: Any = None
        self._entered = False

    def __enter__(self) -> ArrayBirths:
        self._outer = sys.gettrace()
        sys.settrace(self._on_call)
        self._entered = True
        return self

    def __exit__(self, *_: Any) -> None:
        if self._entered:
            sys.settrace(self._outer)
        self._entered, self._left = False, 0

    def of(self, array: Any) -> list[list[Any]]:
        """[path, line, function] of the lines that made an array, nearest first; [] where that is not known."""
        return [list(place) for place in self._chain(array)]

    def on_line(self) -> list[list[Any]]:
        """The same for the arrays that the line at work names; what it makes of them may be unknown elsewhere."""
        frame: Any = sys._getframe(1) if self._left > 0 else None
        while frame is not None and self._places.path(frame.f_code.co_filename) is None:
            frame = frame.f_back
        if frame is None:
            return []
        statement = self._statement(frame, frame.f_lineno)
        named = list(sources(made_of(statement), frame, {}))[:NAMES]
        return [list(place) for place in dict.fromkeys(p for one in named for p in self._chain(one))][:MOST]

    def _chain(self, array: Any) -> tuple[Place, ...]:
        while array is not None:
            known = self._known.get(id(array))
            if known is not None and known[0]() is array:
                return known[1]
            array = array.base if isinstance(array, np.ndarray) else None
        return ()

    def _keep(self, array: Any, chain: tuple[Place, ...]) -> None:
        """A list is held, because nothing tells when it is gone."""
        held = isinstance(array, list)
        if held and id(array) not in self._known:
            self._lists += 1
            self._of_line[chain[0]] = self._of_line.get(chain[0], 0) + 1
        if not held or (self._lists <= MOST_LISTS and self._of_line.get(chain[0], 0) <= MOST_OF_LINE):
            self._known[id(array)] = ((lambda: array) if held else weakref.ref(array), chain)

    def _on_call(self, frame: Any, event: str, argument: Any) -> Any:
        if self._left <= 0 or self._places.path(frame.f_code.co_filename) is None:
            return None
        if event == "call" and frame.f_lineno == frame.f_code.co_firstlineno:  # else a generator goes on
            self._taken(frame)
        return self._on_line

    def _on_line(self, frame: Any, event: str, argument: Any) -> Any:
        self._left -= 1
        if self._left <= 0:
            return None
        if event == "line":
            line = self._before.get(id(frame))
            if line is not None:
                self._bound(frame, line)
            self._before[id(frame)] = frame.f_lineno
            self._rebound(frame)
        elif event == "return":
            self._bound(frame, self._before.pop(id(frame), frame.f_lineno))
            self._prior.pop(id(frame), None)
            self._handed_out(frame, argument)
            self._before[id(frame)] = frame.f_lineno  # a generator goes on from its `yield`
        return self._on_line

    def _rebound(self, frame: Any) -> None:
        """Keep what the names hold now that the coming line takes and binds anew, as `row = row[-width:]` does."""
        statement = self._statement(frame, frame.f_lineno)
        names = [node.id for node, _ in bindings(statement) if isinstance(node, ast.Name)]
        self._prior[id(frame)] = {name: frame.f_locals.get(name) for name in names}

    def _bound(self, frame: Any, line: int) -> None:
        """What the line that has run bound to a name or to an attribute."""
        statement = self._statement(frame, line)
        for target in filled(statement):
            self._refilled(value_of(target, frame), frame, line, statement)
        for target, expression in bindings(statement):
            self._born(value_of(target, frame), frame, line, statement, expression)

    def _handed_out(self, frame: Any, argument: Any) -> None:
        statement = self._statement(frame, frame.f_lineno)
        value = getattr(statement, "value", None)
        value = value.value if isinstance(value, (ast.Yield, ast.YieldFrom)) else value
        if isinstance(argument, tuple) and isinstance(value, ast.Tuple) and len(value.elts) == len(argument):
            for one, part in zip(argument, value.elts):
                self._born(one, frame, frame.f_lineno, statement, part)
        else:
            parts = argument if isinstance(argument, tuple) else (argument,)
            for one in (*parts, *(argument[:NAMES] if isinstance(argument, list) else ())):
                self._born(one, frame, frame.f_lineno, statement, value)

    def _taken(self, frame: Any) -> None:
        """Arrays that a call makes for a parameter, `rows(np.concatenate([a, b]))`: the line of the argument made them."""
        code, caller = frame.f_code, frame.f_back
        if caller is None or self._places.path(caller.f_code.co_filename) is None:
            return
        names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        bound = int(bool(names) and names[0] in ("self", "cls"))
        for place, name in enumerate(names[bound:]):
            value = frame.f_locals.get(name)
            if not is_ids(value) or self._chain(value):
                continue
            statement = self._statement(caller, caller.f_lineno)
            expression = given(statement, code.co_name, name, place)
            if expression is not None:
                self._born(value, caller, expression.lineno, statement, expression)

    def _born(self, array: Any, frame: Any, line: int, statement: Any, expression: Any) -> None:
        if not is_ids(array) and not _is_new_tensor(array, expression):
            return
        known = self._known.get(id(array))
        if known is not None and known[0]() is array:
            return
        path = self._places.path(frame.f_code.co_filename)
        if path is None:
            return
        prior = self._prior.get(id(frame), {})
        taken = [one for one in list(sources(expression, frame, prior))[:NAMES] if one is not array]
        same = next((self._chain(one) for one in taken if _same(one, array)), ())
        if same:  # a part that is the whole is nothing new
            self._keep(array, same)
            return
        handed = isinstance(statement, (ast.Return, ast.Expr, ast.For))
        chain: list[Place] = [(path, line, does(expression) or ("return" if handed else ""))]
        for source in taken:
            chain += self._chain(source)
        self._keep(array, tuple(dict.fromkeys(chain))[:MOST])

    def _refilled(self, array: Any, frame: Any, line: int, statement: Any) -> None:
        """A line that writes into an array, or appends to a list, comes before the line that made it."""
        path, known = self._places.path(frame.f_code.co_filename), self._chain(array)
        if path is None or not is_ids(array) or (known and id(array) not in self._known):
            return
        place = (path, line, does(made_of(statement)) or "__setitem__")
        if place in known:
            return
        taken = [one for one in list(sources(made_of(statement), frame, {}))[:NAMES] if one is not array]
        chain = [place, *known, *(one for source in taken for one in self._chain(source))]
        self._keep(array, tuple(dict.fromkeys(chain))[:MOST])

    def _statement(self, frame: Any, line: int) -> Any:
        name = frame.f_code.co_filename
        if name not in self._lines:
            self._lines[name] = statements(name)
        return self._lines[name].get(line)


def _is_new_tensor(value: Any, expression: Any) -> bool:
    """Whether a type of torch's made a tensor: torch shows such calls to nobody."""
    return type(value).__name__ == "Tensor" and does(expression) in TENSOR_TYPES


def _same(one: Any, other: Any) -> bool:
    """Whether two arrays are one piece of memory, or two lists have the same length and ends."""
    if type(one) is not type(other) or len(one) != len(other):
        return False
    if isinstance(one, list):
        ends = ((one[0], other[0]), (one[-1], other[-1]))
        return all(a is b or (isinstance(a, (int, np.integer)) and a == b) for a, b in ends)
    return one.size == other.size and one.__array_interface__["data"] == other.__array_interface__["data"]
