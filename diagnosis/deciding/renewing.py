"""Whether negatives that two epochs have in common are drawn anew in some later ones, which is a design and no fault."""

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from diagnosis.deciding.decide import walked_to
from diagnosis.deciding.program import SCOPES, Program, read_program
from diagnosis.deciding.properties import DRAWS
from diagnosis.deciding.shape import calls_any
from diagnosis.findings import CodePlace, Measurement
from diagnosis.probes.negatives import OF_EPOCHS, REPEATED


def renewed_later(measured: Measurement, sources: Mapping[str, str]) -> Measurement:
    """Negatives that the first two epochs share are healthy where the code draws them anew every few epochs.

    sources: path -> text of the measured program.
    """
    alike = measured.code == REPEATED.code and measured.healthy is False and measured.details.get(OF_EPOCHS)
    if not alike or not renews(measured.places, sources):
        return measured
    message = f"{measured.message}, and drawn anew in some later epochs"
    return replace(measured, healthy=True, message=message)


def renews(seen: Sequence[CodePlace], sources: Mapping[str, str]) -> bool:
    """Whether a draw of a look-up's ids, or a call on its way, is made in some epochs and left out in others.

    seen: lines where the drawn ids were, best first; the last is the one that looks them up.
    """
    program = read_program(sources)
    drawn = [at for at in walked_to(program, seen) if calls_any(program, at.node, DRAWS)]
    return any(_is_periodic(program, node) for at in drawn for node in (at.node, *at.calls))


def _is_periodic(program: Program, node: ast.AST) -> bool:
    """Whether a condition on a count of epochs decides that the code of a node runs, or a loop around that of several epochs."""
    return any(_counts(program, test) for test in _conditions(program, node)) or _several_follow(
        program, node
    )


def _conditions(program: Program, node: ast.AST) -> Iterator[ast.expr]:
    """The tests of the `if`s around a node, and of those before it that leave the function or the round of its loop."""
    inner = node
    for outer in program.around(node):
        if isinstance(outer, ast.If | ast.IfExp) and inner is not outer.test:
            yield outer.test
        for body in (getattr(outer, "body", None), getattr(outer, "orelse", None)):
            if isinstance(body, list) and inner in body:
                earlier = [one for one in body[: body.index(inner)] if isinstance(one, ast.If)]
                yield from (
                    one.test for one in earlier if isinstance(one.body[-1], ast.Return | ast.Continue)
                )
        if isinstance(outer, SCOPES):
            return
        inner = outer


def _counts(program: Program, test: ast.expr) -> bool:
    """Whether a test comes true again and again: `epoch % every == 0`, or a count that is set back, `self.age >= self.every`."""
    for part in ast.walk(test):
        if isinstance(part, ast.BinOp) and isinstance(part.op, ast.Mod):
            return True
        if isinstance(part, ast.Compare) and any(
            _is_set_back(program, side) for side in (part.left, *part.comparators)
        ):
            return True
    return False


def _is_set_back(program: Program, counted: ast.expr) -> bool:
    """Whether a name or attribute is counted up or down, and is given a value once more elsewhere than where an object is made."""
    if not isinstance(counted, ast.Name | ast.Attribute):
        return False
    owner: ast.AST | None = program.class_of(counted) if isinstance(counted, ast.Attribute) else None
    around = owner or program.scope(counted)
    steps, starts = [], []
    for node in ast.walk(around):
        if isinstance(node, ast.AugAssign) and ast.unparse(node.target) == ast.unparse(counted):
            steps.append(node)
        elif isinstance(node, ast.Assign) and any(
            ast.unparse(target) == ast.unparse(counted) for target in node.targets
        ):
            starts.append(node)
    again = [one for one in starts if getattr(program.scope(one), "name", "") != "__init__"]
    return bool(steps) and any(isinstance(outer, ast.If) for one in again for outer in program.around(one))


def _several_follow(program: Program, node: ast.AST) -> bool:
    """Whether a loop draws and then, in a loop of its own, goes through several epochs: `for _ in range(every): yield ...`."""
    statement = program.statement(node)
    for outer in program.around(node):
        if isinstance(outer, SCOPES):
            return False
        if isinstance(outer, ast.For | ast.While):
            inside = [
                one for one in ast.walk(outer) if isinstance(one, ast.For | ast.While) and one is not outer
            ]
            return any(
                isinstance(part, ast.Yield)
                for one in inside
                if statement not in ast.walk(one)
                for part in ast.walk(one)
            )
    return False
