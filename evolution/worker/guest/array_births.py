"""Remembers on which lines of the repo arrays and lists of whole numbers came up, and of which others they were made.

numpy tells nobody what it does. While a recommender is built and takes its first steps, every line of the repo is
followed: an array that a local variable, an attribute of `self`, a `yield` or a `return` holds for the first time was
made by that line. Lines cost time, so that only MOST_LINES are followed.
"""

from __future__ import annotations

import ast
import sys
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from .tracing_frames import Places

MOST_LINES = 200_000
MOST_LISTS = 5_000
MOST = 10  # places in a chain
NAMES = 4  # arrays of a line that a chain goes back through
DRAWS = [
    "randint",
    "integers",
    "random_integers",
    "choice",
    "choices",
    "sample",
    "random",
    "rand",
    "uniform",
    "permutation",
    "shuffle",
    "permuted",
    "multinomial",
    "randrange",
    "zipf",
    "geometric",
    "poisson",
]
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

    def _chain(self, array: Any) -> tuple[Place, ...]:
        while isinstance(array, (np.ndarray, list)):
            known = self._known.get(id(array))
            if known is not None and known[0]() is array:
                return known[1]
            array = getattr(array, "base", None)
        return ()

    def _keep(self, array: Any, chain: tuple[Place, ...]) -> None:
        """A list is held, because nothing tells when it is gone."""
        held = isinstance(array, list)
        if held and id(array) not in self._known:
            self._lists += 1
        if not held or self._lists <= MOST_LISTS:
            self._known[id(array)] = ((lambda: array) if held else weakref.ref(array), chain)

    def _on_call(self, frame: Any, event: str, argument: Any) -> Any:
        if self._left <= 0 or self._places.path(frame.f_code.co_filename) is None:
            return None
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
        names = [node.id for node in _targets(statement) if isinstance(node, ast.Name)]
        self._prior[id(frame)] = {name: frame.f_locals.get(name) for name in names}

    def _bound(self, frame: Any, line: int) -> None:
        """What the line that has run bound to a name or to an attribute."""
        statement = self._statement(frame, line)
        for target in _filled(statement):
            self._refilled(_value(target, frame), frame, line, statement)
        for target in _targets(statement):
            self._born(_value(target, frame), frame, line, statement, _made_of(statement))

    def _handed_out(self, frame: Any, argument: Any) -> None:
        statement = self._statement(frame, frame.f_lineno)
        value = getattr(statement, "value", None)
        value = value.value if isinstance(value, (ast.Yield, ast.YieldFrom)) else value
        if isinstance(argument, tuple) and isinstance(value, ast.Tuple) and len(value.elts) == len(argument):
            for one, part in zip(argument, value.elts):
                self._born(one, frame, frame.f_lineno, statement, part)
        else:
            for one in argument if isinstance(argument, (tuple, list)) else (argument,):
                self._born(one, frame, frame.f_lineno, statement, value)

    def _born(self, array: Any, frame: Any, line: int, statement: Any, made_of: Any) -> None:
        if not _is_ids(array):
            return
        known = self._known.get(id(array))
        if known is not None and known[0]() is array:
            return
        path = self._places.path(frame.f_code.co_filename)
        if path is None:
            return
        prior = self._prior.get(id(frame), {})
        sources = [one for one in list(_sources(made_of, frame, prior))[:NAMES] if one is not array]
        same = next((self._chain(one) for one in sources if _same(one, array)), ())
        if same:  # a part that is the whole is nothing new
            self._keep(array, same)
            return
        handed = isinstance(statement, (ast.Return, ast.Expr, ast.For))
        chain: list[Place] = [(path, line, _does(made_of) or ("return" if handed else ""))]
        for source in sources:
            chain += self._chain(source)
        self._keep(array, tuple(dict.fromkeys(chain))[:MOST])

    def _refilled(self, array: Any, frame: Any, line: int, statement: Any) -> None:
        """A line that writes into an array comes before the line that made it."""
        path, known = self._places.path(frame.f_code.co_filename), self._chain(array)
        if path is None or not known or id(array) not in self._known:
            return
        place = (path, line, _does(_made_of(statement)) or "__setitem__")
        if place in known:
            return
        sources = [self._chain(one) for one in list(_sources(_made_of(statement), frame, {}))[:NAMES]]
        chain = [place, *known, *(one for source in sources for one in source)]
        self._keep(array, tuple(dict.fromkeys(chain))[:MOST])

    def _statement(self, frame: Any, line: int) -> Any:
        name = frame.f_code.co_filename
        if name not in self._lines:
            self._lines[name] = _statements(name)
        return self._lines[name].get(line)


