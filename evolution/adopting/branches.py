"""Branches that a program does not take, by the constants that its tests compare: `if args.data in FILES:` with its default."""

import ast
from collections.abc import Callable
from typing import Any

from evolution.adopting.foreign_code import CodeUnit

ValuesOf = Callable[[CodeUnit, ast.expr], list[Any]]


class Branches:
    """Which code is left out, as far as tests hang on one constant. values: of an expression, more than one where it may change."""

    def __init__(self, values: ValuesOf) -> None:
        self._values = values
        self._told: dict[ast.If, bool | None] = {}

    def is_dead(self, unit: CodeUnit, node: ast.AST) -> bool:
        """Whether a node stands in a branch that is not taken."""
        below = node
        for above in unit.around(node):
            if isinstance(above, ast.If):
                taken = self._decided(unit, above)
                if taken is not None and below in (above.orelse if taken else above.body):
                    return True
            below = above
        return False

    def _decided(self, unit: CodeUnit, branch: ast.If) -> bool | None:
        if branch not in self._told:
            self._told[branch] = None  # while it is asked, its own test tells nothing
            self._told[branch] = self._truth(unit, branch.test)
        return self._told[branch]

    def _truth(self, unit: CodeUnit, test: ast.expr) -> bool | None:
        match test:
            case ast.UnaryOp(op=ast.Not()):
                told = self._truth(unit, test.operand)
                return None if told is None else not told
            case ast.Compare(ops=[op], comparators=[right]):
                return _compared(op, self._values(unit, test.left), self._values(unit, right))
            case ast.Name() | ast.Attribute():
                values = self._values(unit, test)
                return values[0] if len(values) == 1 and isinstance(values[0], bool) else None
            case _:
                return None


def _compared(op: ast.cmpop, left: list[Any], right: list[Any]) -> bool | None:
    if len(left) != 1 or len(right) != 1 or not isinstance(left[0], (str, int)):
        return None
    match op:
        case ast.Eq() | ast.NotEq() if isinstance(right[0], type(left[0])):
            return (left[0] == right[0]) == isinstance(op, ast.Eq)
        case ast.In() | ast.NotIn() if isinstance(right[0], list):
            return (left[0] in right[0]) == isinstance(op, ast.In)
        case _:
            return None
