"""How long a learning rate schedule is said to be, and whether that number counts epochs or batches."""

import ast
from collections.abc import Iterator

from diagnosis.rules.codebase import Codebase
from diagnosis.rules.constants import numbers_of
from diagnosis.rules.definitions import Defined, Made, argument_of
from diagnosis.rules.source import Function, Loop, ParsedFile, keyword
from diagnosis.rules.steps import Does, Event, Training
from diagnosis.rules.values import bindings, parameters
from diagnosis.syntax import called_name, dotted

# The argument of torch's schedules that says after how many steps they end: its name and its place.
LENGTHS = {
    "CosineAnnealingLR": ("T_max", 1),
    "LinearLR": ("total_iters", 3),
    "PolynomialLR": ("total_iters", 1),
    "OneCycleLR": ("total_steps", 2),
}
# Words of a name that counts something else than epochs, although it speaks of them: `steps_per_epoch`.
OF_BATCHES = ("step", "iter", "batch", "per")
LENGTH_WORDS = ("total", "training_steps", "max_steps", "num_steps", "n_steps", "t_max")
GATHERED = (ast.ListComp, ast.GeneratorExp)
FEW = 10  # times that an epoch may go through the examples
MOST_NAMES = 4  # that one follows another


def totals_of(
    repo: Codebase, file: ParsedFile, made: ast.Call, name: str
) -> Iterator[tuple[ParsedFile, ast.expr]]:
    """What says after how many steps a schedule ends: an argument, or what a function that makes it is given."""
    if name in LENGTHS:
        word, place = LENGTHS[name]
        given = keyword(made, word) or (made.args[place] if len(made.args) > place else None)
        yield from [(file, given)] if given is not None else []
    elif name == "LambdaLR":
        maker = file.function_of(made)
        if maker is not None:
            place = Defined(file=file, node=maker)
            told = (repo.given(place, name) for name in parameters(maker) if _is_length(name))
            yield from (one for given in told for one in given if one is not None)
        for function in (part for part in ast.walk(made) if isinstance(part, ast.Lambda)):
            yield from ((file, bound) for bound in _progress(function))
            yield from _handed_on(repo, file, function)


def _handed_on(
    repo: Codebase, file: ParsedFile, function: ast.Lambda
) -> Iterator[tuple[ParsedFile, ast.expr]]:
    """What a function of the repo is told of the length: `lambda step: warm_then_cosine(step, warmup, total)`."""
    for call in file.calls_in(function.body):
        reached = repo.callee(file, call)
        if reached is None or not isinstance(reached.node, Function):
            continue
        names = [name for name in parameters(reached.node) if name not in ("self", "cls")]
        for place, name in enumerate(names):
            given = argument_of(Made(file=file, call=call), name, place) if _is_length(name) else None
            if given is not None:
                yield given


def _is_length(name: str) -> bool:
    return any(word in name.lower() for word in LENGTH_WORDS) and "warm" not in name.lower()


def _progress(function: ast.Lambda) -> Iterator[ast.expr]:
    """By what the step is divided: `lambda step: 1 - step / total`."""
    steps = {argument.arg for argument in function.args.args}
    for part in ast.walk(function.body):
        if isinstance(part, ast.BinOp) and isinstance(part.op, ast.Div) and dotted(part.left) in steps:
            yield part.right


def counts_epochs(repo: Codebase, file: ParsedFile, node: ast.expr, depth: int = 0) -> bool:
    """Whether an expression is a number of epochs as it stands, by the name that its author gave it; also a few times it."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        return any(
            counts_epochs(repo, file, one, depth) and _is_a_few(repo, file, other)
            for one, other in ((node.left, node.right), (node.right, node.left))
        )
    if isinstance(node, ast.Call) and called_name(node) in ("int", "float") and len(node.args) == 1:
        return counts_epochs(repo, file, node.args[0], depth)
    name = dotted(node)
    last = name.rpartition(".")[2].lower()
    if not name or depth > MOST_NAMES:
        return False
    found = [] if "epoch" in last else bindings(file, name, node)
    if found:
        return all(one.position is None and counts_epochs(repo, file, one.value, depth + 1) for one in found)
    return "epoch" in last and not any(word in last for word in OF_BATCHES)


def _is_a_few(repo: Codebase, file: ParsedFile, node: ast.expr) -> bool:
    """Whether a factor is a small number, and no number of batches by its name: how often an epoch shows each example."""
    numbers = numbers_of(repo, file, node)
    named = dotted(node).rpartition(".")[2].lower()
    return bool(numbers) and max(numbers) <= FEW and not any(word in named for word in OF_BATCHES)


def once_an_epoch(training: Training, event: Event) -> bool:
    """Whether a loop over epochs does it beside a comprehension that goes through the batches."""
    steps = [_gathering(training, one) for one in training.of(Does.BACKWARD)]
    return bool(steps) and all(one is not None for one in steps) and _gathering(training, event) is None


def is_of_batches(training: Training) -> bool:
    """Whether one round of a training loop is surely a batch, rather than an epoch of a single step."""
    steps = training.of(Does.BACKWARD)
    if steps and all(_gathering(training, one) is not None for one in steps):
        return True
    loop = training.loop
    if not isinstance(loop, ast.For):
        return False
    words = [part.id if isinstance(part, ast.Name) else getattr(part, "attr", "") for part in _head(loop)]
    counted = isinstance(loop.iter, ast.Call) and called_name(loop.iter) == "range"
    return not any("epoch" in word.lower() for word in words) and (
        not counted or _is_in_loop(training.file, loop)
    )


def _head(loop: ast.For) -> Iterator[ast.AST]:
    yield from ast.walk(loop.target)
    yield from ast.walk(loop.iter)


def _is_in_loop(file: ParsedFile, loop: Loop) -> bool:
    for outer in file.around(loop):
        if isinstance(outer, Function):
            return False
        if isinstance(outer, Loop):
            return True
    return False


def _gathering(training: Training, event: Event) -> ast.AST | None:
    """The comprehension of the loop's body in which something is done."""
    for outer in training.file.around(event.outer):
        if outer is training.loop:
            return None
        if isinstance(outer, GATHERED):
            return outer
    return None
