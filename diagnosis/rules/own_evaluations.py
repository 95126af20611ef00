"""The repo's own evaluations: functions that rank what a trained module answers, and whether anything sets evaluation mode for them."""

import ast

from diagnosis.rules.codebase import Codebase, Defined, once
from diagnosis.rules.judging import judges
from diagnosis.rules.reach import contract, evaluates, perhaps_reached, reached, two_faced
from diagnosis.rules.repeated import trains
from diagnosis.rules.source import Function
from diagnosis.rules.steps import trainings

MOST_LEVELS = 4  # of calls above an evaluation


def in_module(repo: Codebase, place: Defined) -> bool:
    """Whether a function is a method of a torch module."""
    return repo.is_module(repo.class_around(place.file, place.node))


def run_of_module(repo: Codebase, place: Defined) -> ast.Call | None:
    """The first call in a function that runs a torch module of the repo, or a method of one."""
    for call in place.file.within(place.node, ast.Call):
        inner = repo.callee(place.file, call)
        if inner is not None and in_module(repo, inner):
            return call
    return None


@once
def unset_evaluations(repo: Codebase) -> list[tuple[Defined, ast.Call]]:
    """The functions that judge, run a module with dropout or batch norm and are called somewhere, while neither they nor what is around
    them sets evaluation mode; with the call that runs the module.

    Only in repos with a loop that trains. Where evaluation mode is set by what nobody calls by its name, a hook or what a `with` enters,
    nothing can be told.
    """
    if not trainings(repo) or _set_from_outside(repo):
        return []
    found = []
    for place in judges(repo).values():
        if place.node in trains(repo):
            continue
        call = run_of_module(repo, place)
        callers = _callers(repo, place) if call is not None else []
        if call is None or not callers or is_handed_on(repo, getattr(place.node, "name", "")):
            continue
        if two_faced(repo, reached(repo, [place])) is None:
            continue
        around = [place, *callers]
        around += [
            m
            for one in around
            if (kind := repo.class_around(one.file, one.node)) and (m := repo.method(kind, "__init__"))
        ]
        if not any(map(evaluates, perhaps_reached(repo, around))):
            found.append((place, call))
    outside = [one for one in found if not in_module(repo, one[0])]
    return outside or (
        [] if contract(repo) else found
    )  # who asks the module sets its mode, where that can be seen


def is_handed_on(repo: Codebase, name: str) -> bool:
    """Whether a function is given away by its name, `compute_metrics=ranks`, so that whoever has it calls it under his own terms."""
    return name in _handed_on(repo)


@once
def _handed_on(repo: Codebase) -> set[str]:
    """The names that are read otherwise than to be called."""
    found: set[str] = set()
    for file in repo.files:
        called = {call.func for call in file.calls}
        for node in file.within(file.nodes[0], ast.Name, ast.Attribute):
            if isinstance(node.ctx, ast.Load) and node not in called:
                found.add(node.id if isinstance(node, ast.Name) else node.attr)
    return found


def _set_from_outside(repo: Codebase) -> bool:
    """Whether a function sets evaluation mode that no call in the repo names: a hook, `__enter__`, what a framework calls."""
    everything = (Defined(file=file, node=f) for file in repo.files for f in file.functions)
    return any(
        evaluates(one) and not any(True for _ in repo.calls(getattr(one.node, "name", "")))
        for one in everything
    )


def _callers(repo: Codebase, place: Defined) -> list[Defined]:
    """All that may call a function, by its name: functions, and the top of files, up to MOST_LEVELS away."""
    found: dict[ast.AST, Defined] = {}
    names = {getattr(place.node, "name", "")}
    for _ in range(MOST_LEVELS):
        fresh = {}
        for made in repo.calls(*names):
            outer = made.file.function_of(made.call) or made.file.nodes[0]
            if outer not in found and outer is not place.node:
                fresh[outer] = Defined(file=made.file, node=outer)
        found |= fresh
        names = {node.name for node in fresh if isinstance(node, Function)}
        if not names:
            break
    return list(found.values())
