"""Static rule: updates of rows by an array of indices, of which repeated ones are lost."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, ParsedFile, keyword
from diagnosis.rules.values import How, bindings, origins, owner_of
from diagnosis.symptoms import WEAK
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="repeated-updates-lost",
    found_by=FoundBy.RULE,
    title="Updates of repeated rows are lost",
    why="`table[rows] += x` adds once for each different row: an item that is in the batch ten times learns from one of them.",
    definition="An augmented assignment to rows that an array of indices chooses, in a batch in which rows may repeat.",
    roles=(Role.OPTIMIZER,),
    explains=("not-learning", *WEAK),
    sources=("numpy.org/doc/stable/reference/generated/numpy.ufunc.at.html",),
)

BY_ROW = {"sum", "mean", "einsum", "norm", "dot", "prod", "softmax", "argsort", "max"}
MAKES_ARRAYS = {
    "permutation",
    "randint",
    "integers",
    "choice",
    "arange",
    "randperm",
    "array",
    "asarray",
    "flatnonzero",
    "repeat",
}


def repeated_updates_lost(source: ParsedFile) -> Iterator[RuleHit]:
    """`self.items[i] += rate * step`, where `i` holds the items of a batch."""
    for statement in source.within(source.nodes[0], ast.AugAssign):
        target = statement.target
        if not isinstance(target, ast.Subscript) or not isinstance(statement.op, ast.Add | ast.Sub):
            continue
        function = source.function_of(statement)
        index = target.slice
        if function is None or not isinstance(index, ast.Name) or not _is_batch(source, index, function):
            continue
        if _is_rows_of_a_table(source, target, function):
            yield source.hit(
                KIND.code,
                statement,
                "rows that are in the batch more than once keep one update of several: use np.add.at or index_add_",
            )


def _is_batch(source: ParsedFile, index: ast.Name, function: Function) -> bool:
    """Whether the index is an array whose elements may repeat: rows that it chooses are reduced one by one, or it was
    cut out of an array. A mask or an array of different rows is none.
    """
    found = bindings(source, index.id, index)
    if not found and owner_of(source, index.id, index) is None:
        return False
    if any(_differs(b.value) for b in found) or any(
        b.how is How.ITERATED and b.position is None for b in found
    ):
        return False
    return any(
        _is_reduced_by_row(source, call, index.id) for call in source.calls_in(function)
    ) or _is_spread(source, function, index.id)


def _differs(value: ast.expr) -> bool:
    """Whether an array is a mask, or holds each number at most once."""
    if any(isinstance(part, ast.Compare) for part in ast.walk(value)):
        return True
    return any(
        isinstance(part, ast.Call)
        and called_name(part)
        in ("unique", "flatnonzero", "nonzero", "where", "arange", "isin", "randperm", "permutation")
        for part in ast.walk(value)
    )


def _is_reduced_by_row(source: ParsedFile, call: ast.Call, index: str) -> bool:
    """`(users[u] * items[i]).sum(1)`: a reduction along the last axis of what the index chooses."""
    if called_name(call) not in BY_ROW:
        return False
    own = call.func.value if isinstance(call.func, ast.Attribute) else None
    axis = keyword(call, "axis") or keyword(call, "dim") or next(iter(call.args[-1:]), None)
    along = called_name(call) == "einsum" or (axis is not None and _is_last(axis))
    given = [*([own] if own is not None else []), *call.args]
    return along and any(_chooses(step, index) for g in given for step in _some(source, g))


def _is_last(axis: ast.expr) -> bool:
    value = axis.operand if isinstance(axis, ast.UnaryOp) else axis
    return isinstance(value, ast.Constant) and value.value == 1


def _some(source: ParsedFile, node: ast.expr) -> Iterator[ast.expr]:
    for count, step in enumerate(origins(source, node)):
        if count > 12:
            return
        yield step


def _chooses(node: ast.expr, index: str) -> bool:
    return any(
        isinstance(part, ast.Subscript) and isinstance(part.slice, ast.Name) and part.slice.id == index
        for part in ast.walk(node)
    )


def _is_spread(source: ParsedFile, function: Function, index: str) -> bool:
    """Whether one number for each index is spread over its row: `error[:, None] * items[i]`."""
    for part in source.within(function, ast.BinOp):
        spread = any(
            isinstance(s, ast.Subscript)
            and isinstance(s.slice, ast.Tuple)
            and any(isinstance(e, ast.Constant) and e.value is None for e in s.slice.elts)
            for step in (*_some(source, part.left), *_some(source, part.right))
            for s in ast.walk(step)
        )
        if spread and any(
            _chooses(step, index) for side in (part.left, part.right) for step in _some(source, side)
        ):
            return True
    return False


def _is_rows_of_a_table(source: ParsedFile, target: ast.Subscript, function: Function) -> bool:
    """Whether what is updated is read by the same indices too, and lives longer than the function."""
    name = dotted(target.value)
    is_kept = (
        "." in name
        or owner_of(source, name, target) is not None
        or not any(source.function_of(b.node) is function for b in bindings(source, name, target))
    )
    return bool(name) and is_kept


RULE = Rule(kind=KIND, run=repeated_updates_lost)
