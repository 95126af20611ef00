"""Where it is decided which places a masked training hides, with which id, and which of them are targets."""

import ast
from collections.abc import Iterator, Sequence

from diagnosis.deciding.program import Program
from diagnosis.deciding.statements import calls_of, statements_at
from diagnosis.deciding.walk import flow_into
from diagnosis.findings import CodePlace
from diagnosis.syntax import called_name

FILLS = {"masked_fill": (0, 1), "masked_fill_": (0, 1)}  # the places of the condition and of the value
CHOICES = {"where": 0}  # the place of the condition


def ids(program: Program, seen: Sequence[CodePlace]) -> list[ast.AST]:
    """The number that is put in place of an event: where it is computed, given back or written down."""
    for value in (one for place in seen for _, one in _filled(program, place)):
        for at in flow_into(program, [value]):
            told = isinstance(at.node, (ast.BinOp, ast.Constant))
            if told or isinstance(program.parents.get(at.node), ast.Return):
                return [at.node]
    return []


def targets(program: Program, seen: Sequence[CodePlace]) -> list[ast.AST]:
    """Where the places are chosen that are targets: the comparison or sum of conditions behind a filling."""
    for condition in (one for place in seen for one, _ in _filled(program, place)):
        for at in flow_into(program, [condition]):
            named = isinstance(program.parents.get(at.node), ast.Assign)
            if at.hops and named and isinstance(at.node, (ast.Compare, ast.BinOp, ast.BoolOp, ast.Call)):
                return [at.node]
    return []


def _filled(program: Program, place: CodePlace) -> Iterator[tuple[ast.expr, ast.expr]]:
    """(condition, value) of what is filled in on a line: `ids.masked_fill(hidden, mask)`, `where(hidden, mask, ids)`,
    `ids[hidden] = mask`.
    """
    for call in calls_of(program, [place]):
        name = called_name(call)
        if name in FILLS and len(call.args) > max(FILLS[name]):
            condition, value = FILLS[name]
            yield call.args[condition], call.args[value]
        elif name in CHOICES and len(call.args) > 2:
            yield from ((call.args[CHOICES[name]], one) for one in call.args[1:3])
    for statement in statements_at(program, place):
        for target in statement.targets if isinstance(statement, ast.Assign) else ():
            if isinstance(target, ast.Subscript) and isinstance(statement, ast.Assign):
                yield target.slice, statement.value
