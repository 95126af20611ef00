"""Static rule: an optimizer that is made anew at every step or epoch."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.codebase import Codebase, Made
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, Loop, ParsedFile
from diagnosis.rules.steps import Does, Training, is_optimizer, trainings
from diagnosis.symptoms import WEAK

KIND = FindingKind(
    code="optimizer-recreated",
    found_by=FoundBy.RULE,
    title="Optimizer made anew",
    why="A new optimizer has forgotten the moments of the old one: Adam starts again, and its first steps are the largest.",
    definition="A constructor of torch.optim that runs in the loop over batches, or in the loop over epochs of a model "
    "that is not made there.",
    roles=(Role.OPTIMIZER,),
    explains=("not-learning", *WEAK),
)


def optimizer_recreated(source: ParsedFile) -> Iterator[RuleHit]:
    """Optimizers made in a training loop, directly or in a function that it calls, and in the loop around it."""
    repo = source.repo
    if repo is None:
        return
    for training in trainings(repo):
        for event in training.of(Does.OPTIMIZER):
            if not event.guarded and not _is_of_a_copy(event.file, event.call):
                yield event.file.hit(
                    KIND.code,
                    event.call,
                    "makes a new optimizer at every step: make it once, before the loops",
                )
        if training.file.path == source.path:
            yield from _each_epoch(repo, training)


def _is_of_a_copy(file: ParsedFile, call: ast.Call) -> bool:
    """Whether the step also makes the model whose parameters the optimizer takes, as meta-learning does with copies."""
    loop = next((o for o in file.around(call) if isinstance(o, Loop | Function)), file.nodes[0])
    used = {n.id for n in ast.walk(call) if isinstance(n, ast.Name)}
    made = {
        target.id
        for assign in file.within(loop, ast.Assign)
        for target in assign.targets
        if isinstance(target, ast.Name) and isinstance(assign.value, ast.Call) and assign.value is not call
    }
    return bool(used & made)


def _each_epoch(repo: Codebase, training: Training) -> Iterator[RuleHit]:
    file, loop = training.file, training.loop
    around = _outer_loop(file, loop)
    if around is None:
        return
    fresh = _names_bound(file, around)
    for call in file.calls_in(*around.body):
        if (
            not is_optimizer(file.full_name(call))
            or file.places[loop] <= file.places[call] < file.ends[file.places[loop]]
        ):
            continue
        inside = [o for o in file.around(call) if isinstance(o, ast.If | Loop | Function)]
        if not inside or inside[0] is not around:
            continue
        used = {n.id for n in ast.walk(call) if isinstance(n, ast.Name)}
        if not used & fresh and not _is_remade(repo, Made(file=file, call=call), around):
            yield file.hit(
                KIND.code, call, "makes a new optimizer at every epoch: make it once, before the loops"
            )


def _outer_loop(file: ParsedFile, loop: Loop) -> Loop | None:
    for outer in file.around(loop):
        if isinstance(outer, Function):
            return None
        if isinstance(outer, Loop):
            return outer
    return None


def _names_bound(file: ParsedFile, loop: Loop) -> set[str]:
    """The names, and the attributes' last parts, that a loop binds."""
    return {
        node.id if isinstance(node, ast.Name) else node.attr
        for node in file.within(loop, ast.Name, ast.Attribute)
        if isinstance(node.ctx, ast.Store)
    }


def _is_remade(repo: Codebase, made: Made, loop: Loop) -> bool:
    """Whether the loop also makes or resets the model whose parameters the optimizer takes."""
    names = _names_bound(made.file, loop)
    parts = {n.attr for n in ast.walk(made.call) if isinstance(n, ast.Attribute)}
    resets = {"load_state_dict", "reset_parameters", "apply"}
    called = {c.func.attr for c in made.file.calls_in(*loop.body) if isinstance(c.func, ast.Attribute)}
    return bool(parts & names or resets & called)


RULE = Rule(kind=KIND, run=optimizer_recreated, crosses=True)
