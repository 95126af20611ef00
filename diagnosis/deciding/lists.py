"""Lists of parameters that are written out by hand for an optimizer."""

import ast
from collections.abc import Sequence

from diagnosis.deciding.program import Program
from diagnosis.deciding.statements import calls_of, expressions_of
from diagnosis.deciding.walk import flow_into
from diagnosis.findings import CodePlace
from diagnosis.syntax import called_name

GIVING = ("parameters", "params", "weights", "tensors", "trainable", "trainable_parameters")
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
    passed = [at.node for at in flow_into(program, starts)]
    for node in passed:
        if (
            isinstance(node, ast.List | ast.Tuple)
            and id(node) not in lines
            and node.elts
            and all(map(_is_given, node.elts))
        ):
            found[node] = any(isinstance(one, ast.Starred) for one in node.elts)
        elif isinstance(node, ast.ListComp) and id(node) not in lines and _chooses(program, node, calls[0]):
            found[node] = False
    found = found or dict.fromkeys(_given_out(program, passed), False)
    return sorted(found, key=lambda node: found[node]) if len(found) <= FEW else []


def _chooses(program: Program, node: ast.ListComp, optimizer: ast.AST) -> bool:
    """Whether a comprehension leaves parameters out: `[p for n, p in model.named_parameters() if "bias" not in n]`, and of a
    dictionary's values where the optimizer is made beside it, as others hold data.
    """
    if len(node.generators) != 1 or not node.generators[0].ifs:
        return False
    through = node.generators[0].iter
    name = called_name(through) if isinstance(through, ast.Call) else ""
    beside = name in ("items", "values") and program.scope(node) is program.scope(optimizer)
    return name in ("parameters", "named_parameters") or beside


def _given_out(program: Program, passed: Sequence[ast.AST]) -> list[ast.AST]:
    """What a class lists of its own tensors, where what the optimizer is given goes through it, `list(factors)`, or asks it by name."""
    calls = [node for node in passed if isinstance(node, ast.Call)]
    asked = {called_name(call) for call in calls} & set(GIVING)
    goes_through = any(
        called_name(call) in ("list", "tuple")
        and len(call.args) == 1
        and not isinstance(call.args[0], ast.Call)
        for call in calls
    )
    return [
        part
        for name in (*sorted(asked), *(["__iter__"] if goes_through else []))
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
