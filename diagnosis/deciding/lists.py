"""Lists of parameters that are written out by hand for an optimizer."""

import ast
from collections.abc import Sequence

from diagnosis.deciding.program import Program
from diagnosis.deciding.statements import calls_of, expressions_of
from diagnosis.deciding.walk import flow_into
from diagnosis.findings import CodePlace

GIVING = ("__iter__", "parameters", "params", "weights", "tensors", "trainable", "trainable_parameters")
FEW = 2  # lists, of which one lacks a parameter; of more none is told


def of_parameters(program: Program, seen: Sequence[CodePlace]) -> list[ast.AST]:
    """The lists of parameters from which the optimizer on the first line is made, those of single parameters first.

    [] where a module gives its own, as by `model.parameters()`, or where the list stands on the line itself.
    """
    calls = calls_of(program, seen[:1])
    starts = [
        one
        for call in calls[:1]
        for one in (*call.args, *(k.value for k in call.keywords if k.arg == "params"))
    ]
    lines = {id(part) for one in expressions_of(program, seen[:1]) for part in ast.walk(one)}
    found: dict[ast.AST, bool] = {}
    for at in flow_into(program, starts):
        node = at.node
        if (
            isinstance(node, ast.List | ast.Tuple)
            and id(node) not in lines
            and node.elts
            and all(map(_is_given, node.elts))
        ):
            found[node] = any(isinstance(one, ast.Starred) for one in node.elts)
        elif isinstance(node, ast.ListComp) and id(node) not in lines and any(g.ifs for g in node.generators):
            found[node] = False
    found = found or dict.fromkeys(_given_out(program), False)
    return sorted(found, key=lambda node: found[node]) if len(found) <= FEW else []


def _given_out(program: Program) -> list[ast.AST]:
    """What a class lists of its own tensors, where it is gone through or asked for its parameters."""
    return [
        part
        for name in GIVING
        for function in program.functions.get(name, [])
        for node in ast.walk(function)
        if isinstance(node, ast.Return | ast.YieldFrom)
        for part in [node.value]
        if isinstance(part, ast.List | ast.Tuple) and len(part.elts) > 1 and all(map(_is_own, part.elts))
    ]


def _is_own(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"


def _is_given(node: ast.expr) -> bool:
    """`model.table.weight`, `*model.deep.parameters()`, `self.bias`."""
    inner = node.value if isinstance(node, ast.Starred) else node
    if isinstance(inner, ast.Call):
        return isinstance(inner.func, ast.Attribute) and inner.func.attr == "parameters"
    return isinstance(inner, ast.Attribute)
