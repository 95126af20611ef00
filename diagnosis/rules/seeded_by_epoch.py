"""Generators of an evaluation whose seed is another one in each epoch."""

import ast
from collections.abc import Iterator

from diagnosis.rules.codebase import Codebase, Defined
from diagnosis.rules.draws import GENERATORS, SEEDS
from diagnosis.rules.judging import METRICS, judges
from diagnosis.rules.repeated import callee, in_training_loop, trains
from diagnosis.rules.source import Function, Loop, ParsedFile
from diagnosis.rules.values import How, bindings, names_in, parameters, words_of
from diagnosis.syntax import called_name, dotted

EPOCHS = {"epoch", "epochs", "round", "step", "steps", "iteration", "time", "ns"}
JUDGING = (*METRICS, "valid", "test")


RUNS = (
    "seed",
    "run",
    "trial",
    "repeat",
    "rep",
    "fold",
    "restart",
    "split",
)  # loops over whole trainings count these


def changes_by_epoch(source: ParsedFile, seeding: ast.Call) -> bool:
    """Whether a seed is another one in each epoch, in its author's words: `default_rng(seed + epoch)`, `manual_seed(time())`; not
    by what a loop of the same function counts, whose batches are the same in each evaluation.
    """
    given = [*seeding.args, *(k.value for k in seeding.keywords)]
    counted = {
        name.id
        for node in given
        for name in ast.walk(node)
        if isinstance(name, ast.Name)
        and any(b.how is How.ITERATED for b in bindings(source, name.id, seeding))
    }
    told = {word for node in given for word in words_of(node)} - counted
    words = (word.lower().strip("_") for word in told)
    return any(piece in EPOCHS for word in words for piece in word.split("_"))


def asked_with_other_seeds(source: ParsedFile, repo: Codebase) -> Iterator[ast.Call]:
    """Calls in a loop of epochs that ask for an evaluation's candidates, each time with another seed: `candidates(test, seed=epoch)`."""
    epochs = any("epoch" in name.id.lower() for name in source.within(source.nodes[0], ast.Name))
    for loop in source.loops if epochs or trains(repo) else ():
        counted = (
            {name.id for name in ast.walk(loop.target) if isinstance(name, ast.Name)}
            if isinstance(loop, ast.For)
            else set()
        )
        if not counted or any(piece in RUNS for name in counted for piece in name.lower().split("_")):
            continue
        if not (
            any("epoch" in name.lower() for name in counted) or in_training_loop(source, loop.body[0], repo)
        ):
            continue
        for call in source.calls_in(*loop.body):
            changed = [*_given(call, counted)]
            reached = callee(repo, source, call) if changed else None
            if reached is None or not isinstance(reached.node, Function):
                continue
            names = set(_told(reached.node, call, changed))
            if _seeds_with(reached, names) and _goes_to_judge(source, repo, loop, call):
                yield call


def _given(call: ast.Call, counted: set[str]) -> Iterator[ast.expr]:
    """The arguments that hang on what a loop counts."""
    for given in (*call.args, *(k.value for k in call.keywords)):
        if counted & {dotted(name) for name in names_in(given)}:
            yield given


def _told(function: Function, call: ast.Call, given: list[ast.expr]) -> Iterator[str]:
    """The parameters that a call fills with these arguments."""
    names = [name for name in parameters(function) if name not in ("self", "cls")]
    yield from (name for name, one in zip(names, call.args) if one in given)
    yield from (k.arg for k in call.keywords if k.arg and k.value in given)


def _seeds_with(function: Defined, names: set[str]) -> bool:
    """Whether a function seeds a generator with one of these parameters."""
    return any(
        called_name(call) in GENERATORS | SEEDS
        and any(
            dotted(name) in names
            for part in (*call.args, *(k.value for k in call.keywords))
            for name in names_in(part)
        )
        for call in function.file.calls_in(function.node)
    )


def _goes_to_judge(source: ParsedFile, repo: Codebase, loop: Loop, call: ast.Call) -> bool:
    """Whether what a call returns is handed to an evaluation, at once or under a name."""
    statement = next((o for o in source.around(call) if isinstance(o, ast.stmt)), None)
    kept = {dotted(t) for t in statement.targets} if isinstance(statement, ast.Assign) else set()
    for other in source.calls_in(*loop.body):
        given = [*other.args, *(k.value for k in other.keywords)]
        handed = any(call in source.calls_in(one) or dotted(one) in kept - {""} for one in given)
        around = next((o for o in source.around(other) if isinstance(o, Loop)), None)
        if handed and around is loop and other is not call and _judges(source, repo, other):
            return True
    return False


def _judges(source: ParsedFile, repo: Codebase, call: ast.Call) -> bool:
    reached = callee(repo, source, call)
    name = called_name(call).lower()
    return (reached is not None and reached.node in judges(repo)) or any(word in name for word in JUDGING)
