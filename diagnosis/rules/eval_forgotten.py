"""Static rule: scoring that reaches dropout or batch norm, and never sets evaluation mode."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.codebase import Codebase, Defined
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.judging import says_it_trains
from diagnosis.rules.own_evaluations import in_module, run_of_module, unset_evaluations
from diagnosis.rules.reach import contract, evaluates, perhaps_reached, reached, same_place, two_faced
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, ParsedFile
from diagnosis.symptoms import UNSTEADY, WEAK

KIND = FindingKind(
    code="eval-forgotten",
    found_by=FoundBy.RULE,
    title="Scores in training mode",
    why="In training mode dropout drops units of whoever is scored, and batch norm mixes users: scores are random.",
    definition="`score`, or a function that ranks for the repo's own figures, reaches dropout or batch norm, and neither it nor what calls it "
    "nor what makes the model calls `.eval()` anywhere.",
    roles=(Role.SCORING,),
    explains=(*UNSTEADY, *WEAK),
)

MESSAGE = "scores with dropout or batch norm in training mode: call .eval() first"


def eval_forgotten(source: ParsedFile) -> Iterator[RuleHit]:
    """Scoring, for evolverec or for the repo's own figures, that runs in the mode in which training left the model."""
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
                MESSAGE,
            )
    if repo is None or not repo.whole:
        return
    asked = {score.node for _, score in contract(repo)}
    for place, call in unset_evaluations(repo):
        if same_place(source, place) and place.node not in asked and not says_it_trains(place.node):
            yield source.hit(KIND.code, _statement(source, place, call), MESSAGE)


def _made(repo: Codebase, score: Defined) -> list[Defined]:
    """What makes the recommender: a copy that is served may be set to evaluation once and for all there."""
    kind = repo.class_around(score.file, score.node)
    made = repo.method(kind, "__init__") if kind is not None else None
    return [made] if made is not None else []


def _asking(repo: Codebase, score: Defined) -> tuple[Defined, ast.Call | None]:
    """The function that scoring comes through, outside of all modules, that runs the model, and the call that does so."""
    for place in reached(repo, [score]):
        if in_module(repo, place) or not isinstance(place.node, Function):
            continue
        call = run_of_module(repo, place)
        if call is not None:
            return place, call
    return score, None


def _statement(source: ParsedFile, place: Defined, call: ast.Call) -> ast.stmt:
    """The statement of the function in which the model is run."""
    found = next((outer for outer in source.around(call) if isinstance(outer, ast.stmt)), place.node)
    assert isinstance(found, ast.stmt)
    return found


RULE = Rule(kind=KIND, run=eval_forgotten)
