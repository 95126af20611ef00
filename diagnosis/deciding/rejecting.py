"""Whether the code that draws is meant to draw again what a user has chosen, so that hits by chance are a fault of it."""

import ast
from collections.abc import Mapping, Sequence
from dataclasses import replace

from diagnosis.deciding.decide import walked_to
from diagnosis.deciding.program import Program, read_program
from diagnosis.deciding.properties import MEMBERSHIP, draws
from diagnosis.findings import CodePlace, Measurement, Severity
from diagnosis.probes.negatives import HIT, KEPT
from diagnosis.syntax import called_name


def told_in_vain(measured: Measurement, sources: Mapping[str, str]) -> Measurement:
    """Advice on hits that are not drawn again is a cause where the code looks for them, and finds none or keeps them.

    sources: path -> text of the measured program.
    """
    if measured.code != KEPT.code or measured.healthy is not False or not rejects(measured.places, sources):
        return measured
    message = f"{measured.message}, though the code that draws asks for them"
    return replace(measured, code=HIT.code, severity=Severity.WARNING, message=message)


def rejects(seen: Sequence[CodePlace], sources: Mapping[str, str]) -> bool:
    """Whether what is drawn for a look-up is held against a collection where it is drawn.

    seen: lines where the drawn ids were, best first; the last is the one that looks them up.
    """
    program = read_program(sources)
    drawn = draws(program, walked_to(program, seen))
    lines = {(place.path, place.line) for place in seen[:-1]}
    known = [call for call in drawn if (program.paths[call], getattr(call, "lineno", 0)) in lines]
    return any(_asks(program, call) for call in known or drawn)


def _asks(program: Program, call: ast.AST) -> bool:
    names = _names_of(program, call)
    return any(_is_test(node, names) for node in ast.walk(program.scope(call)))


def _names_of(program: Program, call: ast.AST) -> set[str]:
    """What the function calls the drawn ids: the names that the draw is bound to, and those made of one of them."""
    statement = program.statement(call)
    names = {
        node.id
        for target in getattr(statement, "targets", [])
        for node in ast.walk(target)
        if isinstance(node, ast.Name) and not isinstance(target, ast.Subscript)
    }
    inside = program.parents.get(call)
    while inside is not None and not isinstance(inside, ast.stmt):
        if isinstance(inside, ast.comprehension) and isinstance(inside.target, ast.Name):
            names.add(inside.target.id)
        for part in getattr(inside, "generators", ()):
            names |= {one.id for one in ast.walk(part.target) if isinstance(one, ast.Name)}
        inside = program.parents.get(inside)
    for node in ast.walk(program.scope(call)):
        looped = node.iter if isinstance(node, (ast.For, ast.comprehension)) else None
        if looped is not None and _mentions(looped, names):
            names |= {one.id for one in ast.walk(node.target) if isinstance(one, ast.Name)}  # type: ignore[attr-defined]
    return names


def _is_test(node: ast.AST, names: set[str]) -> bool:
    if isinstance(node, ast.Compare) and any(isinstance(op, (ast.In, ast.NotIn)) for op in node.ops):
        return _mentions(node.left, names)
    if isinstance(node, ast.Call) and called_name(node) in MEMBERSHIP and node.args:
        return _mentions(node.args[0], names)
    if (
        isinstance(node, ast.Subscript)
        and isinstance(node.ctx, ast.Load)
        and isinstance(node.slice, ast.Tuple)
    ):
        return any(_is_named(one, names) for one in node.slice.elts)  # of a table of who met what
    return False


def _is_named(node: ast.expr, names: set[str]) -> bool:
    return isinstance(node, ast.Name) and node.id in names


def _mentions(node: ast.AST, names: set[str]) -> bool:
    return any(isinstance(one, ast.Name) and one.id in names for one in ast.walk(node))
