"""Static rules of steps that are no plain loop: a hook that training calls by name, or a comprehension whose element is a
step, reads a value from the device each time.
"""

import ast
from collections.abc import Iterator

from diagnosis.rules.codebase import Codebase, Defined
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.repeated import callee, is_training_loop, repo_of, trains
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, ParsedFile
from diagnosis.rules.traffic import KIND, ONE_NUMBER, READS, is_read, read_hit
from diagnosis.rules.values import parameters
from diagnosis.syntax import called_name, dotted


def reads_in_hooks(source: ParsedFile) -> Iterator[RuleHit]:
    """`self.values.append(out.item())` in `on_batch_end`, which the loop calls by its name, or with the loss."""
    repo = repo_of(source)
    for loop in source.within(source.nodes[0], ast.For):
        if not is_training_loop(source, loop, repo):
            continue
        for hook in _hooks(repo, source, loop):
            if hook.node in trains(repo) or not isinstance(hook.node, Function):
                continue
            for call in _reads(hook.file, hook.node):
                yield read_hit(hook.file, call, None, "a hook of every step")


def reads_in_comprehensions(source: ParsedFile) -> Iterator[RuleHit]:
    """`losses = [step(batch).item() for batch in loader]`, where `step` trains."""
    repo = repo_of(source)
    for loop in source.within(source.nodes[0], ast.ListComp, ast.GeneratorExp):
        calls = source.calls_in(loop.elt)
        steps = [reached for call in calls if (reached := callee(repo, source, call)) is not None]
        if not any(reached.node in trains(repo) for reached in steps):
            continue
        for call in calls:
            if is_read(source, call):
                yield read_hit(source, call, loop, "a loop of steps")


def _hooks(repo: Codebase, source: ParsedFile, loop: ast.For) -> Iterator[Defined]:
    """The functions that a step calls: by a string with their name, or with the value that `backward` is called on."""
    bodies = [(source, loop.body, _losses(source, loop.body))]
    for call in source.calls_in(*loop.body):
        step = callee(repo, source, call)
        if step is not None and step.node in trains(repo) and isinstance(step.node, Function):
            bodies.append((step.file, step.node.body, _losses(step.file, step.node.body)))
    for file, body, losses in bodies:
        yield from _told(repo, file, body, losses)


def _told(repo: Codebase, file: ParsedFile, body: list[ast.stmt], losses: set[str]) -> Iterator[Defined]:
    for call in (c for s in body if not isinstance(s, ast.If) for c in file.calls_in(s)):
        for given in call.args:
            if isinstance(given, ast.Constant) and isinstance(given.value, str):
                yield from repo.functions.get(given.value, [])
        if any(_is_loss(given, losses) for given in call.args):
            named = repo.functions.get(called_name(call), [])
            yield from named if len(named) == 1 else []


def _is_loss(given: ast.expr, losses: set[str]) -> bool:
    """`loss`, or `loss.detach()`, which a read of it still waits for."""
    if (
        isinstance(given, ast.Call)
        and isinstance(given.func, ast.Attribute)
        and called_name(given) == "detach"
    ):
        given = given.func.value
    return dotted(given) in losses


def _losses(source: ParsedFile, body: list[ast.stmt]) -> set[str]:
    """The names on which some statements call `backward`."""
    found = set()
    for call in source.calls_in(*body):
        if called_name(call) == "backward" and isinstance(call.func, ast.Attribute):
            found |= {part.id for part in ast.walk(call.func.value) if isinstance(part, ast.Name)}
    return found


def _reads(file: ParsedFile, hook: Function) -> Iterator[ast.Call]:
    """Reads of a parameter's value, or of its elements one by one, that no condition makes rare."""
    names = set(parameters(hook)) - {"self"}
    names |= {dotted(loop.target) for loop in file.within(hook, ast.For, ast.comprehension)} - {""}
    for call in file.calls_in(hook):
        read = call.func.value if isinstance(call.func, ast.Attribute) and call.func.attr in READS else None
        if called_name(call) == "float" and isinstance(call.func, ast.Name) and len(call.args) == 1:
            told = dotted(call.args[0]) in names and "loss" in dotted(call.args[0]).lower()
            if told and not any(isinstance(outer, ast.If | ast.IfExp) for outer in file.around(call)):
                yield call
            continue
        while isinstance(read, ast.Call) and isinstance(read.func, ast.Attribute) and not read.args:
            read = read.func.value  # `out.detach().item()`
        inner = isinstance(file.parents.get(call), ast.Attribute)
        if read is None or inner or call.args or dotted(read) not in names:
            continue
        if not any(isinstance(outer, ast.If | ast.IfExp) for outer in file.around(call)):
            yield call


RULE = Rule(kind=KIND, beside=(ONE_NUMBER,), run=reads_in_hooks, crosses=True)
IN_COMPREHENSIONS = Rule(kind=KIND, beside=(ONE_NUMBER,), run=reads_in_comprehensions)
