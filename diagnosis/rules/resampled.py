"""Static rule: an evaluation that draws other candidates each time it is called."""

import ast
from collections.abc import Iterator, Sequence

from diagnosis.findings import FindingKind, FoundBy
from diagnosis.rules.codebase import Defined
from diagnosis.rules.discount import statement_of
from diagnosis.rules.drawn_by_others import drawn_by_others, is_rare
from diagnosis.rules.draws import DRAWS, SEEDS, generator_made, is_draw, is_shared
from diagnosis.rules.evaluating import evaluators, ranks
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.judging import judges, made_for_judges, speaks_of_metrics
from diagnosis.rules.parts_of_data import Part, parts_named
from diagnosis.rules.repeated import repo_of
from diagnosis.rules.rule import Rule
from diagnosis.rules.seeded_by_epoch import asked_with_other_seeds, changes_by_epoch
from diagnosis.rules.source import Function, ParsedFile
from diagnosis.rules.values import owner_of
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="candidates-drawn-anew",
    found_by=FoundBy.RULE,
    title="Candidates drawn anew at each evaluation",
    why="Two epochs are compared on different candidates, so that the best one is partly the luckiest draw.",
    definition="A function that ranks, or a helper of it, draws candidates from a generator that is not seeded there, "
    "or is seeded otherwise in each epoch.",
    sources=("github.com/RUCAIBox/RecBole/issues/2077", "Krichene and Rendle, KDD 2020"),
)


def candidates_drawn_anew(source: ParsedFile) -> Iterator[RuleHit]:
    """Draws inside evaluations, other than those that a condition makes rare, as one that fills a cache."""
    repo = repo_of(source)
    judging: frozenset[Function] = frozenset()
    if not DRAWS.isdisjoint(source.called_names):
        own = evaluators(source) | examples_of_evaluation(source)
        own = own if own and speaks_of_metrics(source) else frozenset()
        judging = own | made_for_judges(source, repo)
    seen: set[int] = set()
    for call in source.calls:
        function = source.function_of(call)
        if function not in judging or function is None or not is_draw(source, call):
            continue
        if (
            _is_seeded(source, call, function, judging)
            or is_rare(source, call)
            or function.name == "__init__"
            or _is_mark(source, call)
        ):
            continue
        if function.lineno not in seen:
            seen.add(function.lineno)
            yield source.hit(
                KIND.code,
                statement_of(source, _asked_for(source, call, function, judging)),
                "draws other candidates at each evaluation: draw them once, or seed the generator here",
            )
    asking = frozenset(f for f in source.functions if f in judges(repo)) | examples_of_evaluation(source)
    for call in drawn_by_others(repo, source, asking):
        if (function := source.function_of(call)) is not None and function.lineno not in seen:
            seen.add(function.lineno)
            yield source.hit(
                KIND.code,
                statement_of(source, call),
                "asks for other candidates at each evaluation: ask once and keep them, or seed the generator there",
            )
    for call in asked_with_other_seeds(source, repo):
        yield source.hit(
            KIND.code,
            statement_of(source, call),
            "draws other candidates in each epoch, as their seed is another one: draw them once, before the loop",
        )


def examples_of_evaluation(
    source: ParsedFile, names: Sequence[str] = ("__getitem__", "__iter__")
) -> frozenset[Function]:
    """The methods that make an example in a class that its author names after evaluation."""
    made = (f for f in source.functions if f.name in names)
    return frozenset(
        f for f in made if isinstance(owner := source.parents.get(f), ast.ClassDef) and _evaluates(owner.name)
    )


def _is_mark(source: ParsedFile, call: ast.Call) -> bool:
    """Whether places are drawn that get a mark, `is_test[rng.choice(n, size=k)] = True`: that is a split."""
    outer = source.parents.get(call)
    return isinstance(outer, ast.Subscript) and outer.slice is call and isinstance(outer.ctx, ast.Store)


def _evaluates(name: str) -> bool:
    return "eval" in name.lower() or bool(parts_named([name]) & {Part.TEST, Part.VALID})


def _is_seeded(source: ParsedFile, call: ast.Call, function: Function, judging: frozenset[Function]) -> bool:
    """Whether every evaluation draws the same: a seed is set in an evaluating function, or the generator is made in one."""
    seeds = [c for f in judging for c in source.calls_in(f) if called_name(c) in SEEDS]
    if any(not changes_by_epoch(source, c) for c in seeds):
        return True
    if is_shared(source, call):
        return False
    owner = call.func.value if isinstance(call.func, ast.Attribute) else None
    made = generator_made(source, owner) if owner is not None else None
    if made is not None:
        return (_is_given_a_seed(source, made) or is_rare(source, made)) and (
            source.function_of(made) in judging
            and getattr(source.function_of(made), "name", "") != "__init__"
        )
    return owner is not None and not _is_of_self(owner) and not _lasts(source, owner)


def _is_given_a_seed(source: ParsedFile, made: ast.Call) -> bool:
    """Whether a generator starts from a seed: one of torch does anyway, those of numpy and Python only from one that is given."""
    given = [*made.args, *(k.value for k in made.keywords)]
    fresh = not given or (isinstance(given[0], ast.Constant) and given[0].value is None)
    if changes_by_epoch(source, made):
        return False
    return not fresh or called_name(made) == "Generator"


def _lasts(source: ParsedFile, owner: ast.expr) -> bool:
    """Whether a generator that is handed in is kept between two evaluations: another file gives an attribute of its `self`."""
    function = owner_of(source, owner.id, owner) if isinstance(owner, ast.Name) else None
    if function is None or source.repo is None or not isinstance(owner, ast.Name):
        return False
    given = source.repo.given(Defined(file=source, node=function), owner.id)
    return bool(given) and all(_is_of_self(value) for _, value in given)


def _asked_for(
    source: ParsedFile, draw: ast.Call, function: Function, judging: frozenset[Function]
) -> ast.Call:
    """Where candidates are asked for: the only call of a function that only draws, and needs no question to do so, as it
    might have been called before; else the draw itself.
    """
    if ranks(source, function):
        return draw
    asked = [call for call in source.calls_named(function.name) if source.function_of(call) is not function]
    given = [*asked[0].args, *(k.value for k in asked[0].keywords)] if len(asked) == 1 else [draw]
    fixed = all(isinstance(node, ast.Constant) or dotted(node).startswith("self.") for node in given)
    return asked[0] if fixed and source.function_of(asked[0]) in judging else draw


def _is_of_self(owner: ast.expr) -> bool:
    return isinstance(owner, ast.Attribute) and isinstance(owner.value, ast.Name) and owner.value.id == "self"


RULE = Rule(kind=KIND, run=candidates_drawn_anew)
