"""What code puts into a container by name: `rows.append(x)`, `table[i] = x`, `batch["pos"] = x`, `self.seen[u].add(x)`."""

import ast
from collections.abc import Iterator
from typing import Any
from weakref import WeakKeyDictionary

from diagnosis.rules.source import ParsedFile
from diagnosis.syntax import dotted

PUTS = {
    "append": 1,
    "add": 1,
    "appendleft": 1,
    "insert": 1,
    "extend": 0,
    "update": 0,
}  # -> steps that it goes deeper
Stored = tuple[
    ast.expr, int, Any, ast.AST
]  # what is put in, how many steps deep, its key, the statement or call
_TABLES: "WeakKeyDictionary[ParsedFile, dict[str, list[Stored]]]" = WeakKeyDictionary()


def stores(file: ParsedFile, name: str, at: ast.AST) -> Iterator[tuple[ast.expr, int, Any]]:
    """What is put into `name` (or `self.x`, in the whole file) in the function around a node."""
    owner: ast.AST | None = file.function_of(at) if at in file.places else None
    for given, deep, key, node in _table(file).get(name, []):
        if "." in name or file.function_of(node) is owner or owner in list(file.around(node)):
            yield given, deep, key


def put_in(file: ParsedFile, name: str, at: ast.AST) -> Iterator[ast.AST]:
    """The statements and calls that put something into `name` in the function around a node."""
    owner = file.function_of(at) if at in file.places else None
    yield from (
        node for *_, node in _table(file).get(name, []) if "." in name or file.function_of(node) is owner
    )


def _table(file: ParsedFile) -> dict[str, list[Stored]]:
    found = _TABLES.get(file)
    if found is None:
        found = _TABLES[file] = {}
        for statement in file.within(file.nodes[0], ast.Assign):
            for target in statement.targets:
                _note(found, target, statement.value, statement)
        for statement in file.within(file.nodes[0], ast.AugAssign):
            if not isinstance(statement.target, ast.Name):
                base, deep = _base(statement.target)
                found.setdefault(base, []).append((statement.value, deep, None, statement))
        for call in file.calls:
            function = call.func
            if isinstance(function, ast.Attribute) and function.attr in PUTS and call.args:
                base, inner = _base(function.value)
                deep = PUTS[function.attr] + inner
                found.setdefault(base, []).append((call.args[-1], deep, None, call))
    return found


def _note(found: dict[str, list[Stored]], target: ast.expr, value: ast.expr, statement: ast.AST) -> None:
    if isinstance(target, ast.Tuple | ast.List):
        even = isinstance(value, ast.Tuple | ast.List) and len(value.elts) == len(target.elts)
        for place, part in enumerate(target.elts):
            _note(found, part, value.elts[place] if even else value, statement)  # type: ignore[attr-defined]
    elif isinstance(target, ast.Subscript):
        base, deep = _base(target)
        key = target.slice.value if isinstance(target.slice, ast.Constant) else None
        found.setdefault(base, []).append((value, deep, key if isinstance(key, str) else None, statement))


def _base(node: ast.expr) -> tuple[str, int]:
    """The name that an element or a part is taken out of, and how many elements deep: `self.prev[1:][same]` ->
    ("self.prev", 1), `edges.data` -> ("edges", 0).
    """
    deep = 0
    while isinstance(node, ast.Subscript | ast.Attribute) and not _is_own(node):
        deep += isinstance(node, ast.Subscript) and not isinstance(node.slice, ast.Slice)
        node = node.value
    return dotted(node), deep


def _is_own(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"
