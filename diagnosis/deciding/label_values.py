"""Where labels of right and wrong are written: arrays of ones and zeros, and the parts of them that are set afterwards."""

import ast

from diagnosis.deciding.program import Program
from diagnosis.deciding.walk import At
from diagnosis.syntax import called_name

FILLS = {"ones", "zeros", "ones_like", "zeros_like", "full", "full_like", "new_ones", "new_zeros", "new_full"}


def label_values(program: Program, walked: list[At]) -> list[ast.AST]:
    """Arrays that are made full of one label, parts that are set to one, lists of labels, and comparisons that give them."""
    return [at.node for at in walked if _is_written(program, at.node)]


def _is_written(program: Program, node: ast.expr) -> bool:
    if isinstance(node, ast.Call):
        return called_name(node) in FILLS
    if isinstance(node, ast.List | ast.Tuple):
        return len(node.elts) > 0 and all(_is_label(part) for part in node.elts)
    if isinstance(node, ast.Compare):
        return True
    held = program.parents.get(node)
    return (
        _is_label(node)
        and isinstance(held, ast.Assign)
        and all(isinstance(target, ast.Subscript) for target in held.targets)
    )


def _is_label(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value in (0, 1) and not isinstance(node.value, str)
