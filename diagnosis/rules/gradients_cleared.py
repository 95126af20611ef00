"""Static rule: gradients that are never cleared, cleared once an epoch, or cleared before the step uses them."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.codebase import Codebase
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, ParsedFile
from diagnosis.rules.steps import Does, Event, Training, trainings
from diagnosis.symptoms import UNTRAINED, WEAK
from diagnosis.syntax import called_name

KIND = FindingKind(
    code="zero-grad-misplaced",
    found_by=FoundBy.RULE,
    title="Gradients not cleared in time",
    why="A step uses the sum of all gradients since they were last cleared: of old batches, or of none at all.",
    definition="A training loop that steps an optimizer and clears no gradient between its steps, or that clears them "
    "between `backward` and `step`, or at every batch where a step is taken at every n-th, or at every n-th where a step is taken at every batch.",
    roles=(Role.OPTIMIZER,),
    explains=(*UNTRAINED, *WEAK),
)


def gradients_cleared(source: ParsedFile) -> Iterator[RuleHit]:
    """For each training loop that steps: no clearing in the repo, clearing outside of the loop alone, or too early."""
    repo = source.repo
    if repo is None:
        return
    clears = list(repo.calls("zero_grad"))
    for training in trainings(repo):
        backward, steps = training.of(Does.BACKWARD), training.of(Does.STEP)
        if training.file.path != source.path or not backward or not steps:
            continue
        together = backward[0].file.function_of(backward[0].call) is steps[0].file.function_of(steps[0].call)
        if not clears and (together or repo.whole) and not _clears_otherwise(repo):
            event = backward[0]
            where = event.file if event.file.path == source.path else training.file
            node = event.call if where == event.file else event.outer
            yield where.hit(
                KIND.code,
                node,
                "gradients of all earlier batches add up: call optimizer.zero_grad() at each step",
            )
        elif not training.of(Does.CLEAR):
            yield from _outside(source, training, repo)
        yield from _too_early(training)
        yield from _gathered_in_vain(training)
        yield from _cleared_seldom(training)


def _gathered_in_vain(training: Training) -> Iterator[RuleHit]:
    """`zero_grad` at every batch, where a step is taken at every n-th alone."""
    steps, clears = training.of(Does.STEP), training.of(Does.CLEAR)
    rare = [step for step in steps if _is_every_nth(step)]
    if not rare or len(rare) != len(steps):
        return
    for clear in clears:
        if not clear.guarded and clear.file == training.file:
            yield clear.file.hit(
                KIND.code,
                clear.call,
                "clears the gradients at every batch, but a step is taken at every n-th alone: clear them after it",
            )


def _cleared_seldom(training: Training) -> Iterator[RuleHit]:
    """A step at every batch, where gradients are cleared at the first or at every n-th one alone."""
    steps, clears = training.of(Does.STEP), training.of(Does.CLEAR)
    if not steps or any(step.guarded for step in steps) or not all(_is_seldom(clear) for clear in clears):
        return
    for clear in clears[:1]:
        if clear.file == training.file:
            yield clear.file.hit(
                KIND.code,
                clear.call,
                "clears the gradients at some steps alone, though each step uses them: call it at each step",
            )


def _is_seldom(clear: Event) -> bool:
    """Whether it waits for a flag that its loop sets to False, for a number that is 0, or for one that a modulus tells."""
    around = list(clear.file.around(clear.call))
    loops = [outer for outer in around if isinstance(outer, ast.For | ast.While)]
    guard = next(
        (outer for outer in around if isinstance(outer, ast.If | ast.For | ast.While | Function)), None
    )
    if not loops or not isinstance(guard, ast.If) or any(clear.call in ast.walk(one) for one in guard.orelse):
        return False
    test = guard.test
    if isinstance(test, ast.Name):
        sets = [node for node in ast.walk(loops[0]) if isinstance(node, ast.Assign)]
        return any(
            isinstance(one.value, ast.Constant)
            and one.value.value is False
            and any(isinstance(target, ast.Name) and target.id == test.id for target in one.targets)
            for one in sets
        )
    return (
        isinstance(test, ast.Compare)
        and isinstance(test.ops[0], ast.Eq)
        and isinstance(test.comparators[0], ast.Constant)
        and test.comparators[0].value == 0
        and any(isinstance(part, ast.Name) for part in ast.walk(test.left))
    )


def _is_every_nth(step: Event) -> bool:
    """Whether a step waits for a batch whose number a modulus tells: `if i % accumulate == 0`."""
    for outer in step.file.around(step.call):
        if isinstance(outer, Function | ast.For | ast.While):
            return False
        if isinstance(outer, ast.If) and any(
            isinstance(part, ast.BinOp) and isinstance(part.op, ast.Mod) for part in ast.walk(outer.test)
        ):
            return True
    return False


def _clears_otherwise(repo: Codebase) -> bool:
    """`p.grad = None`, `p.grad.zero_()`, `torch.autograd.grad`: gradients that are handled by hand."""
    for file in repo.files:
        for node in file.within(file.nodes[0], ast.Attribute):
            if node.attr == "grad" and isinstance(node.ctx, ast.Store):
                return True
        for call in file.calls:
            name = called_name(call)
            if name in ("zero_", "fill_") and any(
                isinstance(p, ast.Attribute) and p.attr == "grad" for p in ast.walk(call.func)
            ):
                return True
            if file.full_name(call) in ("torch.autograd.grad", "torch.func.grad"):
                return True
    return False


def _outside(source: ParsedFile, training: Training, repo: Codebase) -> Iterator[RuleHit]:
    """Clearing that stands in the function of the loop, but not in the loop."""
    owner = source.function_of(training.loop)
    calls = list(repo.calls("zero_grad"))
    beside = [m for m in calls if m.file.path == source.path and source.function_of(m.call) is owner]
    if beside and len(beside) == len(calls) and not _clears_otherwise(repo):
        yield source.hit(
            KIND.code,
            beside[0].call,
            "clears the gradients outside of the loop over batches: call it at each step",
        )


def _too_early(training: Training) -> Iterator[RuleHit]:
    """`backward`, `zero_grad` and `step` of the same object, in this order, with no other `backward` in between."""
    order = [e for e in training.events if e.does in (Does.BACKWARD, Does.CLEAR, Does.STEP)]
    for first, second, third in zip(order, order[1:], order[2:]):
        kinds = (first.does, second.does, third.does)
        same = second.receiver == third.receiver and not (first.guarded or second.guarded or third.guarded)
        if kinds == (Does.BACKWARD, Does.CLEAR, Does.STEP) and same and second.file == third.file:
            yield second.file.hit(
                KIND.code,
                second.call,
                "clears the gradients before the step uses them: call it before backward()",
            )


RULE = Rule(kind=KIND, run=gradients_cleared, crosses=True)
