"""Shapes of single expressions: a call of a library, a slice, both sides of a sum, a plain number."""

import ast
from collections.abc import Callable, Iterable

from diagnosis.deciding.program import Program
from diagnosis.deciding.walk import At
from diagnosis.syntax import called_name

Picks = Callable[[Program, list[At]], list[ast.AST]]  # the deciding nodes among what was walked, best first
SPARSE = {"sparse_coo_tensor", "FloatTensor", "SparseTensor"}
SHUFFLES = {"shuffle", "permutation", "permuted", "randperm"}


def calls_any(program: Program, node: ast.AST, names: set[str]) -> bool:
    """Whether a node calls a library's function of one of these names."""
    if not isinstance(node, ast.Call):
        return False
    name = called_name(node)
    return name in names and not any(
        isinstance(node.func, ast.Name) or program.class_of(one) is not None
        for one in program.functions.get(name, [])
    )


def slices(node: ast.Subscript) -> Iterable[ast.Slice]:
    parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    return [one for one in parts if isinstance(one, ast.Slice) and (one.lower or one.upper or one.step)]


def operands(node: ast.AST | None, operator: type[ast.operator]) -> tuple[ast.expr, ast.expr] | None:
    """Both sides of a sum or difference."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, operator):
        return node.left, node.right
    return None


def constant(node: ast.AST) -> float:
    value = node.value if isinstance(node, ast.Constant) else None
    return float(value) if isinstance(value, (int, float)) else 0.0


def is_generated(program: Program, node: ast.AST) -> bool:
    """Whether it lies in a generator, which runs when it is gone through and not when it is called."""
    return any(isinstance(one, (ast.Yield, ast.YieldFrom)) for one in ast.walk(program.scope(node)))


def is_schedule(name: str) -> bool:
    """Whether a call is named after a schedule of learning rates."""
    return name.endswith("LR") or "schedule" in name.lower()
