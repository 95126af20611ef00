"""Static rule: training that goes on in evaluation mode, because an evaluation set it and nobody sets it back."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.codebase import Codebase, Defined, once
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.reach import contract, evaluates, perhaps_reached, reached, same_place, trains, two_faced
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, Loop, ParsedFile
from diagnosis.rules.steps import trainings
from diagnosis.symptoms import WEAK

KIND = FindingKind(
    code="train-forgotten",
    found_by=FoundBy.RULE,
    title="Training in evaluation mode",
    why="After the first evaluation dropout is off and batch norm frozen for the rest of the training.",
    definition="An evaluation calls `.eval()` between epochs, and no `.train()` is called within the loop of epochs; only "
    "where the trained model has dropout or batch norm.",
    roles=(Role.LOSS,),
    explains=("overconfidence", *WEAK),
)


def train_forgotten(source: ParsedFile) -> Iterator[RuleHit]:
    """The calls of `.train()` before the loop of epochs, or the loop over batches."""
    for place in _forgotten(source.repo) if source.repo and source.repo.whole else ():
        if same_place(source, place):
            assert isinstance(place.node, ast.expr | ast.stmt)
            yield source.hit(
                KIND.code,
                place.node,
                "trains in evaluation mode after the first evaluation: call .train() in each epoch",
            )


@once
def _forgotten(repo: Codebase) -> list[Defined]:
    scores = [score for _, score in contract(repo)]
    starts = [fit for fit, _ in contract(repo)] or _trainers(repo)
    scripts = [
        Defined(file=t.file, node=outer)
        for t in trainings(repo)
        if t.file.function_of(t.loop) is None
        for outer in (t.loop, *t.file.around(t.loop))
        if isinstance(outer, Loop)
    ]
    loops = {loop.node: loop for start in [*starts, *scripts] for loop in _epochs(repo, start)}
    found = [_where(repo, loop) for loop in loops.values() if _stays_in_evaluation(repo, loop, scores)]
    if found:
        return found
    batches = [Defined(file=training.file, node=training.loop) for training in trainings(repo)]
    return [loop for loop in batches if _stays_in_evaluation(repo, loop, [])]  # evaluates every few batches


def _trainers(repo: Codebase) -> list[Defined]:
    """The functions that hold a training loop, and those that call them."""
    found = {f: Defined(file=t.file, node=f) for t in trainings(repo) if (f := t.file.function_of(t.loop))}
    for _ in range(2):
        for made in list(repo.calls(*{getattr(node, "name", "") for node in found})):
            caller, reached_one = made.file.function_of(made.call), repo.callee(made.file, made.call)
            if caller is not None and reached_one is not None and reached_one.node in found:
                found[caller] = Defined(file=made.file, node=caller)
    return list(found.values())


def _stays_in_evaluation(repo: Codebase, loop: Defined, scores: list[Defined]) -> bool:
    """Whether something in a loop of epochs, or the scoring between them, sets evaluation mode for good."""
    if not any(_stays(place) for place in reached(repo, [loop, *scores])):
        return False
    if any(trains(place) for place in perhaps_reached(repo, [loop])):
        return False
    return two_faced(repo, reached(repo, [loop])) is not None


def _epochs(repo: Codebase, start: Defined) -> list[Defined]:
    """The outermost loops, in functions that a function reaches, that hold a training loop or a `yield`."""
    loops = {t.loop for t in trainings(repo)}
    for place in reached(repo, [start]):
        found = [
            loop
            for loop in place.file.within(place.node, ast.For, ast.While)
            if not any(isinstance(o, Loop) for o in _up_to(place, loop))
            and (place.file.within(loop, ast.Yield) or _holds_training(repo, place.file, loop, loops))
        ]
        if found:
            return [Defined(file=place.file, node=loop) for loop in found]
    return []


def _up_to(place: Defined, node: ast.AST) -> Iterator[ast.AST]:
    for outer in place.file.around(node):
        if outer is place.node:
            return
        yield outer


def _holds_training(repo: Codebase, file: ParsedFile, loop: ast.AST, loops: set[Loop]) -> bool:
    inner = [
        node
        for place in reached(repo, [Defined(file=file, node=loop)])
        for node in place.file.within(place.node, ast.For, ast.While)
    ]
    return loop not in loops and any(node in loops for node in inner)


def _stays(place: Defined) -> bool:
    """Whether a function sets evaluation mode and does not set the mode back."""
    return bool(evaluates(place)) and not trains(place)


def _where(repo: Codebase, loop: Defined) -> Defined:
    """A `.train()` that stands in the same function before the loop, else the only one of a constructor, else the loop over batches, else the loop."""
    function = loop.file.function_of(loop.node)
    calls = trains(Defined(file=loop.file, node=function)) if isinstance(function, Function) else []
    before = [call for call in calls if loop.file.places[call] < loop.file.places[loop.node]]
    if before:
        return Defined(file=loop.file, node=before[-1])
    made = [Defined(file=d.file, node=call) for d in repo.functions.get("__init__", []) for call in trains(d)]
    if len(made) == 1:
        return made[0]  # switched to training once and for all
    batches = {training.loop: training.file for training in trainings(repo)}
    for place in reached(repo, [loop]):
        for node in place.file.within(place.node, ast.For, ast.While):
            if node in batches:
                return Defined(file=place.file, node=node)
    return loop


RULE = Rule(kind=KIND, run=train_forgotten)
