"""Static rule: leave-one-out that takes the first event of a history, and learns from those after it."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.parts_of_data import Part, parts_named
from diagnosis.rules.places_from import number
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="oldest-held-out",
    found_by=FoundBy.RULE,
    title="The oldest event is held out",
    why="The model learns from what comes after the event that it is to predict.",
    definition="The test event is `x[0]` (or `x[:1]`) and training gets `x[1:]` of the same history, which nothing reverses.",
    sources=("arXiv 2010.11060",),
)

REVERSES = {"reverse", "reversed", "flip", "flipud"}


def oldest_held_out(source: ParsedFile) -> Iterator[RuleHit]:
    """`test[u] = items[0]` beside `train[u] = items[1:]`."""
    tests: list[tuple[ast.Assign, str]] = []
    trains: set[tuple[object, str]] = set()
    for statement in source.within(source.nodes[0], ast.Assign):
        for target, value in _pairs(statement):
            if (history := _head(value)) and _is_for(target, Part.TEST):
                tests.append((statement, history))
            elif (history := _rest(value)) and _is_for(target, Part.TRAIN):
                trains.add((source.function_of(statement), history))
    for statement, history in tests:
        if (source.function_of(statement), history) in trains and not _is_reversed(source):
            yield source.hit(
                KIND.code,
                statement,
                "holds the oldest event out and learns from the newer ones: hold the last one out",
            )


def _pairs(statement: ast.Assign) -> Iterator[tuple[ast.expr, ast.expr]]:
    for target in statement.targets:
        if isinstance(target, ast.Tuple) and isinstance(statement.value, ast.Tuple):
            yield from zip(target.elts, statement.value.elts, strict=False)
        else:
            yield target, statement.value


def _is_for(target: ast.expr, part: Part) -> bool:
    """Whether a target is named after one part of the data."""
    base = target.value if isinstance(target, ast.Subscript) else target
    return parts_named([dotted(base)]) == {part}


def _head(value: ast.expr) -> str:
    """The name of the list whose first element a value is; "" for anything else."""
    inner = value.elts[0] if isinstance(value, ast.List) and len(value.elts) == 1 else value
    if not isinstance(inner, ast.Subscript):
        return ""
    index = inner.slice
    if isinstance(index, ast.Slice):
        first = (index.lower is None or number(index.lower) == 0) and number(index.upper) == 1
        return dotted(inner.value) if first else ""
    return dotted(inner.value) if number(index) == 0 else ""


def _rest(value: ast.expr) -> str:
    """The name of the list of which a value is all but the first elements; "" for anything else."""
    if not isinstance(value, ast.Subscript) or not isinstance(value.slice, ast.Slice):
        return ""
    begins = number(value.slice.lower)
    return dotted(value.value) if begins in (1, 2) and value.slice.upper is None else ""


def _is_reversed(source: ParsedFile) -> bool:
    """Whether something in the file puts the newest first, as far as can be seen."""
    for call in source.calls:
        if called_name(call) in REVERSES:
            return True
        for given in call.keywords:
            if given.arg in ("reverse", "ascending", "descending"):
                return True
        if called_name(call) in ("argsort", "lexsort", "sorted", "sort") and any(
            isinstance(part, ast.USub) for part in ast.walk(call)
        ):
            return True
    return any(s.step is not None and number(s.step) == -1 for s in source.within(source.nodes[0], ast.Slice))


RULE = Rule(kind=KIND, run=oldest_held_out)
