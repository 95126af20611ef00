"""Static rule: the average of the weights is written into the trained weights instead of the other way round."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, ParsedFile
from diagnosis.rules.values import How, bindings, parameters
from diagnosis.symptoms import UNTRAINED, WEAK
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="average-overwrites-weights",
    found_by=FoundBy.RULE,
    title="The average overwrites the weights",
    why="The average keeps the first weights for ever, and pulls the trained ones back to them at each step.",
    definition="A method that is given the trained model moves its weights towards those that the object keeps, by `lerp_`, or by "
    "`mul_` and `add_`.",
    roles=(Role.OPTIMIZER,),
    explains=("scores-frozen", *UNTRAINED, *WEAK),
)
READS = {"parameters", "named_parameters", "state_dict", "values", "items", "buffers"}


def average_overwrites_weights(source: ParsedFile) -> Iterator[RuleHit]:
    """`for averaged, weight in zip(self.model.parameters(), model.parameters()): weight.lerp_(averaged, 1 - decay)`"""
    for call in source.calls_named("lerp_", "add_"):
        moved = _moved(call)
        function = source.function_of(call)
        if moved is None or not isinstance(function, Function) or not call.args:
            continue
        names = {part.id for given in call.args for part in ast.walk(given) if isinstance(part, ast.Name)}
        given = _side(source, function, moved) == "given"
        if given and any(_side(source, function, part, call) == "kept" for part in names):
            yield source.hit(
                KIND.code,
                call,
                "moves the trained weights towards the average, which never changes: write into the average",
            )


def _moved(call: ast.Call) -> str | None:
    """The name whose tensor a call moves: of `w.lerp_(a, t)`, `w.data.mul_(d).add_(a)`; None for all else."""
    if called_name(call) not in ("lerp_", "add_") or not isinstance(call.func, ast.Attribute):
        return None
    owner: ast.expr = call.func.value
    if called_name(call) == "add_":
        if (
            not isinstance(owner, ast.Call)
            or called_name(owner) != "mul_"
            or not isinstance(owner.func, ast.Attribute)
        ):
            return None
        owner = owner.func.value
    if isinstance(owner, ast.Attribute) and owner.attr == "data":
        owner = owner.value
    return owner.id if isinstance(owner, ast.Name) else None


def _side(source: ParsedFile, function: Function, name: str, at: ast.AST | None = None) -> str:
    """ "given" for weights of a model that the method is given, "kept" for those of the object itself."""
    for binding in bindings(source, name, at or function.body[0]):
        if binding.how is not How.ITERATED or not isinstance(binding.value, ast.Call):
            continue
        parts = binding.value.args if called_name(binding.value) == "zip" else []
        if binding.position is None or binding.position >= len(parts):
            continue
        read = parts[binding.position]
        if isinstance(read, ast.Call) and called_name(read) in READS and isinstance(read.func, ast.Attribute):
            head = dotted(read.func.value).partition(".")[0]
            if head == "self":
                return "kept"
            if head in parameters(function):
                return "given"
    return ""


RULE = Rule(kind=KIND, run=average_overwrites_weights)
