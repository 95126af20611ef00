"""What an evaluation is fed: the functions that make its candidates, wherever a repo's own classes keep and hand on what they give."""

import ast
from collections.abc import Iterator

from diagnosis.rules.codebase import Codebase, Defined, once
from diagnosis.rules.definitions import own_method
from diagnosis.rules.evaluating import FEEDS
from diagnosis.rules.judging import judges, speaks_of_metrics
from diagnosis.rules.parts_of_data import Part, parts_named
from diagnosis.rules.repeated import below, callee, trains
from diagnosis.rules.source import Function, ParsedFile, is_backward
from diagnosis.rules.values import How, bindings, names_in
from diagnosis.syntax import called_name, dotted

MOST = 200  # expressions that are followed backwards from one argument
HELD_OUT = {Part.TEST, Part.VALID}
JOINS = {"concatenate", "cat", "hstack", "concat", "column_stack", "append", "extend", "stack", "vstack", "update"}  # fmt: skip


@once
def fed(repo: Codebase) -> dict[ast.AST, Defined]:
    """The functions whose results an evaluation is handed, followed through attributes, objects that are made in one file and called in
    another, data sets and loaders; with their helpers, and without what training runs.
    """
    roots: dict[ast.AST, Defined] = {}
    for file, given in _handed_over(repo):
        for place, call in calls_behind(repo, file, given):
            reached = callee(repo, place, call) or repo.callee(place, call)
            if reached is not None and reached.node not in trains(repo):
                roots[reached.node] = reached
    learning = _learning(repo) if roots else {}
    found = below(repo, [d for node, d in roots.items() if node not in learning])
    return {node: d for node, d in found.items() if node not in learning}


def calls_behind(repo: Codebase, file: ParsedFile, node: ast.expr) -> Iterator[tuple[ParsedFile, ast.Call]]:
    """The calls whose results are in a value: through names, attributes, containers and arguments of calls; of a tuple that a function
    returns, only what makes the part that is taken.
    """
    waiting, seen = [(file, node)], set[ast.AST]()
    while waiting and len(seen) < MOST:
        place, value = waiting.pop(0)
        if value in seen:
            continue
        seen.add(value)
        for part in _outer_calls(value):
            yield place, part
        for name in names_in(value):
            waiting += repo.bound(place, name, 0)
            waiting += [
                (place, b.value)
                for b in (bindings(place, name.id, name) if isinstance(name, ast.Name) else ())
                if b.how in (How.ITERATED, How.CHANGED)
            ]


def is_joined(source: ParsedFile, node: ast.expr) -> bool:
    """Whether a value becomes a part of a longer list: `[target] + drawn`, `np.concatenate([target, drawn])`, `rows += drawn`; at once, or
    under the name that it is kept as.
    """
    if _is_in_sum(source, node):
        return True
    kept = next((outer for outer in source.around(node) if isinstance(outer, ast.stmt)), None)
    names = {dotted(target) for target in kept.targets} - {""} if isinstance(kept, ast.Assign) else set[str]()
    return kept is not None and any(
        part.id in names and isinstance(part.ctx, ast.Load) and _is_in_sum(source, part)
        for part in source.within(source.function_of(node) or source.nodes[0], ast.Name)
        if source.places[part] > source.places[kept]
    )


def _is_in_sum(source: ParsedFile, node: ast.expr) -> bool:
    for outer in source.around(node):
        if isinstance(outer, ast.BinOp | ast.AugAssign) and isinstance(outer.op, ast.Add):
            return True
        if isinstance(outer, ast.Call) and called_name(outer) in JOINS:
            return True
        if isinstance(outer, ast.stmt):
            break
    return False


def evaluates_by_name(kind: ast.AST) -> bool:
    """Whether a class is called after evaluation, or after a part of the data that is held out alone."""
    name = getattr(kind, "name", "")
    return "eval" in name.lower() or bool(
        parts_named([name]) & HELD_OUT and Part.TRAIN not in parts_named([name])
    )


def _handed_over(repo: Codebase) -> Iterator[tuple[ParsedFile, ast.expr]]:
    """The arguments of evaluations: of functions that judge, and of the constructors of classes that do, or hold their examples."""
    judging = judges(repo)
    for name in {getattr(node, "name", "") for node in judging}:
        for made in repo.calls(name):
            reached = callee(repo, made.file, made.call)
            if reached is not None and reached.node in judging and speaks_of_metrics(made.file):
                yield from ((made.file, one) for one in _arguments(made.call))
    for name, places in repo.classes.items():
        feeds = any(own_method(places[0], one) for one in ("__getitem__", "__iter__"))
        judge = any(
            isinstance(part, Function) and part in judging for part in getattr(places[0].node, "body", ())
        )
        if len(places) == 1 and ((feeds and evaluates_by_name(places[0].node)) or (judge and judging)):
            if repo.is_module(places[0]):
                continue
            for made in repo.constructions.get(name, []):
                yield from ((made.file, one) for one in _arguments(made.call))


def _arguments(call: ast.Call) -> list[ast.expr]:
    return [*call.args, *(k.value for k in call.keywords)]


def _outer_calls(value: ast.expr) -> list[ast.Call]:
    return [part for part in ast.walk(value) if isinstance(part, ast.Call)]


@once
def _learning(repo: Codebase) -> dict[ast.AST, Defined]:
    """What training runs at each step or epoch: all that `backward` is reached from, examples and losses, and their helpers."""
    everything = [Defined(file=file, node=f) for file in repo.files for f in file.functions]
    steps = [d for d in everything if any(map(is_backward, d.file.calls_in(d.node)))]
    examples = [
        d
        for d in everything
        if getattr(d.node, "name", "") in FEEDS and not evaluates_by_name(d.file.parents.get(d.node, d.node))
    ]
    judging = judges(repo)
    found = below(repo, [*steps, *examples])
    return {node: d for node, d in found.items() if node not in judging}
