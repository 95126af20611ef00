"""Static rule: a term of the loss is a plain number, which no gradient passes."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.codebase import Codebase
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.losses import factors, losses, terms
from diagnosis.rules.made_from import Value, endings
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile
from diagnosis.symptoms import UNTRAINED, WEAK
from diagnosis.syntax import called_name

KIND = FindingKind(
    code="term-as-number",
    found_by=FoundBy.RULE,
    title="A term of the loss is a number",
    why="The term moves the loss that is printed and no weight: what it should teach is not learnt.",
    definition="Of the terms whose sum `backward` is called on, one is `.item()`, `float(...)` or `.detach()` of what was computed, "
    "with constant factors alone, and another is not.",
    roles=(Role.LOSS,),
    explains=("no-gradient", "term-without-gradient", *UNTRAINED, *WEAK),
)
NUMBERS = {"item", "detach", "tolist"}


def term_as_number(source: ParsedFile) -> Iterator[RuleHit]:
    """`loss = F.cross_entropy(logits, y) + 0.1 * contrast(a, b).item()`"""
    repo = source.repo
    if repo is None:
        return
    for loss in losses(source):
        judged = [(term, _numbers(repo, term)) for term in terms(repo, Value(file=source, node=loss))]
        if all(numbers for _, numbers in judged):
            continue
        for _, numbers in judged:
            for number in numbers:
                yield number.file.hit(
                    KIND.code,
                    number.node,
                    "is a number: no gradient passes this term of the loss; add the tensor itself",
                )


def _numbers(repo: Codebase, term: Value) -> list[Value]:
    """The calls that make a number of a term, where nothing else in it has a gradient; else []."""
    found: list[Value] = []
    for factor in factors(term.node):
        ends = [
            end
            for end in endings(repo, term.file, factor, calls=term.calls)
            if not isinstance(end.node, ast.Constant | ast.Attribute | ast.Name | ast.Subscript)
        ]
        numbers = [end for end in ends if _is_number(repo, end)]
        if len(numbers) < len(ends):
            return []
        found += numbers
    return found


def _is_number(repo: Codebase, end: Value) -> bool:
    """Whether an expression takes the number out of a value that was computed."""
    call = end.node
    if not isinstance(call, ast.Call):
        return False
    if isinstance(call.func, ast.Attribute):
        return (
            called_name(call) in NUMBERS and not call.args and not isinstance(call.func.value, ast.Constant)
        )
    if called_name(call) != "float" or len(call.args) != 1:
        return False
    return all(
        isinstance(made.node, ast.Call) for made in endings(repo, end.file, call.args[0], calls=end.calls)
    )


RULE = Rule(kind=KIND, run=term_as_number, crosses=True)
