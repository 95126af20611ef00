"""From which number a place counts that comes from elsewhere, told by what its own function makes of it beside the logarithm."""

import ast

from diagnosis.rules.places_from import number
from diagnosis.rules.source import ParsedFile
from diagnosis.rules.values import bindings
from diagnosis.syntax import dotted


def first_beside(source: ParsedFile, logarithm: ast.Call) -> int | None:
    """The value of a logarithm's argument at the first place, where a reciprocal rank of the same place tells it:
    `1 / (rank + 1)` counts it from 0. None where there is none, or two differ.
    """
    moved = _moved(logarithm.args[0])
    function = source.function_of(logarithm)
    if moved is None or function is None:
        return None
    name, added = moved
    if any(binding.node in source.within(function, ast.For) for binding in bindings(source, name, logarithm)):
        return None
    starts: set[int] = set()
    for part in source.within(function, ast.BinOp):
        divisor = _moved(part.right) if isinstance(part.op, ast.Div) else None
        if divisor is not None and divisor[0] == name:
            starts.add(1 - divisor[1])
    start = starts.pop() if len(starts) == 1 else None
    return start + added if start in (0, 1) else None


def _moved(node: ast.expr) -> tuple[str, int] | None:
    """The name and what is added to it: ("rank", 1) for `rank + 1.0` and `(1 + rank).float()`."""
    while isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and not node.keywords:
        if node.func.attr not in ("float", "double", "to", "astype"):
            return None
        node = node.func.value
    if dotted(node):
        return dotted(node), 0
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Add):
        return None
    for one, other in ((node.left, node.right), (node.right, node.left)):
        by = number(other) if isinstance(other, ast.Constant) else None
        if dotted(one) and by is not None:
            return dotted(one), by
    return None
