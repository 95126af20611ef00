"""Static rule: an evaluation that draws other candidates each time it is called."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy
from diagnosis.rules.discount import statement_of
from diagnosis.rules.draws import SEEDS, generator_made, is_draw, is_shared
from diagnosis.rules.evaluating import evaluators, ranks
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, ParsedFile
from diagnosis.syntax import called_name

KIND = FindingKind(
    code="candidates-drawn-anew",
    found_by=FoundBy.RULE,
    title="Candidates drawn anew at each evaluation",
    why="Two epochs are compared on different candidates, so that the best one is partly the luckiest draw.",
    definition="A function that ranks, or a helper of it, draws candidates from a generator that is not seeded there.",
    sources=("github.com/RUCAIBox/RecBole/issues/2077", "Krichene and Rendle, KDD 2020"),
)


def candidates_drawn_anew(source: ParsedFile) -> Iterator[RuleHit]:
    """Draws inside evaluations, other than those that a condition makes rare, as one that fills a cache."""
    judging = evaluators(source)
    if not any(ranks(source, function) for function in judging):
        return
    seen: set[int] = set()
    for call in source.calls:
        function = source.function_of(call)
        if function not in judging or function is None or not is_draw(source, call):
            continue
        if (
            _is_seeded(source, call, function, judging)
            or _is_rare(source, call)
            or function.name == "__init__"
        ):
            continue
        if function.lineno not in seen:
            seen.add(function.lineno)
            yield source.hit(
                KIND.code,
                statement_of(source, call),
                "draws other candidates at each evaluation: draw them once, or seed the generator here",
            )


def _is_seeded(source: ParsedFile, call: ast.Call, function: Function, judging: frozenset[Function]) -> bool:
    """Whether every evaluation draws the same: a seed is set in an evaluating function, or the generator is made in one."""
    if any(called_name(c) in SEEDS for f in judging for c in source.calls_in(f)):
        return True
    if is_shared(source, call):
        return False
    owner = call.func.value if isinstance(call.func, ast.Attribute) else None
    made = generator_made(source, owner) if owner is not None else None
    if made is not None:
        return (
            source.function_of(made) in judging
            and getattr(source.function_of(made), "name", "") != "__init__"
        )
    return made is None and owner is not None and not _is_of_self(owner)


def _is_of_self(owner: ast.expr) -> bool:
    return isinstance(owner, ast.Attribute) and isinstance(owner.value, ast.Name) and owner.value.id == "self"


def _is_rare(source: ParsedFile, call: ast.Call) -> bool:
    for outer in source.around(call):
        if isinstance(outer, Function):
            return False
        if isinstance(outer, ast.If | ast.IfExp):
            return True
    return False


RULE = Rule(kind=KIND, run=candidates_drawn_anew)
