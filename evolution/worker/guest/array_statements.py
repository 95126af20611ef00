"""What a statement of the repo binds, writes into and takes, by its syntax; values are those of a running frame."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

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
GROWING = {"append", "extend", "insert", "appendleft"}


def statements(name: str) -> dict[int, ast.stmt]:
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


def bindings(statement: Any) -> Iterator[tuple[Any, Any]]:
    """Names and attributes that a statement binds, each with the expression that it gets (a part of) its value from."""
    bound: list[Any] = list(getattr(statement, "targets", []))
    if isinstance(statement, (ast.AnnAssign, ast.For)):
        bound = [statement.target]
    for target in bound:
        yield from _paired(target, made_of(statement))


def _paired(target: Any, value: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(target, (ast.Name, ast.Attribute)):
        yield target, value
    elif isinstance(target, ast.Starred):
        yield from _paired(target.value, value)
    elif isinstance(target, (ast.Tuple, ast.List)):
        parts = _parts(value)
        fit = len(parts) == len(target.elts)
        for place, node in enumerate(target.elts):
            yield from _paired(node, parts[place] if fit else value)


def _parts(value: Any) -> list[Any]:
    """What the parts of a tuple come from: `a, b`, `zip(a, b)`, `enumerate(a)`; [] where that is not to be seen."""
    if isinstance(value, (ast.Tuple, ast.List)):
        return value.elts
    called = getattr(value.func, "id", "") if isinstance(value, ast.Call) else ""
    if called == "zip":
        return value.args
    return [None, *value.args[:1]] if called == "enumerate" else []


def filled(statement: Any) -> Iterator[ast.AST]:
    """Names and attributes that a statement assigns parts of, or appends to."""
    for target in getattr(statement, "targets", []):
        part = target
        while isinstance(part, ast.Subscript):
            part = part.value
        if part is not target:
            yield part
    call = statement.value if isinstance(statement, ast.Expr) else None
    if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in GROWING:
        yield call.func.value


def given(statement: Any, function: str, parameter: str, place: int) -> Any:
    """The expression that a statement hands to a parameter of a function; None if it is not to be seen."""
    for node in ast.walk(statement) if statement is not None else ():
        if not isinstance(node, ast.Call):
            continue
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if function not in (called, "__init__"):
            continue
        for keyword in node.keywords:
            if keyword.arg == parameter:
                return keyword.value
        if place < len(node.args) and not any(isinstance(one, ast.Starred) for one in node.args[: place + 1]):
            return node.args[place]
    return None


def made_of(statement: Any) -> Any:
    return statement.iter if isinstance(statement, ast.For) else getattr(statement, "value", None)


def value_of(node: Any, frame: Any) -> Any:
    """What a name, or an attribute of an object that a name holds, is worth in a frame; None otherwise."""
    if isinstance(node, ast.Name):
        return frame.f_locals.get(node.id)
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        holder = frame.f_locals.get(node.value.id)
        return getattr(holder, "__dict__", {}).get(node.attr)
    return None


def sources(expression: Any, frame: Any, prior: dict[str, Any]) -> Iterator[Any]:
    """Arrays of whole numbers that an expression takes, in its order. prior: what names held before the line ran."""
    if expression is None:
        return
    for node in ast.walk(expression):
        before = prior.get(node.id) if isinstance(node, ast.Name) else None
        value = value_of(node, frame) if before is None else before
        if is_ids(value):
            yield value


def does(expression: Any) -> str:
    """The draw that an expression holds, else its outermost call, else "select" where it chooses rows or a column by name;
    "" of slices and other expressions without calls.
    """
    if expression is None:
        return ""
    if isinstance(expression, ast.Subscript) and isinstance(
        expression.slice, (ast.Name, ast.Attribute, ast.Constant)
    ):
        return "select"
    calls = [node.func for node in ast.walk(expression) if isinstance(node, ast.Call)]
    names = [call.attr if isinstance(call, ast.Attribute) else getattr(call, "id", "") for call in calls]
    drawn = [name for name in names if name in DRAWS]
    return (drawn or names or [""])[0]


def is_ids(value: Any) -> bool:
    """Whether it is an array or a list of whole numbers, or a list or array of such."""
    if type(value) is list:
        return bool(value) and (_is_id(value[0]) or _is_row(value[0]))
    if not isinstance(value, np.ndarray) or value.ndim == 0:
        return False
    return value.dtype.kind in "iu" or (value.dtype.kind == "O" and value.size > 0 and _is_row(value.flat[0]))


def _is_id(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def _is_row(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return value.dtype.kind in "iu" and value.ndim > 0
    return type(value) is list and bool(value) and _is_id(value[0])
