"""Static rule: a learning rate that decays at every batch as it should at every epoch."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.codebase import Codebase
from diagnosis.rules.constants import numbers_of
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.rule import Rule
from diagnosis.rules.schedule_length import counts_epochs, is_of_batches, once_an_epoch, totals_of
from diagnosis.rules.source import Function, Loop, ParsedFile, keyword
from diagnosis.rules.steps import Does, Event, Training, trainings
from diagnosis.rules.values import bindings, same
from diagnosis.symptoms import UNTRAINED, WEAK
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="decay-at-every-batch",
    found_by=FoundBy.RULE,
    title="The learning rate decays at every batch",
    why="A factor that is meant for an epoch is taken some hundred times in each: the rate is nothing after an epoch or two.",
    definition="In the loop over batches: an ExponentialLR with gamma of at most .99, a StepLR that has halved the rate "
    "after 200 steps, a ReduceLROnPlateau, a schedule whose length is the number of epochs, or a learning rate multiplied by at "
    "most .99 by hand.",
    roles=(Role.OPTIMIZER,),
    explains=("schedule-runs-out", "learning-rate-too-low", *UNTRAINED, *WEAK),
)
SLOWEST = 0.99  # a factor at each step that leaves a rate of 1/20000 after 1,000 steps
SHORTEST = 200  # steps after which a rate that is stepped down at each batch may be halved


def decay_per_batch(source: ParsedFile) -> Iterator[RuleHit]:
    """Schedulers stepped in a training loop, and rates multiplied there."""
    repo = source.repo
    if repo is None:
        return
    for training in trainings(repo):
        if training.file.path == source.path:
            for event in training.of(Does.SCHEDULE):
                if not once_an_epoch(training, event) and _is_for_epochs(
                    repo, training, event.file, event.call
                ):
                    if (length := _product(repo, training, source, event)) is not None:
                        message = (
                            "is a number of epochs, and the schedule is stepped at every batch: count batches"
                        )
                        yield source.hit(KIND.code, length, message)
                        continue
                    node = event.call if event.file.path == source.path else event.outer
                    yield source.hit(
                        KIND.code,
                        node,
                        "steps at every batch a schedule that counts epochs: step it once an epoch",
                    )
    yield from _by_hand(repo, source)


def _is_for_epochs(repo: Codebase, training: Training, file: ParsedFile, call: ast.Call) -> bool:
    made = repo.makers(file, call.func.value) if isinstance(call.func, ast.Attribute) else []
    return bool(made) and all(
        _counts_epochs(repo, training, m.file, m.call, m.full_name.rpartition(".")[2]) for m in made
    )


def _product(repo: Codebase, training: Training, source: ParsedFile, event: Event) -> ast.expr | None:
    """The product that says after how many steps the schedule ends, where its author has reckoned that in this file."""
    made = (
        repo.makers(event.file, event.call.func.value) if isinstance(event.call.func, ast.Attribute) else []
    )
    for maker in made if is_of_batches(training) else []:
        for file, total in totals_of(repo, maker.file, maker.call, maker.full_name.rpartition(".")[2]):
            found = bindings(file, total.id, total) if isinstance(total, ast.Name) else []
            for value in [total, *(b.value for b in found)]:
                if (
                    file.path == source.path
                    and isinstance(value, ast.BinOp)
                    and counts_epochs(repo, file, value)
                ):
                    return value
    return None


def _counts_epochs(repo: Codebase, training: Training, file: ParsedFile, made: ast.Call, name: str) -> bool:
    first = made.args[1] if len(made.args) > 1 else None
    if name == "ReduceLROnPlateau":
        return True
    if name == "ExponentialLR":
        gammas = numbers_of(repo, file, keyword(made, "gamma") or first)
        return bool(gammas) and max(gammas) <= SLOWEST
    if name == "StepLR":
        sizes = numbers_of(repo, file, keyword(made, "step_size") or first)
        gamma = keyword(made, "gamma") or (made.args[2] if len(made.args) > 2 else None)
        factors = {0.1} if gamma is None else numbers_of(repo, file, gamma)
        return (
            bool(sizes and factors)
            and 0 < max(factors) < 1
            and max(factors) ** (SHORTEST / max(sizes)) <= 0.5
        )
    if name in ("CosineAnnealingLR", "LinearLR", "PolynomialLR"):
        total = keyword(made, "T_max") or keyword(made, "total_iters") or first
        if total is not None and any(same(total, bound) for bound in _epochs(training)):
            return True
    return is_of_batches(training) and any(
        counts_epochs(repo, *total) for total in totals_of(repo, file, made, name)
    )


def _epochs(training: Training) -> list[ast.expr]:
    """The bounds of the `range` of the loops around a training loop."""
    found = []
    for outer in training.file.around(training.loop):
        if isinstance(outer, Function):
            break
        if (
            isinstance(outer, ast.For)
            and isinstance(outer.iter, ast.Call)
            and called_name(outer.iter) == "range"
        ):
            found += outer.iter.args[-1:] if len(outer.iter.args) == 1 else outer.iter.args[1:2]
    return found


def _by_hand(repo: Codebase, source: ParsedFile) -> Iterator[RuleHit]:
    """`self.learn_rate *= 0.97` in a loop within a loop, where the attribute scales updates."""
    for node in source.within(source.nodes[0], ast.AugAssign):
        name = dotted(node.target).rpartition(".")[2]
        loops = [o for o in _up_to_function(source, node) if isinstance(o, Loop)]
        if not name or len(loops) < 2 or not isinstance(node.op, ast.Mult):
            continue
        factors = numbers_of(repo, source, node.value)
        conditions = any(isinstance(o, ast.If) for o in _up_to_function(source, node))
        decays = bool(factors) and min(factors) > 0 and max(factors) <= SLOWEST
        if decays and not conditions and _scales_updates(repo, name):
            message = (
                f"multiplies the learning rate by `{max(factors):g}` at every batch: do it once an epoch"
            )
            yield source.hit(KIND.code, node, message)


def _up_to_function(source: ParsedFile, node: ast.AST) -> Iterator[ast.AST]:
    for outer in source.around(node):
        if isinstance(outer, Function):
            return
        yield outer


def _scales_updates(repo: Codebase, name: str) -> bool:
    """Whether an attribute, or a name that holds it, is a factor in an update of rows or weights."""
    for file in repo.files:
        for function in file.functions:
            names = {name}
            for assign in file.within(function, ast.Assign):
                pairs = [(assign.targets[0], assign.value)]
                if isinstance(assign.targets[0], ast.Tuple) and isinstance(assign.value, ast.Tuple):
                    pairs = list(zip(assign.targets[0].elts, assign.value.elts))
                names |= {dotted(t) for t, v in pairs if dotted(v).rpartition(".")[2] == name}
            if any(_is_factor(value, names) for value in _updates(file, function)):
                return True
    return False


def _updates(file: ParsedFile, function: Function) -> Iterator[ast.expr]:
    for node in file.within(function, ast.AugAssign):
        if isinstance(node.op, ast.Add | ast.Sub):
            yield node.value
    for call in file.within(function, ast.Call):
        if called_name(call) in ("at", "add_", "sub_", "index_add_") and call.args:
            yield call.args[-1]


def _is_factor(value: ast.expr, names: set[str]) -> bool:
    return any(
        isinstance(p, ast.BinOp)
        and isinstance(p.op, ast.Mult)
        and any(
            dotted(side) in names or dotted(side).rpartition(".")[2] in names
            for side in (p.left, p.right)
            if dotted(side)
        )
        for p in ast.walk(value)
    )


RULE = Rule(kind=KIND, run=decay_per_batch)
