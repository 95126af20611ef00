"""What a mask says: which places are true in it, of a comparison with the padding or of a triangle of ones."""

import ast
from dataclasses import dataclass
from enum import Enum

from diagnosis.rules.codebase import Codebase
from diagnosis.rules.made_from import REARRANGES, Value, endings
from diagnosis.rules.source import ParsedFile
from diagnosis.rules.tensor_calls import amount, operation, whole

THROUGH = REARRANGES | {"bool", "int", "long", "byte", "requires_grad_", "repeat", "tile"}
_NOT = {"logical_not", "bitwise_not", "invert"}


class Shape(Enum):
    """The places that are true in a mask."""

    EVENTS = "events"  # not padding
    PADDING = "padding"
    LOWER = "lower triangle"
    UPPER = "upper triangle"


OPPOSITE = {
    Shape.EVENTS: Shape.PADDING,
    Shape.PADDING: Shape.EVENTS,
    Shape.LOWER: Shape.UPPER,
    Shape.UPPER: Shape.LOWER,
}


@dataclass(frozen=True, kw_only=True)
class Mask:
    """What is true in a mask. diagonal: of a triangle, as `tril` and `triu` take it: its first or last diagonal."""

    shape: Shape
    diagonal: int = 0

    def inverted(self) -> "Mask":
        """The mask whose true places are the false ones of this."""
        step = {Shape.LOWER: 1, Shape.UPPER: -1}.get(self.shape, 0)
        return Mask(shape=OPPOSITE[self.shape], diagonal=self.diagonal + step)


def mask_of(repo: Codebase, file: ParsedFile, node: ast.expr, depth: int = 0) -> Mask | None:
    """What an expression is true of; None where that cannot be told, or differs between the ways to it."""
    found = {_of_end(repo, end, depth) for end in endings(repo, file, node, THROUGH)}
    return found.pop() if len(found) == 1 else None


def _of_end(repo: Codebase, end: Value, depth: int) -> Mask | None:
    node, file = end.node, end.file
    if depth > 4:
        return None
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Invert):
        return _not(mask_of(repo, file, node.operand, depth + 1))
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub) and amount(node.left) == 1:
        return _not(mask_of(repo, file, node.right, depth + 1))
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        return _compared(repo, file, node.left, type(node.ops[0]), node.comparators[0], depth)
    if isinstance(node, ast.Call):
        return _called(repo, file, node, depth)
    return None


def _not(mask: Mask | None) -> Mask | None:
    return mask.inverted() if mask is not None else None


_METHODS = {
    "eq": ast.Eq,
    "ne": ast.NotEq,
    "gt": ast.Gt,
    "ge": ast.GtE,
    "lt": ast.Lt,
    "le": ast.LtE,
    "not_equal": ast.NotEq,
    "greater": ast.Gt,
}
_MIRRORED = {ast.Gt: ast.Lt, ast.Lt: ast.Gt, ast.GtE: ast.LtE, ast.LtE: ast.GtE}


def _called(repo: Codebase, file: ParsedFile, call: ast.Call, depth: int) -> Mask | None:
    done = operation(repo, file, call)
    if done is None or not done.values:
        return None
    if done.name in _METHODS and len(done.values) == 2:
        return _compared(repo, file, done.values[0], _METHODS[done.name], done.values[1], depth)
    if done.name in _NOT:
        return _not(mask_of(repo, file, done.values[0], depth + 1))
    if done.name in ("tril", "triu"):
        given = done.option("diagonal", 1) or done.option("k", 1)
        diagonal = 0 if given is None else whole(given)
        if diagonal is None or not _is_of_ones(repo, file, done.values[0]):
            return None
        return Mask(shape=Shape.LOWER if done.name == "tril" else Shape.UPPER, diagonal=diagonal)
    return None


def _is_of_ones(repo: Codebase, file: ParsedFile, node: ast.expr) -> bool:
    for end in endings(repo, file, node, THROUGH):
        done = operation(repo, end.file, end.node) if isinstance(end.node, ast.Call) else None
        if done is None or done.name not in ("ones", "ones_like", "full", "new_ones"):
            return False
        if done.name == "full" and not (isinstance(done.option("fill_value", 1), ast.Constant)):
            return False
    return True


def _compared(
    repo: Codebase, file: ParsedFile, left: ast.expr, op: type, right: ast.expr, depth: int
) -> Mask | None:
    """`ids != 0`, `ids > 0`, `mask == 0`, `positions < lengths`."""
    if amount(left) is not None:
        left, right, op = right, left, _MIRRORED.get(op, op)
    number = amount(right)
    if isinstance(right, ast.Constant) and isinstance(right.value, bool):
        number = float(right.value)
    if number is None:
        return None
    inner = mask_of(repo, file, left, depth + 1)
    is_zero = (
        (op is ast.Eq and number == 0) or (op is ast.Lt and number == 1) or (op is ast.LtE and number == 0)
    )
    is_more = (
        (op is ast.NotEq and number == 0) or (op is ast.Gt and number == 0) or (op is ast.GtE and number == 1)
    )
    if inner is not None:
        if is_zero or (op is ast.NotEq and number == 1):
            return inner.inverted()
        return inner if is_more or (op is ast.Eq and number == 1) else None
    if not _are_ids(left):
        return None
    if is_zero:
        return Mask(shape=Shape.PADDING)
    return Mask(shape=Shape.EVENTS) if is_more else None


def _are_ids(node: ast.expr) -> bool:
    """Whether what is compared may be a tensor of ids: a name, an attribute or a part of one, nothing computed."""
    while isinstance(node, ast.Subscript):
        node = node.value
    return isinstance(node, ast.Name | ast.Attribute)
