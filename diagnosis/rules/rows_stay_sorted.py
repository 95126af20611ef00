"""Static rule: rows that are sorted by their lengths for a recurrent net, and answered in that order."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.discount import statement_of
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, ParsedFile
from diagnosis.symptoms import WEAK
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="rows-stay-sorted",
    found_by=FoundBy.RULE,
    title="Rows stay in the order of their lengths",
    why="The answer to one user is given to another, as rows come back in another order than they were asked in.",
    definition="Rows are taken in the order of a sort of their lengths before `pack_padded_sequence`, and what the net returns is not put back.",
    roles=(Role.ENCODER, Role.SCORING),
    explains=("batch-companions", "target-of-another", "user-shifted", "same-list", *WEAK),
)
SORTS = {"sort", "argsort"}


def rows_stay_sorted(source: ParsedFile) -> Iterator[RuleHit]:
    """`lengths, order = lengths.sort(descending=True)`, `pack(x[order], lengths)`, `return h[-1]`."""
    for call in source.calls_named("pack_padded_sequence"):
        function = source.function_of(call)
        if not isinstance(function, Function):
            continue
        for statement in source.within(function, ast.Assign):
            order = _order(statement)
            if order and _takes(source, function, order) and not _is_put_back(source, function, order):
                yield source.hit(
                    KIND.code,
                    statement_of(source, call),
                    f"packs rows in the order of `{order}` and never puts them back: take `h[:, {order}.argsort()]`, or leave "
                    "the sort to `enforce_sorted=False`",
                )
                break


def _order(statement: ast.Assign) -> str:
    """The name of the places by which lengths are sorted; "" where they are not."""
    value, target = statement.value, statement.targets[0]
    if not isinstance(value, ast.Call) or called_name(value) not in SORTS:
        return ""
    if called_name(value) == "argsort":
        return dotted(target)
    return dotted(target.elts[1]) if isinstance(target, ast.Tuple) and len(target.elts) == 2 else ""


def _takes(source: ParsedFile, function: Function, order: str) -> bool:
    """Whether rows are read in that order: `x[order]`, `x.index_select(0, order)`."""
    read = any(
        dotted(p.slice) == order and isinstance(p.ctx, ast.Load)
        for p in source.within(function, ast.Subscript)
    )
    return read or any(
        called_name(c) == "index_select" and any(dotted(a) == order for a in c.args)
        for c in source.calls_in(function)
    )


def _is_put_back(source: ParsedFile, function: Function, order: str) -> bool:
    """Whether the function sorts the order again, writes by it, moves labels or anything else along, or hands it to its caller."""
    for part in source.within(function, ast.Subscript):
        if isinstance(part.ctx, ast.Store) and any(dotted(n) == order for n in ast.walk(part.slice)):
            return True
    taken = {dotted(p.value) for p in source.within(function, ast.Subscript) if dotted(p.slice) == order}
    for call in source.calls_in(function):
        own = call.func.value if isinstance(call.func, ast.Attribute) else None
        named = [dotted(a) for a in (*call.args, *(k.value for k in call.keywords))]
        if called_name(call) == "index_select" and order in named:
            taken |= {dotted(own) if own is not None and dotted(own) not in source.imports else named[0]}
        elif order in named or (own is not None and dotted(own) == order and called_name(call) in SORTS):
            return True  # a helper may put them back
    if len(taken - _lengths(source, function, order)) > 1:  # rows, and what goes with them, as labels do
        return True
    kept = [s.value for s in source.within(function, ast.Assign) if dotted(s.value) == order]
    if kept:
        return True
    returned = [r.value for r in source.within(function, ast.Return) if r.value is not None]
    return any(dotted(p) == order for value in returned for p in ast.walk(value) if isinstance(p, ast.expr))


def _lengths(source: ParsedFile, function: Function, order: str) -> set[str]:
    """The names of what the order was made of: "lengths" of `lengths.sort()` and `torch.argsort(-lengths)`."""
    return {
        dotted(name)
        for statement in source.within(function, ast.Assign)
        if _order(statement) == order
        for name in ast.walk(statement.value)
        if isinstance(name, ast.Name | ast.Attribute)
    }


RULE = Rule(kind=KIND, run=rows_stay_sorted)
