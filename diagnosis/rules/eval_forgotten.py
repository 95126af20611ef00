"""Static rule: scoring that reaches dropout or batch norm, and never sets evaluation mode."""

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
    definition="`score` reaches dropout or batch norm, and neither it nor `fit` calls `.eval()` anywhere.",
    roles=(Role.SCORING,),
    explains=(*UNSTEADY, *WEAK),
)


MOST_HANDED_ON = 3  # functions between `score` and the model


def eval_forgotten(source: ParsedFile) -> Iterator[RuleHit]:
    """Classes with `fit` and `score` whose scoring runs in the mode in which training left the model."""
    repo = source.repo
    for fit, score in contract(repo) if repo and repo.whole else ():
        if repo is None or not same_place(source, score) or two_faced(repo, reached(repo, [score])) is None:
            continue
        if not any(evaluates(place) for place in perhaps_reached(repo, [score, fit])):
            place = _asks_the_model(repo, score)
            assert isinstance(place.node, Function)
            yield place.file.hit(
                KIND.code,
                place.node,
                "scores with dropout or batch norm in training mode: call .eval() first",
            )


def _asks_the_model(repo: Codebase, score: Defined) -> Defined:
    """The function that calls the model: `score`, or the only function that it hands its question to."""
    place = score
    for _ in range(MOST_HANDED_ON):
        called = [repo.callee(place.file, call) for call in place.file.calls_in(place.node)]
        reached = {d.node: d for d in called if d is not None and isinstance(d.node, Function)}
        if len(reached) != 1:
            return place
        (below,) = reached.values()
        if repo.is_module(repo.class_around(below.file, below.node)):
            return place
        place = below
    return place


RULE = Rule(kind=KIND, run=eval_forgotten, crosses=True)
