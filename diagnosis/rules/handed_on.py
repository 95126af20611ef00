"""Which function runs where a repo calls one that it was handed: `step(batch)` in `def run(self, step)`, of `trainer.run(train_step)`."""

import ast
from collections.abc import Callable, Iterator

from diagnosis.rules.codebase import Codebase, Defined
from diagnosis.rules.definitions import own_method
from diagnosis.rules.source import Function, ParsedFile
from diagnosis.rules.values import parameters
from diagnosis.syntax import called_name, dotted

Callee = Callable[[Codebase, ParsedFile, ast.Call], Defined | None]


def handed_on(repo: Codebase, callee: Callee) -> dict[ast.Call, Defined]:
    """Call of a parameter, or of an attribute that keeps one -> the function that is given for it, where all calls that are seen give the same.

    callee: the function that a call runs by its name.
    """
    found: dict[ast.Call, Defined] = {}
    several: set[ast.Call] = set()
    for file in repo.files:
        for call in file.calls:
            for given, name in _given(repo, file, call):
                taker = callee(repo, file, call) or _constructor(repo, call)
                for run in _runs(taker, call, name) if taker is not None else ():
                    if run in found and found[run].node is not given.node:
                        several.add(run)
                    found[run] = given
    return {call: given for call, given in found.items() if call not in several}


def _given(repo: Codebase, file: ParsedFile, call: ast.Call) -> Iterator[tuple[Defined, int | str]]:
    """The functions of the repo that a call hands on, each with the place or the name of its parameter."""
    places: list[tuple[ast.expr, int | str | None]] = [
        *((given, place) for place, given in enumerate(call.args))
    ]
    places += [(k.value, k.arg) for k in call.keywords]
    for given, place in places:
        if isinstance(given, ast.Call) and called_name(given) == "partial" and given.args:
            given = given.args[0]
        name = dotted(given).removeprefix("self.")
        if place is None or not name or name not in repo.functions:
            continue
        method = dotted(given).startswith("self.")
        meant = [
            d
            for d in repo.functions[name]
            if isinstance(d.file.parents.get(d.node), ast.ClassDef) == method
            and (d.file == file or name in file.imports)
        ]
        if len(meant) == 1:
            yield meant[0], place


def _constructor(repo: Codebase, call: ast.Call) -> Defined | None:
    kinds = repo.classes.get(called_name(call), [])
    return own_method(kinds[0], "__init__") if len(kinds) == 1 else None


def _runs(taker: Defined, call: ast.Call, place: int | str) -> Iterator[ast.Call]:
    """The calls that run what a function takes at a place: by its parameter, or by the attribute that its object keeps it as."""
    node, file = taker.node, taker.file
    if not isinstance(node, Function):
        return
    names = parameters(node)
    kind = file.parents.get(node)
    is_method = isinstance(kind, ast.ClassDef) and names[:1] in (["self"], ["cls"])
    if isinstance(place, int):
        place = names[place + is_method] if place + is_method < len(names) else ""
    if place not in names:
        return
    for run in file.calls_in(node):
        if dotted(run.func) == place:
            yield run
    kept = {
        dotted(target)
        for statement in file.within(node, ast.Assign)
        if dotted(statement.value) == place
        for target in statement.targets
        if dotted(target).startswith("self.")
    }
    if kept and isinstance(kind, ast.ClassDef):
        yield from (run for run in file.calls_in(kind) if dotted(run.func) in kept)
