"""Which calls of a model give the scores that a piece of code ranks by."""

import ast
from collections.abc import Iterator

from diagnosis.rules.codebase import Codebase
from diagnosis.rules.evaluating import RANKS, is_count_above, summed
from diagnosis.rules.source import Function, ParsedFile
from diagnosis.rules.values import How, bindings, names_in, parameters
from diagnosis.syntax import called_name, dotted

SORTS = RANKS | {"sort"}
HOLDS = ("model", "net", "encoder", "tower", "rec")  # how people call what holds a model
MOST_STEPS = 4  # names between the model's answer and what is ranked


def answers_ranked(source: ParsedFile, repo: Codebase, around: ast.AST) -> Iterator[ast.Call]:
    """The calls in a piece of code of what holds a model, a torch module of the repo or what a parameter brings, whose answer the same
    piece sorts, takes the best of, or compares with one of its scores.
    """
    for call in source.calls_in(around):
        if called_name(call) in SORTS:
            own = call.func.value if isinstance(call.func, ast.Attribute) else None
            ranked = [own, *call.args[:1]] if own is not None else call.args[:1]
        elif is_count_above(call):
            ranked = [summed(call)]
        else:
            continue
        for one in ranked:
            if one is not None:
                yield from _answers(source, repo, one, MOST_STEPS, set())


def _answers(
    source: ParsedFile, repo: Codebase, node: ast.expr, steps: int, seen: set[ast.AST]
) -> Iterator[ast.Call]:
    """seen: the expressions that were looked at, each of which may be reached in several ways."""
    if node in seen:
        return
    seen.add(node)
    for call in source.calls_in(node):
        if _asks_model(source, repo, call):
            yield call
    if steps == 0:
        return
    for name in names_in(node):
        for binding in bindings(source, dotted(name), name):
            if binding.how is How.ASSIGNED and source.function_of(binding.node) is source.function_of(node):
                yield from _answers(source, repo, binding.value, steps - 1, seen)


def _asks_model(source: ParsedFile, repo: Codebase, call: ast.Call) -> bool:
    """Whether a call runs a torch module: one of the repo, or what a parameter of the function holds."""
    reached = repo.callee(source, call)
    if reached is not None:
        return repo.is_module(repo.class_around(reached.file, reached.node))
    function = source.function_of(call)
    given = parameters(function) if isinstance(function, Function) else []
    return (
        isinstance(call.func, ast.Name)
        and call.func.id in given
        and any(word in call.func.id.lower() for word in HOLDS)
    )
