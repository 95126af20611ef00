"""Static rule: parameters that are computed from a parameter when they are made, and so are none."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile
from diagnosis.symptoms import UNTRAINED, WEAK
from diagnosis.syntax import dotted

KIND = FindingKind(
    code="parameter-lost",
    found_by=FoundBy.RULE,
    title="A parameter that is none",
    why="What is computed from a parameter is not one: no module registers it and no optimizer moves it.",
    definition="nn.Parameter(...) with arithmetic or `.to(device)` behind it in the assignment of an attribute.",
    roles=(Role.INITIALIZATION,),
    explains=("not-in-optimizer", *UNTRAINED, *WEAK),
)
COMPUTES = {
    "to",
    "cuda",
    "float",
    "double",
    "half",
    "clone",
    "mul",
    "div",
    "abs",
    "exp",
    "t",
    "transpose",
    "view",
    "reshape",
    "unsqueeze",
    "expand",
    "repeat",
    "normal_",
    "detach",
}


def leafless(source: ParsedFile) -> Iterator[RuleHit]:
    """`self.w = nn.Parameter(...) * 0.01` and `self.w = nn.Parameter(...).to(device)`."""
    for assign in source.within(source.nodes[0], ast.Assign):
        if not any(dotted(target).startswith("self.") for target in assign.targets):
            continue
        value = assign.value
        if (
            isinstance(value, ast.BinOp)
            and any(_is_parameter(source, side) for side in (value.left, value.right))
        ) or _computes(source, value):
            yield source.hit(
                KIND.code,
                assign,
                "is computed from a parameter and is none itself: put nn.Parameter around all",
            )


def _computes(source: ParsedFile, value: ast.expr) -> bool:
    """`nn.Parameter(...).to(device)` and its like."""
    if not isinstance(value, ast.Call) or not isinstance(value.func, ast.Attribute):
        return False
    return value.func.attr in COMPUTES and _is_parameter(source, value.func.value)


def _is_parameter(source: ParsedFile, node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and source.full_name(node) in (
        "torch.nn.Parameter",
        "torch.nn.parameter.Parameter",
    )


RULE = Rule(kind=KIND, run=leafless)
