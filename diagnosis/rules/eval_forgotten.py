"""Static rule: scoring that reaches dropout or batch norm, and never sets evaluation mode."""

from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
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


def eval_forgotten(source: ParsedFile) -> Iterator[RuleHit]:
    """Classes with `fit` and `score` whose scoring runs in the mode in which training left the model."""
    repo = source.repo
    for fit, score in contract(repo) if repo and repo.whole else ():
        if repo is None or not same_place(source, score) or two_faced(repo, reached(repo, [score])) is None:
            continue
        if not any(evaluates(place) for place in perhaps_reached(repo, [score, fit])):
            assert isinstance(score.node, Function)
            yield source.hit(
                KIND.code,
                score.node,
                "scores with dropout or batch norm in training mode: call .eval() first",
            )


RULE = Rule(kind=KIND, run=eval_forgotten)