def _statements(name: str) -> dict[int, ast.stmt]:
    """The statement at each line of a file, the innermost one."""
    try:
        tree = ast.parse(Path(name).read_bytes())
    except (OSError, SyntaxError, ValueError):
        return {}
    found: dict[int, ast.stmt] = {}
    for node in ast.walk(tree):  # outer ones first
        if isinstance(node, ast.stmt):
            for line in range(node.lineno, (node.end_lineno or node.lineno) + 1):
                found[line] = node
    return found


def _targets(statement: Any) -> Iterator[ast.AST]:
    """Names and attributes that a statement binds, those of a tuple one by one."""
    bound: list[Any] = list(getattr(statement, "targets", []))
    if isinstance(statement, (ast.AnnAssign, ast.For)):
        bound = [statement.target]
    for target in bound:
        for node in target.elts if isinstance(target, (ast.Tuple, ast.List)) else [target]:
            if isinstance(node, (ast.Name, ast.Attribute)):
                yield node


def _filled(statement: Any) -> Iterator[ast.AST]:
    """Names and attributes that a statement assigns parts of."""
    for target in getattr(statement, "targets", []):
        if isinstance(target, ast.Subscript):
            yield target.value


def _made_of(statement: Any) -> Any:
    return statement.iter if isinstance(statement, ast.For) else getattr(statement, "value", None)


def _value(node: Any, frame: Any) -> Any:
    """What a name, or an attribute of an object that a name holds, is worth in a frame; None otherwise."""
    if isinstance(node, ast.Name):
        return frame.f_locals.get(node.id)
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        holder = frame.f_locals.get(node.value.id)
        return getattr(holder, "__dict__", {}).get(node.attr)
    return None


def _sources(expression: Any, frame: Any, prior: dict[str, Any]) -> Iterator[Any]:
    """Arrays of whole numbers that an expression takes, in its order. prior: what names held before the line ran."""
    if expression is None:
        return
    for node in ast.walk(expression):
        before = prior.get(node.id) if isinstance(node, ast.Name) else None
        value = _value(node, frame) if before is None else before
        if _is_ids(value):
            yield value


def _does(expression: Any) -> str:
    """The draw that an expression holds, else its outermost call; "" without calls."""
    if expression is None:
        return ""
    calls = [node.func for node in ast.walk(expression) if isinstance(node, ast.Call)]
    names = [call.attr if isinstance(call, ast.Attribute) else getattr(call, "id", "") for call in calls]
    drawn = [name for name in names if name in DRAWS]
    return (drawn or names or [""])[0]


def _same(one: Any, other: Any) -> bool:
    """Whether two arrays are one piece of memory, or two lists have the same length and ends."""
    if type(one) is not type(other) or len(one) != len(other):
        return False
    if isinstance(one, list):
        return bool(one[0] == other[0] and one[-1] == other[-1])
    return one.size == other.size and one.__array_interface__["data"] == other.__array_interface__["data"]


def _is_ids(value: Any) -> bool:
    if type(value) is list:
        return bool(value) and isinstance(value[0], (int, np.integer)) and not isinstance(value[0], bool)
    return isinstance(value, np.ndarray) and value.dtype.kind in "iu" and value.ndim > 0
