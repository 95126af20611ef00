"""Static rule: of arrays that are read side by side, one is permuted and another is not."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.draws import SEEDS
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, ParsedFile
from diagnosis.rules.values import How, bindings, names_in
from diagnosis.symptoms import WEAK
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="shuffled-apart",
    found_by=FoundBy.RULE,
    title="Parallel arrays are shuffled apart",
    why="Each input gets the target, or the user, of another example.",
    definition="Arrays that one loop reads by the same indices, of which some are permuted in the function and others are not.",
    roles=(Role.LOADER,),
    explains=("target-of-another", "scores-differ-from-training", "not-learning", *WEAK),
)

PERMUTES = {"permutation", "permuted", "randperm", "shuffle", "argsort", "sort"}
READS_TOGETHER = {
    "zip",
    "minibatch",
    "TensorDataset",
    "batches",
    "minibatches",
    "iterate_batches",
    "get_batches",
}


@dataclass(frozen=True, kw_only=True, eq=False)
class _Order:
    """How an array is ordered: by which permutation, "" for none; and the statement that gives the order."""

    by: str
    statement: ast.AST | None


def shuffled_apart(source: ParsedFile) -> Iterator[RuleHit]:
    """`xs, ys = shuffle(xs, ys)` while `users` stays, and all three are cut by `[i : i + n]`, or zipped."""
    for function in source.functions:
        if any(called_name(call) in SEEDS for call in source.calls_in(function)):
            continue  # one seed before each shuffle keeps them side by side
        for names in _together(source, function):
            given = [o for name in sorted(names) if (o := _order(source, function, name)) is not None]
            if len({o.by for o in given}) < 2:
                continue
            first = min(
                (o.statement for o in given if o.by and isinstance(o.statement, ast.stmt)),
                key=_line,
                default=None,
            )
            if first is not None:
                yield source.hit(
                    KIND.code,
                    first,
                    f"{_listed(sorted(names))} are read side by side: permute all by one permutation",
                )
                break


def _line(statement: ast.stmt) -> int:
    return statement.lineno


def _listed(names: list[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _together(source: ParsedFile, function: Function) -> Iterator[set[str]]:
    """Sets of plain names that are read by the same indices: zipped, batched by one call, or cut by one slice."""
    for call in source.calls_in(function):
        if called_name(call) in READS_TOGETHER:
            names = {a.id for a in call.args if isinstance(a, ast.Name)}
            if len(names) > 1:
                yield names
    for part in source.within(function, ast.comprehension):
        if isinstance(part.iter, ast.Tuple):
            yield from _of_one_object(source, part.iter)
    cut: dict[str, set[str]] = {}
    for part in source.within(function, ast.Subscript):
        is_cut = (
            isinstance(part.slice, ast.Slice)
            and part.slice.lower is not None
            and part.slice.upper is not None
        )
        if is_cut and isinstance(part.value, ast.Name) and isinstance(part.ctx, ast.Load):
            cut.setdefault(ast.dump(part.slice), set()).add(part.value.id)
    yield from (names for names in cut.values() if len(names) > 1)


def _of_one_object(source: ParsedFile, given: ast.Tuple) -> Iterator[set[str]]:
    """Names in a tuple that were taken from attributes of one object."""
    owners: dict[str, set[str]] = {}
    for name in given.elts:
        if isinstance(name, ast.Name):
            taken = [
                p
                for b in bindings(source, name.id, name)
                for p in ast.walk(b.value)
                if isinstance(p, ast.Attribute)
            ]
            for owner in {dotted(part.value) for part in taken} - {"", "self", "np", "torch"}:
                owners.setdefault(owner, set()).add(name.id)
    yield from (names for names in owners.values() if len(names) > 1)


def _order(source: ParsedFile, function: Function, name: str) -> _Order | None:
    """The order of an array at the end of the function; None where that cannot be told."""
    for call in source.calls_in(function):
        if called_name(call) == "shuffle" and len(call.args) == 1 and dotted(call.args[0]) == name:
            statement = next(o for o in source.around(call) if isinstance(o, ast.stmt))
            if not isinstance(statement, ast.Assign):
                return _Order(by=f"shuffle at {call.lineno}", statement=statement)
    here = [b for b in bindings(source, name, function.body[0]) if source.function_of(b.node) is function]
    if not here:
        return _Order(by="", statement=None)
    orders = [_bound(source, name, b.value, b.node) for b in here if b.how is How.ASSIGNED]
    permuted = [order for order in orders if order is not None and order.by]
    if permuted:
        return permuted[-1]
    return None if None in orders or len(orders) != len(here) else orders[-1]


def _bound(source: ParsedFile, name: str, value: ast.expr, node: ast.AST) -> _Order | None:
    """The order that one assignment gives: of `shuffle(a, b)`, of `a[permutation]`, of an attribute as it is."""
    if isinstance(value, ast.Name | ast.Attribute):
        return _Order(by="", statement=node)
    if isinstance(value, ast.Call) and called_name(value) == "shuffle":
        return _Order(by=f"shuffle at {value.lineno}", statement=node)
    if (
        isinstance(value, ast.Subscript)
        and isinstance(value.slice, ast.Name)
        and _is_permutation(source, value.slice)
    ):
        return _Order(by=value.slice.id, statement=node)
    return None


def _is_permutation(source: ParsedFile, index: ast.Name) -> bool:
    found = bindings(source, index.id, index)
    return any(
        isinstance(part, ast.Call) and called_name(part) in PERMUTES
        for b in found
        for part in ast.walk(b.value)
    ) or (
        not found
        and any(name.id == index.id for name in names_in(index) if isinstance(name, ast.Name))
        and "perm" in index.id
    )


RULE = Rule(kind=KIND, run=shuffled_apart)
