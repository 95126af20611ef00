"""Static rule: a step of training that is named but not called, as `optimizer.zero_grad`."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile
from diagnosis.symptoms import UNLEARNED, UNTRAINED, WEAK

KIND = FindingKind(
    code="not-called",
    found_by=FoundBy.RULE,
    title="Named, not called",
    why="Without its parentheses the statement does nothing.",
    definition="A statement that is only the name of a method of training: zero_grad, step, backward, train, eval ...",
    roles=(Role.OPTIMIZER,),
    explains=(*UNTRAINED, *UNLEARNED, *WEAK),
)
METHODS = {
    "zero_grad",
    "step",
    "backward",
    "train",
    "eval",
    "detach_",
    "shuffle",
    "clear",
    "reset_parameters",
    "requires_grad_",
}


def not_called(source: ParsedFile) -> Iterator[RuleHit]:
    """Statements such as `optimizer.zero_grad`."""
    for statement in source.within(source.nodes[0], ast.Expr):
        value = statement.value
        if isinstance(value, ast.Attribute) and value.attr in METHODS:
            yield source.hit(KIND.code, statement, f"does nothing: write .{value.attr}() with parentheses")


RULE = Rule(kind=KIND, run=not_called)
