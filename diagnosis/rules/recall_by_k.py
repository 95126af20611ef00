"""Static rule: a recall that is divided by the length of the list instead of the number of relevant items."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, ParsedFile
from diagnosis.rules.values import bound_to, same
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="recall-divided-by-k",
    found_by=FoundBy.RULE,
    title="Recall divided by k",
    why="Hits divided by k are the precision; recall asks which share of the relevant items was found.",
    definition="What is called recall is a number divided by the same k that cuts the list.",
)


def recall_divided_by_k(source: ParsedFile) -> Iterator[RuleHit]:
    """`recall = hits / k`, where `ranked[:k]` is judged."""
    for part in source.within(source.nodes[0], ast.BinOp):
        function = source.function_of(part)
        if not isinstance(part.op, ast.Div) or function is None or not _is_recall(source, part, function):
            continue
        if any(same(part.right, cut) for cut in _cuts(source, function)) and not _is_worked_out(
            source, part.right
        ):
            yield source.hit(
                KIND.code,
                part,
                "divides the hits by k, which is the precision: divide by the number of relevant items",
            )


def _is_recall(source: ParsedFile, part: ast.BinOp, function: Function) -> bool:
    """Whether the quotient itself is called recall: by its name, or as what a function of that name returns."""
    outer = source.parents.get(part)
    if isinstance(outer, ast.Call) and called_name(outer) in ("append", "float"):
        owner = dotted(outer.func).lower()
        return "recall" in owner
    if isinstance(outer, ast.Assign):
        return any("recall" in dotted(target).lower() for target in outer.targets)
    if isinstance(outer, ast.AugAssign):
        return "recall" in dotted(outer.target).lower()
    return (
        isinstance(outer, ast.Return)
        and "recall" in function.name.lower()
        and "precision" not in function.name.lower()
    )


def _is_worked_out(source: ParsedFile, k: ast.expr) -> bool:
    """Whether the number comes of a call, such as the smaller of k and the number of relevant items."""
    found = bound_to(source, k) if isinstance(k, ast.Name | ast.Attribute) else []
    return any(isinstance(value, ast.Call) for value in found)


def _cuts(source: ParsedFile, function: Function) -> Iterator[ast.expr]:
    for part in source.within(function, ast.Slice):
        if part.lower is None and isinstance(part.upper, ast.Name | ast.Attribute):
            yield part.upper
    for call in source.calls_in(function):
        if called_name(call) in ("topk", "argpartition", "nlargest"):
            yield from (
                a
                for a in (*call.args, *(k.value for k in call.keywords))
                if isinstance(a, ast.Name | ast.Attribute)
            )


RULE = Rule(kind=KIND, run=recall_divided_by_k)
