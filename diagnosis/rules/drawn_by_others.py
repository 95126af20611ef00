"""Candidates that an evaluation asks another object for, each time it runs: `self.sampler.sample(users, 99)`."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from diagnosis.rules.codebase import Codebase, Defined, once
from diagnosis.rules.draws import DRAWS, GENERATORS, SEEDS, generator_made, is_draw, is_shared
from diagnosis.rules.feeding import is_joined
from diagnosis.rules.repeated import callee
from diagnosis.rules.source import Function, ParsedFile
from diagnosis.rules.values import parameters
from diagnosis.syntax import called_name, dotted


@dataclass(frozen=True, kw_only=True, eq=False)
class _Draw:
    """A draw in a function that another one calls."""

    file: ParsedFile
    call: ast.Call
    function: Defined


def drawn_by_others(repo: Codebase, source: ParsedFile, judging: frozenset[Function]) -> Iterator[ast.Call]:
    """The calls in evaluating functions of methods of other objects that draw what is then ranked beside the target, from a generator that
    goes on where the evaluation before it stopped. Those that a condition or a constructor makes once are left out.
    """
    names = _names_of_drawing(repo) if judging else frozenset[str]()
    for function in judging:
        if function.name == "__init__" or _sets_a_seed(source, function):
            continue
        for call in source.calls_in(function):
            own = call.func.value if isinstance(call.func, ast.Attribute) else None
            named = called_name(call) in names or (own is not None and "__call__" in names)
            if own is None or not named or is_draw(source, call) or is_rare(source, call):
                continue
            reached = repo.callee(source, call) or callee(repo, source, call)
            if (
                reached is None
                or reached.node in judging
                or repo.is_module(repo.class_around(reached.file, reached.node))
            ):
                continue
            drawn = list(_draws(repo, reached))
            if drawn and all(_goes_on(source, call, draw) for draw in drawn) and is_joined(source, call):
                yield call


def _sets_a_seed(source: ParsedFile, function: Function) -> bool:
    """Whether an evaluation makes what is drawn from begin anew: by a seed, or a generator that it makes from one."""
    return any(
        called_name(c) in SEEDS or (called_name(c) in GENERATORS and bool(c.args or c.keywords))
        for c in source.calls_in(function)
    )


@once
def _names_of_drawing(repo: Codebase) -> frozenset[str]:
    """The names of methods that draw, themselves or by another method of their object."""
    found: set[str] = set()
    for file in repo.files:
        if DRAWS.isdisjoint(file.called_names):
            continue
        drawing = {f.name for f in file.functions if any(is_draw(file, c) for c in file.calls_in(f))}
        above = {f.name for f in file.functions if any(called_name(c) in drawing for c in file.calls_in(f))}
        found |= drawing | above
    return frozenset(found)


def _draws(repo: Codebase, function: Defined) -> Iterator[_Draw]:
    """The draws of a function, and of the methods of its own object that it calls."""
    for call in function.file.calls_in(function.node):
        if is_draw(function.file, call):
            yield _Draw(file=function.file, call=call, function=function)
        elif dotted(call.func).startswith("self.") and dotted(call.func).count(".") == 1:
            inner = callee(repo, function.file, call)
            for part in inner.file.calls_in(inner.node) if inner is not None else ():
                if inner is not None and is_draw(inner.file, part):
                    yield _Draw(file=inner.file, call=part, function=inner)


def _goes_on(source: ParsedFile, asked: ast.Call, draw: _Draw) -> bool:
    """Whether a generator lasts from one evaluation to the next: one of the whole process, an attribute, or an attribute that is handed in."""
    if any(called_name(c) in SEEDS for c in draw.file.calls_in(draw.function.node)):
        return False
    if is_shared(draw.file, draw.call):
        return True
    owner = draw.call.func.value if isinstance(draw.call.func, ast.Attribute) else None
    if _is_of_self(owner):
        return True
    node = draw.function.node
    if not isinstance(owner, ast.Name) or not isinstance(node, Function) or owner.id not in parameters(node):
        return False
    place = [name for name in parameters(node) if name != "self"].index(owner.id)
    given = next((k.value for k in asked.keywords if k.arg == owner.id), None)
    given = given or (asked.args[place] if place < len(asked.args) else None)
    if _is_of_self(given):
        return True
    made = generator_made(source, given) if given is not None else None
    return made is not None and not made.args and not made.keywords


def _is_of_self(owner: ast.expr | None) -> bool:
    return isinstance(owner, ast.Attribute) and isinstance(owner.value, ast.Name) and owner.value.id == "self"


def is_rare(source: ParsedFile, call: ast.Call) -> bool:
    """Whether a condition stands before a call in its function, as one that fills a cache."""
    for outer in source.around(call):
        if isinstance(outer, Function):
            return False
        if isinstance(outer, ast.If | ast.IfExp):
            return True
    return False
