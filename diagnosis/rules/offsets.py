"""Static rule: several fields share one table, and the offsets of their rows are not summed up."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.places_from import number
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, ParsedFile
from diagnosis.rules.values import How, bindings, same
from diagnosis.symptoms import WEAK
from diagnosis.syntax import called_name

KIND = FindingKind(
    code="offsets-not-summed",
    found_by=FoundBy.RULE,
    title="Fields share rows of one table",
    why="Ids of different fields look up the same rows, so that a category and a user are one and the same to the model.",
    definition="A table has as many rows as all fields together, and the first row of a field is the size of the one before it, not the sum "
    "of the sizes of all before it.",
    roles=(Role.ENCODER,),
    explains=WEAK,
)
SUMS = {"cumsum", "accumulate", "cumulative_sum", "cumsum_"}
TABLES = {"Embedding", "EmbeddingBag", "Parameter", "randn", "empty", "zeros"}


def offsets_not_summed(source: ParsedFile) -> Iterator[RuleHit]:
    """`offsets = [0, *sizes[:-1]]` beside `nn.Embedding(sum(sizes), d)`."""
    for function in source.functions:
        sizes = list(_summed_for_table(source, function))
        if not sizes or _sums_up(source, function):
            continue
        for part in source.within(function, ast.Subscript):
            if (
                any(same(part.value, one) for one in sizes)
                and _all_but_last(part)
                and _follows_zero(source, part)
            ):
                yield source.hit(
                    KIND.code,
                    _expression(source, part),
                    "gives each field the size of the one before as its first row: sum the sizes up, as by cumsum",
                )


def _summed_for_table(source: ParsedFile, function: Function) -> Iterator[ast.expr]:
    """What is summed for the number of rows of a table: `sizes` of `nn.Embedding(int(sum(sizes)), d)`."""
    for call in source.calls_in(function):
        if called_name(call) not in TABLES or not call.args:
            continue
        values = [call.args[0]]
        if isinstance(call.args[0], ast.Name):
            made = bindings(source, call.args[0].id, call.args[0])
            values = [b.value for b in made if b.how is How.ASSIGNED and b.position is None]
        for inner in (part for value in values for part in source.within(value, ast.Call)):
            if called_name(inner) == "sum":
                own = inner.func.value if isinstance(inner.func, ast.Attribute) else None
                yield inner.args[0] if inner.args else own or inner


def _sums_up(source: ParsedFile, function: Function) -> bool:
    """Whether anything in the function may sum one by one: `cumsum`, `accumulate`, `start += size`, `sum(sizes[:i])`."""
    calls = source.calls_in(function)
    if any(called_name(call) in SUMS for call in calls):
        return True
    adds = any(isinstance(one.op, ast.Add) for one in source.within(function, ast.AugAssign))
    partial = any(
        called_name(call) == "sum"
        and call.args
        and isinstance(call.args[0], ast.Subscript)
        and isinstance(call.args[0].slice, ast.Slice)
        for call in calls
    )
    before = any(
        isinstance(b.op, ast.Add) and _reads_element(b.left) for b in source.within(function, ast.BinOp)
    )
    return adds or partial or before


def _reads_element(node: ast.expr) -> bool:
    """`offsets[i - 1] + sizes[i]`"""
    return isinstance(node, ast.Subscript) and isinstance(node.slice, ast.BinOp | ast.Name | ast.UnaryOp)


def _all_but_last(part: ast.Subscript) -> bool:
    index = part.slice
    return (
        isinstance(index, ast.Slice)
        and (index.lower is None or number(index.lower) == 0)
        and index.upper is not None
        and number(index.upper) == -1
    )


def _follows_zero(source: ParsedFile, part: ast.Subscript) -> bool:
    """Whether the sizes stand behind a 0: `[0, *sizes[:-1]]`, `[0] + sizes[:-1]`, `np.concatenate([[0], sizes[:-1]])`, `np.r_[0, ...]`."""
    for outer in source.around(part):
        if isinstance(outer, ast.stmt):
            return False
        for zero in (
            p
            for p in ast.walk(outer)
            if isinstance(p, ast.Constant) and type(p.value) is int and p.value == 0
        ):
            if isinstance(source.parents.get(zero), ast.List | ast.Tuple):
                return True
    return False


def _expression(source: ParsedFile, part: ast.expr) -> ast.expr | ast.stmt:
    return next((outer for outer in source.around(part) if isinstance(outer, ast.stmt)), part)


RULE = Rule(kind=KIND, run=offsets_not_summed)
