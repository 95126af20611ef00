"""Static rule: a counter of steps by which a weight or a rate warms up, and which starts anew in each epoch."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.places_from import number
from diagnosis.rules.repeated import callee, repo_of, trains
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, Loop, ParsedFile
from diagnosis.rules.values import words_of
from diagnosis.symptoms import WEAK
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="warm-up-starts-anew",
    found_by=FoundBy.RULE,
    title="The warm-up starts anew in each epoch",
    why="The weight that should reach its full size falls back to zero with every epoch, and perhaps never gets there.",
    definition="A counter that grows by one at each batch, and is divided by a number that is no length of an epoch, is set to 0 where an "
    "epoch begins.",
    roles=(Role.LOSS,),
    explains=("term-without-weight", *WEAK),
    sources=("github.com/MaurizioFD/RecSys2019_DeepLearning_Evaluation/issues/2",),
)
# Words of a divisor that is an epoch's own length, or a cycle that is meant to repeat.
OF_EPOCHS = ("len", "loader", "batches", "per_epoch", "cycle", "period", "epoch")


def warm_up_starts_anew(source: ParsedFile) -> Iterator[RuleHit]:
    """`self.updates = 0` above the loop over batches in which `beta = min(cap, self.updates / total)` and `self.updates += 1`."""
    repo = repo_of(source)
    for function in source.functions:
        if function not in trains(repo):
            continue
        for statement in source.within(function, ast.Assign):
            name = dotted(statement.targets[0])
            if not name or number(statement.value) != 0 or not _begins_epochs(source, statement, function):
                continue
            loops = [loop for loop in source.within(function, ast.For) if loop.lineno > statement.lineno]
            if any(_counts(source, loop, name) and _warms_up(source, loop, name) for loop in loops):
                yield source.hit(
                    KIND.code,
                    statement,
                    f"sets {name} back at each epoch, so that what it warms up falls back: keep counting",
                )


def _begins_epochs(source: ParsedFile, statement: ast.Assign, function: Function) -> bool:
    """Whether the statement runs once an epoch: in a loop over epochs, or in a function that one calls."""
    for outer in source.around(statement):
        if outer is function:
            break
        if isinstance(outer, ast.If):
            return False
        if isinstance(outer, ast.For):
            return "epoch" in dotted(outer.target).lower()
    repo = repo_of(source)
    called = [
        made
        for made in repo.calls(function.name)
        if (d := callee(repo, made.file, made.call)) and d.node is function
    ]
    return "epoch" in function.name.lower() and any(
        isinstance(outer, Loop) for made in called for outer in made.file.around(made.call)
    )


def _counts(source: ParsedFile, loop: ast.For, name: str) -> bool:
    return "epoch" not in dotted(loop.target).lower() and any(
        dotted(s.target) == name and isinstance(s.op, ast.Add) and number(s.value) == 1
        for s in source.within(loop, ast.AugAssign)
    )


def _warms_up(source: ParsedFile, loop: ast.For, name: str) -> bool:
    """Whether the counter is divided by a length that is not an epoch's, and the quotient is bounded or kept as a weight."""
    for part in source.within(loop, ast.BinOp):
        if not isinstance(part.op, ast.Div) or name not in {dotted(p) for p in ast.walk(part.left)}:
            continue
        words = [word.lower() for word in words_of(part.right)]
        if any(of in word for word in words for of in OF_EPOCHS) or number(part.right) is not None:
            continue
        bounded = any(
            isinstance(o, ast.Call) and called_name(o) in ("min", "clip", "minimum")
            for o in source.around(part)
        )
        if bounded:
            return True
    return False


RULE = Rule(kind=KIND, run=warm_up_starts_anew)
