"""Static rule: weights that begin anew in each epoch, so that nothing of the one before is left."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.codebase import Codebase, Defined, once
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.made_each_epoch import made_each_epoch
from diagnosis.rules.repeated import callee, is_training_loop, trains
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, Loop, ParsedFile, is_backward
from diagnosis.symptoms import UNTRAINED, WEAK
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="weights-made-anew",
    found_by=FoundBy.RULE,
    title="Weights begin anew in each epoch",
    why="Each epoch then learns from the random numbers that it begins with, and the optimizer's averages are of weights that are gone.",
    definition="A loop over epochs or batches calls what fills parameters with initial values, or makes a table or layer of the model.",
    roles=(Role.INITIALIZATION, Role.ENTRY),
    explains=(*UNTRAINED, *WEAK),
)
RESETS = {"reset_parameters", "init_weights", "_init_weights", "_reset_parameters", "initialize_weights", "weights_init"}  # fmt: skip
EPOCHS = ("epoch",)
DEEPEST = 3  # calls between the loop and what fills the parameters


def weights_made_anew(source: ParsedFile) -> Iterator[RuleHit]:
    """`for epoch in range(n): model.reset_parameters(); for batch in loader: ...`"""
    repo = source.repo
    for call in source.calls if repo and _sets_weights(repo) else ():
        if repo is None or _is_rare(source, call) or not _fills(repo, source, call, 0):
            continue
        if _in_loop_of_epochs(repo, source, call) or _begins_an_epoch(repo, source, call):
            yield source.hit(
                KIND.code, call, "fills the weights anew in each epoch: do so once, before the loop"
            )

    for place, what in made_each_epoch(repo, source) if repo else ():
        yield source.hit(KIND.code, place, what)


@once
def _sets_weights(repo: Codebase) -> bool:
    """Whether anything in a repo may give parameters their values: `reset_parameters`, or a function of `torch.nn.init`, all of which end with `_`."""
    return any(name in RESETS or name.endswith("_") for file in repo.files for name in file.called_names)


def _fills(repo: Codebase, source: ParsedFile, call: ast.Call, depth: int) -> bool:
    """Whether a call gives parameters their initial values: itself, or a function of the repo that does nothing else."""
    name = called_name(call)
    if name in RESETS or source.full_name(call).startswith("torch.nn.init."):
        return True
    reached = callee(repo, source, call) if depth < DEEPEST else None
    if reached is None or not isinstance(reached.node, Function) or reached.node in trains(repo):
        return False
    return reached.node.name != "__init__" and _only_fills(repo, reached, depth + 1)


def _only_fills(repo: Codebase, reached: Defined, depth: int) -> bool:
    """Whether the statements of a function, loops and conditions opened, fill parameters and at most print what they do."""
    statements = [s for s in reached.file.within(reached.node, ast.Expr) if isinstance(s.value, ast.Call)]
    assigned = reached.file.within(reached.node, ast.Assign, ast.AugAssign, ast.Return)
    told = [s for s in statements if called_name(s.value) in ("print", "info")]
    return (
        len(told) < len(statements)
        and not assigned
        and all(_fills(repo, reached.file, s.value, depth) for s in statements if s not in told)
    )


def _is_rare(source: ParsedFile, call: ast.Call) -> bool:
    """Whether a condition of its own function decides about the call, as that of a restart; or nothing repeats the file's code."""
    for outer in source.around(call):
        if isinstance(outer, Function):
            return outer.name == "__init__" or outer.name in RESETS
        if isinstance(outer, ast.If | ast.Try | ast.IfExp | ast.ClassDef | ast.ExceptHandler):
            return True
    return False


def _in_loop_of_epochs(repo: Codebase, source: ParsedFile, call: ast.Call) -> bool:
    """Whether the nearest loop around goes through epochs, in its author's words or as `fit` yields them, or through batches."""
    for outer in source.around(call):
        if isinstance(outer, Function):
            return False
        if isinstance(outer, Loop):
            inside = source.calls_in(*outer.body)
            if not any(is_backward(c) or _trains(repo, source, c) for c in inside):
                return False
            of_epochs = isinstance(outer, ast.For) and any(w in dotted(outer.target).lower() for w in EPOCHS)
            function = source.function_of(outer)
            yields = function is not None and function.name == "fit" and bool(source.within(outer, ast.Yield))
            return of_epochs or yields or _goes_through_batches(repo, source, outer)
    return False


def _goes_through_batches(repo: Codebase, source: ParsedFile, loop: Loop) -> bool:
    """Whether a round of the loop is a batch that something other than a counter hands out."""
    counted = (
        isinstance(loop, ast.For) and isinstance(loop.iter, ast.Call) and called_name(loop.iter) == "range"
    )
    return isinstance(loop, ast.For) and not counted and is_training_loop(source, loop, repo)


def _trains(repo: Codebase, source: ParsedFile, call: ast.Call) -> bool:
    reached = callee(repo, source, call)
    return reached is not None and reached.node in trains(repo)


def _begins_an_epoch(repo: Codebase, source: ParsedFile, call: ast.Call) -> bool:
    """Whether the call stands before the loop over batches of a function that is called in a loop."""
    function = source.function_of(call)
    if function is None or any(isinstance(outer, Loop) for outer in _inside(source, call, function)):
        return False
    batches = [
        loop
        for loop in source.within(function, ast.For)
        if loop.lineno > call.lineno and _goes_through_batches(repo, source, loop)
    ]
    if not batches or any(
        "epoch" in dotted(loop.target).lower() for loop in source.within(function, ast.For)
    ):
        return False
    return (
        any(
            isinstance(outer, Loop)
            for made in repo.calls(function.name)
            if (reached := callee(repo, made.file, made.call)) is not None and reached.node is function
            for outer in made.file.around(made.call)
        )
        and "epoch" in function.name.lower()
    )


def _inside(source: ParsedFile, node: ast.AST, function: Function) -> Iterator[ast.AST]:
    for outer in source.around(node):
        if outer is function:
            return
        yield outer


RULE = Rule(kind=KIND, run=weights_made_anew)
