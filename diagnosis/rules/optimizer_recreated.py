"""Static rule: an optimizer that is made anew at every step or epoch."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.codebase import Codebase, Made
from diagnosis.rules.epochs import Round, rounds
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, Loop, ParsedFile
from diagnosis.rules.steps import Does, Training, is_optimizer, trainings
from diagnosis.rules.values import parameters
from diagnosis.symptoms import WEAK
from diagnosis.syntax import called_name, dotted

# What lists the parameters of a model.
LISTS = {
    "parameters",
    "named_parameters",
    "list",
    "filter",
    "dict",
    "chain",
    "items",
    "modules",
    "set",
    "get",
    "append",
}

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
    told = {training.loop for training in trainings(repo)}
    for each in rounds(repo):
        if each.file.path == source.path and each.loop not in told:
            yield from _each_round(repo, each)


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


def _each_round(repo: Codebase, each: Round) -> Iterator[RuleHit]:
    """Optimizers that a function makes which the loop over epochs calls, or that the loop has another function make."""
    chain = [*each.above, each]
    if any(_resets(one) for one in chain):
        return
    for targets, value, _ in each.assigned():
        if not isinstance(value, ast.Call) or not any(map(dotted, targets)):
            continue
        if called_name(value) in repo.classes and _holds_optimizer(repo, value):
            yield each.file.hit(
                KIND.code,
                value,
                "makes a new optimizer at every epoch with it: make it once, before the loop",
            )
            continue
        itself = is_optimizer(each.file.full_name(value))
        made = [Made(file=each.file, call=value)] if itself else repo.makers(each.file, value)
        if not made or not all(is_optimizer(m.full_name) and _remembers(m) for m in made):
            continue
        if each.function is None and itself:
            continue  # what the loop's own body makes is told above
        given = {dotted(n) for n in ast.walk(value) if isinstance(n, ast.Name | ast.Attribute)}
        if not given & {name for one in chain for name in _fresh(one)}:
            yield each.file.hit(
                KIND.code, value, "makes a new optimizer at every epoch: make it once, before the loops"
            )


def _holds_optimizer(repo: Codebase, call: ast.Call) -> bool:
    """Whether an object makes an optimizer for a model that it is given."""
    places = repo.classes[called_name(call)]
    first = repo.method(places[0], "__init__") if len(places) == 1 else None
    if first is None or not isinstance(first.node, Function):
        return False
    given = set(parameters(first.node)) - {"self"}
    kept = {
        dotted(target)
        for assign in first.file.within(first.node, ast.Assign)
        for target in assign.targets
        if isinstance(assign.value, ast.Name) and assign.value.id in given
    }
    return any(
        is_optimizer(first.file.full_name(c))
        and _remembers(Made(file=first.file, call=c))
        and any(
            called_name(inner) == "parameters"
            and isinstance(inner.func, ast.Attribute)
            and dotted(inner.func.value) in given | kept
            for inner in first.file.calls_in(*c.args)
        )
        for c in first.file.within(first.node, ast.Call)
    )


def _remembers(made: Made) -> bool:
    """Whether an optimizer keeps anything from step to step, as plain gradient descent does not."""
    return made.name != "SGD" or any(word.arg == "momentum" for word in made.call.keywords)


def _fresh(each: Round) -> set[str]:
    """The names that a round binds to what is no list of parameters."""
    found: set[str] = set()
    for targets, value, _ in each.assigned():
        called = {called_name(c) for c in ast.walk(value) if isinstance(c, ast.Call)}
        if called - LISTS:
            found |= {
                dotted(p) for t in targets for p in (t.elts if isinstance(t, ast.Tuple) else [t]) if dotted(p)
            }
    target = each.loop.target if isinstance(each.loop, ast.For) else None
    return (
        found | {n.id for n in ast.walk(target) if isinstance(n, ast.Name)} if target is not None else found
    )


def _resets(each: Round) -> bool:
    """Whether a round gives the model other weights or parts, as restarts and stages do."""
    called = {called_name(c) for c in each.file.calls_in(*each.body)}
    return bool(
        called & {"load_state_dict", "reset_parameters", "deepcopy", "requires_grad_", "reset", "prune"}
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
