"""Static rule: how many different items are shown, divided by the number of users in place of that of items."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy
from diagnosis.rules.evaluating import RANKS
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, ParsedFile
from diagnosis.rules.values import bindings, names_in, words_of
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="coverage-of-users",
    found_by=FoundBy.RULE,
    title="Coverage is divided by the number of users",
    why="Coverage is a share of the catalogue: divided by users it grows with fewer of them, and may be above 1.",
    definition="The size of a set of shown items, divided by the number of users, lists or questions that they were shown to.",
)
ASKED = (
    "user",
    "pair",
    "list",
    "test",
    "question",
    "quer",
    "session",
    "hist",
    "seq",
    "row",
    "case",
    "pred",
    "top",
    "rank",
    "rec",
    "target",
    "batch",
    "loader",
    "held",
    "valid",
)
SIZES = ("items", "catalog", "catalogue", "vocab", "width", "num_item", "n_item")


def coverage_of_users(source: ParsedFile) -> Iterator[RuleHit]:
    """`len(shown) / len(pairs)` of `shown.update(row)` in a loop over `pairs`; `len(set(lists.ravel())) / len(lists)`"""
    for part in source.within(source.nodes[0], ast.BinOp):
        if (
            not isinstance(part.op, ast.Div)
            or not isinstance(part.left, ast.Call)
            or called_name(part.left) != "len"
        ):
            continue
        function = source.function_of(part)
        asked = _asked(part.right)
        if (
            function is None
            or not asked
            or not part.left.args
            or any(word in asked.lower() for word in SIZES)
            or not any(word in asked.lower() for word in ASKED)
            or _is_of_neighbours(source, function)
        ):
            continue
        shown = part.left.args[0]
        if _is_ranked_in(source, function, shown, asked):
            yield source.hit(
                KIND.code,
                part,
                f"divides the number of different items by that of {asked}: divide by the number of items",
            )


def _is_of_neighbours(source: ParsedFile, function: Function) -> bool:
    """Whether things are compared with their like, `x @ x.T`: as many are asked for as there are to be shown."""
    return any(
        isinstance(part.op, ast.MatMult)
        and {dotted(n) for n in names_in(part.left)} & {dotted(n) for n in names_in(part.right)}
        for part in source.within(function, ast.BinOp)
    )


def _asked(node: ast.expr) -> str:
    """What a divisor is the number of: `len(pairs)`, `lists.shape[0]`; "" of other numbers."""
    if isinstance(node, ast.Call) and called_name(node) == "len" and len(node.args) == 1:
        return dotted(node.args[0])
    if (
        isinstance(node, ast.Subscript)
        and isinstance(node.value, ast.Attribute)
        and node.value.attr == "shape"
    ):
        first = node.slice
        return dotted(node.value.value) if isinstance(first, ast.Constant) and first.value == 0 else ""
    return ""


def _is_ranked_in(source: ParsedFile, function: Function, shown: ast.expr, asked: str) -> bool:
    """Whether a set of items holds what was ranked for each of those that were asked."""
    if isinstance(shown, ast.Call):  # len(set(lists.ravel().tolist()))
        return (
            (called_name(shown) == "unique" or dotted(shown.func) == "set")
            and asked in {dotted(n) for n in names_in(shown)} | {dotted(p) for p in ast.walk(shown)}
            and _comes_of_ranking(source, function, asked)
        )
    name = dotted(shown)
    if "user" in name.lower():
        return False
    made = [b.value for b in bindings(source, name, shown)] if name else []
    if not made or not all(_is_a_set(value) for value in made):
        return False
    for call in source.calls_in(function):
        if dotted(call.func) not in (f"{name}.update", f"{name}.add") or not call.args:
            continue
        if (
            _reaches(source, call.args[0], asked)
            and _loops_over(source, call, asked)
            and _ranks(source, function)
        ):
            return True
    return False


def _is_a_set(node: ast.expr) -> bool:
    return isinstance(node, ast.Set | ast.SetComp) or (
        isinstance(node, ast.Call) and dotted(node.func) == "set"
    )


def _ranks(source: ParsedFile, function: Function) -> bool:
    return any(called_name(call) in RANKS for call in source.calls_in(function))


def _comes_of_ranking(source: ParsedFile, function: Function, name: str) -> bool:
    made = [b.value for b in bindings(source, name, function.body[0])]
    return any(called_name(call) in RANKS for value in made for call in source.calls_in(value))


def _reaches(source: ParsedFile, given: ast.expr, asked: str) -> bool:
    """Whether what is added to the set is not the asked things themselves, such as targets."""
    return asked not in {dotted(part) for part in ast.walk(given)} and not any(
        word.lower().rstrip("s") in ("target", "label", "positive", "user") for word in words_of(given)
    )


def _loops_over(source: ParsedFile, call: ast.Call, asked: str) -> bool:
    """Whether a loop around the call goes through what is counted, at once or in parts."""
    return any(
        isinstance(outer, ast.For) and asked in {dotted(part) for part in ast.walk(outer.iter)}
        for outer in source.around(call)
    )


RULE = Rule(kind=KIND, run=coverage_of_users)
