"""The expressions and calls of the statements on given lines."""

import ast
from collections.abc import Iterable
from functools import lru_cache

from diagnosis.deciding.program import Program
from diagnosis.findings import CodePlace


def statements_at(program: Program, place: CodePlace) -> list[ast.stmt]:
    """The innermost statements on a line; of a compound one, where its header is on it."""
    there = [one for one in _statements(program, place.path) if one.lineno <= place.line <= _header_end(one)]
    outer = {around for one in there for around in program.around(one)}
    return [one for one in there if one not in outer]


@lru_cache(maxsize=2_000)
def _statements(program: Program, path: str) -> tuple[ast.stmt, ...]:
    tree = program.trees.get(path)
    return tuple(one for one in ast.walk(tree) if isinstance(one, ast.stmt)) if tree else ()


@lru_cache(maxsize=2_000)
def _by_line(program: Program, path: str) -> dict[int, list[ast.expr]]:
    found: dict[int, list[ast.expr]] = {}
    tree = program.trees.get(path)
    for one in ast.walk(tree) if tree else ():
        if isinstance(one, ast.expr):
            found.setdefault(one.lineno, []).append(one)
    return found


def begun_at(program: Program, place: CodePlace) -> list[ast.expr]:
    """All expressions that begin on a line."""
    return _by_line(program, place.path).get(place.line, [])


def expressions_of(program: Program, places: Iterable[CodePlace]) -> list[ast.expr]:
    """The outermost expressions of the statements on these lines, what they assign to left out."""
    found: list[ast.expr] = []
    for place in places:
        for statement in statements_at(program, place):
            found += [
                one
                for one in ast.iter_child_nodes(statement)
                if isinstance(one, ast.expr) and not isinstance(getattr(one, "ctx", None), ast.Store)
            ]
    return found


def calls_of(program: Program, places: Iterable[CodePlace]) -> list[ast.Call]:
    """All calls of the statements on these lines, outermost first."""
    return [
        one for node in expressions_of(program, places) for one in ast.walk(node) if isinstance(one, ast.Call)
    ]


def _header_end(statement: ast.stmt) -> int:
    body = getattr(statement, "body", None)
    inside = body[0].lineno - 1 if isinstance(body, list) and body else statement.end_lineno
    return max(statement.lineno, inside or statement.lineno)
