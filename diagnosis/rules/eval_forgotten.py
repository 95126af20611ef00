"""Static rule: scoring that reaches dropout or batch norm, and never sets evaluation mode."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.codebase import Codebase, Defined
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.reach import contract, evaluates, perhaps_reached, reached, same_place, two_faced
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, ParsedFile
from diagnosis.symptoms import UNSTEADY, WEAK

KIND = FindingKind(
    code="eval-forgotten",
    found_by=FoundBy.RULE,
    title="Scores in training mode",
    why="In training mode dropout drops units of whoever is scored, and batch norm mixes users: scores are random.",
    definition="`score` reaches dropout or batch norm, and neither it nor `fit` nor what makes the model calls `.eval()` anywhere.",
    roles=(Role.SCORING,),
    explains=(*UNSTEADY, *WEAK),
)


def eval_forgotten(source: ParsedFile) -> Iterator[RuleHit]:
    """Classes with `fit` and `score` whose scoring runs in the mode in which training left the model."""
    repo = source.repo
    for fit, score in contract(repo) if repo and repo.whole else ():
        asking, running = _asking(repo, score) if repo is not None else (score, None)
        if repo is None or not same_place(source, asking) or two_faced(repo, reached(repo, [score])) is None:
            continue
        if not any(evaluates(place) for place in perhaps_reached(repo, [score, fit, *_made(repo, score)])):
            assert isinstance(asking.node, Function)
            yield source.hit(
                KIND.code,
                _statement(source, asking, running) if running is not None else asking.node,
                "scores with dropout or batch norm in training mode: call .eval() first",
            )


def _made(repo: Codebase, score: Defined) -> list[Defined]:
    """What makes the recommender: a copy that is served may be set to evaluation once and for all there."""
    kind = repo.class_around(score.file, score.node)
    made = repo.method(kind, "__init__") if kind is not None else None
    return [made] if made is not None else []


def _asking(repo: Codebase, score: Defined) -> tuple[Defined, ast.Call | None]:
    """The function that scoring comes through, outside of all modules, that runs the model, and the call that does so."""
    for place in reached(repo, [score]):
        if _in_module(repo, place) or not isinstance(place.node, Function):
            continue
        for call in place.file.within(place.node, ast.Call):
            if _runs_module(repo, place, call):
                return place, call
    return score, None


def _statement(source: ParsedFile, place: Defined, call: ast.Call) -> ast.stmt:
    """The statement of the function in which the model is run."""
    found = next((outer for outer in source.around(call) if isinstance(outer, ast.stmt)), place.node)
    assert isinstance(found, ast.stmt)
    return found


def _runs_module(repo: Codebase, place: Defined, call: ast.Call) -> bool:
    inner = repo.callee(place.file, call)
    return inner is not None and _in_module(repo, inner)


def _in_module(repo: Codebase, place: Defined) -> bool:
    return repo.is_module(repo.class_around(place.file, place.node))


RULE = Rule(kind=KIND, run=eval_forgotten)
