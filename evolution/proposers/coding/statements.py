"""The statements of a file whose execution a line trace shows, each with the function that it belongs to."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

_SILENT = (ast.Pass, ast.Break, ast.Continue, ast.Global, ast.Nonlocal, ast.Import, ast.ImportFrom)
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_TRIES = (ast.Try, ast.TryStar)


@dataclass(frozen=True, kw_only=True)
class FunctionLines:
    """A function or method, and its lines.

    name: dotted, "Model.forward". Two functions of one name in one file (branches, properties) differ by their lines.
    """

    name: str
    start: int
    end: int
    node: ast.FunctionDef | ast.AsyncFunctionDef = field(compare=False, repr=False)


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One statement.

    start, end: its lines; for a compound statement, those of its header.
    function: None if the statement runs on import.
    error_path: whether it is a `raise` or inside an `except`, which a healthy run never reaches.
    """

    start: int
    end: int
    function: FunctionLines | None
    error_path: bool
    node: ast.stmt = field(compare=False, repr=False)

    @property
    def lines(self) -> range:
        """The lines from start to end."""
        return range(self.start, self.end + 1)


def statements(tree: ast.Module) -> list[Statement]:
    """All statements but docstrings, imports, headers of definitions, and those that leave no trace (`pass`, `try:`)."""
    return list(_of(tree.body, None, "", error_path=False))


def functions(tree: ast.Module) -> list[FunctionLines]:
    """All functions and methods of the file, nested ones included."""
    return list(_functions(tree.body, ""))


def header(node: ast.stmt) -> tuple[int, int]:
    """First and last line of a statement without the statements inside it."""
    lines = [node.lineno]
    inner = False
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.stmt, ast.excepthandler, ast.match_case)):
            inner = True
            continue
        for part in ast.walk(child):
            lines += [line for line in (getattr(part, "lineno", 0), getattr(part, "end_lineno", 0)) if line]
    return min(lines), max(lines) if inner else max(lines[0], node.end_lineno or node.lineno)


def _of(
    body: list[ast.stmt], function: FunctionLines | None, prefix: str, *, error_path: bool
) -> Iterator[Statement]:
    for node in body:
        if isinstance(node, _DEFINITIONS):
            name = f"{prefix}{node.name}"
            inner = function if isinstance(node, ast.ClassDef) else _function(node, name)
            yield from _of(node.body, inner, f"{name}.", error_path=False)
            continue
        if not _leaves_no_mark(node):
            start, end = header(node)
            yield Statement(
                start=start,
                end=end,
                function=function,
                error_path=error_path or isinstance(node, ast.Raise),
                node=node,
            )
        for inner_body, is_handler in _bodies(node):
            yield from _of(inner_body, function, prefix, error_path=error_path or is_handler)


def _leaves_no_mark(node: ast.stmt) -> bool:
    if isinstance(node, (*_SILENT, *_TRIES)):
        return True
    if isinstance(node, ast.AnnAssign):
        return node.value is None
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _bodies(node: ast.stmt) -> Iterator[tuple[list[ast.stmt], bool]]:
    for name in ("body", "orelse", "finalbody"):
        yield getattr(node, name, []), False
    for handler in getattr(node, "handlers", []):
        yield handler.body, True
    for case in getattr(node, "cases", []):
        yield case.body, False


def _functions(body: list[ast.stmt], prefix: str) -> Iterator[FunctionLines]:
    for node in body:
        if isinstance(node, _DEFINITIONS):
            if not isinstance(node, ast.ClassDef):
                yield _function(node, f"{prefix}{node.name}")
            yield from _functions(node.body, f"{prefix}{node.name}.")
        for inner, _ in _bodies(node) if not isinstance(node, _DEFINITIONS) else ():
            yield from _functions(inner, prefix)


def _function(node: ast.FunctionDef | ast.AsyncFunctionDef, name: str) -> FunctionLines:
    return FunctionLines(name=name, start=header(node)[0], end=node.end_lineno or node.lineno, node=node)
