"""Static rule: similarities are multiplied by a temperature below one, which flattens what should be sharpened."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.codebase import Codebase
from diagnosis.rules.constants import default_of
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.made_from import Value, endings
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, ParsedFile
from diagnosis.rules.tensor_calls import amount
from diagnosis.rules.values import owner_of
from diagnosis.symptoms import NARROW, UNLEARNED, WEAK
from diagnosis.syntax import dotted

KIND = FindingKind(
    code="temperature-multiplied",
    found_by=FoundBy.RULE,
    title="Multiplied by the temperature",
    why="All similarities come to nearly the same: the softmax is flat, and the term teaches next to nothing.",
    definition="Scores are multiplied by what is called a temperature (or tau) and is known to be below 1; a softmax with temperature "
    "divides by it.",
    roles=(Role.LOSS,),
    explains=(*UNLEARNED, *NARROW, *WEAK),
)
WORDS = ("temperature", "temp", "tau")


def temperature_multiplied(source: ParsedFile) -> Iterator[RuleHit]:
    """`F.cross_entropy((a @ b.T) * temperature, labels)`"""
    repo = source.repo
    if repo is None:
        return
    for product in source.within(source.nodes[0], ast.BinOp):
        if not isinstance(product.op, ast.Mult):
            continue
        for number, other in ((product.left, product.right), (product.right, product.left)):
            known = _temperature(repo, source, number)
            if (
                known is not None
                and 0 < known < 1
                and amount(other) is None
                and not _is_turned(source, product)
            ):
                yield source.hit(
                    KIND.code,
                    product,
                    f"multiplies by a temperature of `{known:g}`, which flattens: divide by it",
                )


def _temperature(repo: Codebase, source: ParsedFile, node: ast.expr) -> float | None:
    """The number that stands behind the name of a temperature; None for other names, and where no number is known."""
    if not isinstance(node, ast.Name | ast.Attribute):
        return None
    name = dotted(node).rpartition(".")[2].lower().strip("_")
    if name not in WORDS and not name.endswith(tuple(f"_{word}" for word in WORDS)):
        return None
    numbers = {amount(value) for value in _values(repo, source, node)}
    known = numbers - {None}
    return max(number for number in known if number is not None) if known and None not in numbers else None


def _values(repo: Codebase, source: ParsedFile, node: ast.expr) -> list[ast.expr]:
    """What a name is bound to, an attribute of `self` and a parameter's arguments and default included."""
    if isinstance(node, ast.Attribute):
        kind = repo.class_around(source, node)
        bound = (
            repo.attribute(kind, node.attr) if kind is not None and dotted(node).startswith("self.") else []
        )
        return [value for file, given in bound for value in _behind(repo, file, given)]
    return _behind(repo, source, node)


def _behind(repo: Codebase, file: ParsedFile, node: ast.expr) -> list[ast.expr]:
    found: list[ast.expr] = []
    for end in endings(repo, file, node):
        found += _given(repo, end) if isinstance(end.node, ast.Name) else [end.node]
    return found


def _given(repo: Codebase, end: Value) -> list[ast.expr]:
    """The default of a parameter and what the repo's calls give it; the name itself where there is nothing of that."""
    name = end.node.id if isinstance(end.node, ast.Name) else ""
    function = owner_of(end.file, name, end.node)
    if not isinstance(function, Function):
        return [end.node]
    default = default_of(function, name)
    places = [d for found in repo.functions.values() for d in found if d.node is function]
    given = [node for place in places for _, node in repo.given(place, name)]
    return [*given, *([default] if default is not None else [])] or [end.node]


def _is_turned(source: ParsedFile, product: ast.BinOp) -> bool:
    """Whether a loss is scaled back by its temperature, `loss * tau` or `kl * T * T`, as distillation does: no scores then."""
    outer = source.parents.get(product)
    if isinstance(outer, ast.BinOp) and isinstance(outer.op, ast.Div):
        return True
    words = ast.unparse(product).lower()
    return any(word in words for word in ("loss", "kl", "log", "entropy", "grad", "exp("))


RULE = Rule(kind=KIND, run=temperature_multiplied)
