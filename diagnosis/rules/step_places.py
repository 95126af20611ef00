"""Indices of rows in a training step that is written out: which loop goes through the places of a row, what takes it whole."""

import ast

from diagnosis.rules.source import ParsedFile
from diagnosis.syntax import dotted


def places_of_loop(file: ParsedFile, loop: ast.AST) -> str:
    """The variable of a loop that goes through the places of rows, `for k in range(K): P[u][k] += ...`; "" for others."""
    target = getattr(loop, "target", None)
    if not isinstance(target, ast.Name) or not isinstance(loop, ast.For | ast.comprehension):
        return ""
    scope = file.parents[loop] if isinstance(loop, ast.comprehension) else loop
    inside = file.within(scope, ast.For, ast.While, ast.comprehension)
    uses = [n for n in file.within(scope, ast.Name) if n.id == target.id and isinstance(n.ctx, ast.Load)]
    if len(inside) > 1 or not uses or not all(_is_beside(file, use) for use in uses):
        return ""
    return target.id


def _is_beside(file: ParsedFile, use: ast.Name) -> bool:
    """Whether a name is one index of two: `P[u][k]`, `Q[k, i]`, `Q[k][i]`."""
    outer = file.parents[use]
    if isinstance(outer, ast.Tuple) and isinstance(file.parents[outer], ast.Subscript):
        return len(outer.elts) > 1
    if not isinstance(outer, ast.Subscript) or outer.slice is not use:
        return False
    around = file.parents[outer]
    return isinstance(outer.value, ast.Subscript) or (
        isinstance(around, ast.Subscript) and around.value is outer
    )


def factors(node: ast.expr) -> list[ast.expr]:
    """What is multiplied in a product, without its signs."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        return [*factors(node.left), *factors(node.right)]
    return [node.operand] if isinstance(node, ast.UnaryOp) else [node]


def over_rows(call: ast.Call, given: list[ast.expr]) -> bool:
    """Whether a sum runs over the rows that are at hand, of which one stands for all: `Y[items].sum(axis=0)`."""
    axes = [k.value for k in call.keywords if k.arg in ("axis", "dim")] or given[1:2]
    return bool(axes) and isinstance(axes[0], ast.Constant) and axes[0].value == 0


def is_of_whole(index: ast.expr) -> bool:
    """Whether an index takes all, or adds an axis: `:`, `None`, `(:, None)`, `np.newaxis`."""
    parts = index.elts if isinstance(index, ast.Tuple) else [index]
    return all(
        (isinstance(p, ast.Slice) and p.lower is p.upper is p.step is None)
        or (isinstance(p, ast.Constant) and (p.value is None or p.value is ...))
        or dotted(p).endswith("newaxis")
        for p in parts
    )
