"""Static rule: answers leave out a learned part of the score, which training has counted on."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.bias_not_served import bias_not_served
from diagnosis.rules.codebase import Codebase, once
from diagnosis.rules.constants import default_of
from diagnosis.rules.definitions import Defined
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.reach import contract, reached
from diagnosis.rules.repeated import trains
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, ParsedFile, keyword
from diagnosis.rules.values import parameters, same
from diagnosis.symptoms import WEAK
from diagnosis.syntax import dotted

KIND = FindingKind(
    code="part-not-served",
    found_by=FoundBy.RULE,
    title="Answers leave a part of the model out",
    why="The parts were trained to be right together: what one has learned is missing from what users are shown.",
    definition="A method adds what a layer of the model gives only where a flag says so; training sets the flag, and `score` does not; or training adds "
    "a bias of each item, and what `score` runs multiplies by the table of items and reads no bias.",
    roles=(Role.SCORING,),
    explains=("scores-differ-from-training", *WEAK),
)


def part_not_served(source: ParsedFile) -> Iterator[RuleHit]:
    """`self.model(rows, deep=False)` in what `score` runs, where `forward` returns `logit + self.deep(x)` if `deep`."""
    repo = source.repo
    if repo is None or not repo.whole:
        return
    for statement, bias in bias_not_served(source):
        yield source.hit(
            KIND.code,
            statement,
            f"leaves out {bias}, which training adds to the score of each item: add it here too",
        )
    for function, flag, adds in _parts(repo):
        told = [(m.file, m.call, _given(function, m.call, flag)) for m in repo.callers(function)]
        served = _served(repo)
        trained = [v for f, c, v in told if f.function_of(c) in trains(repo)]
        if not trained or any(value is not adds for value in trained):
            continue
        for file, call, value in told:
            if file.path == source.path and file.function_of(call) in served and value is (not adds):
                yield source.hit(
                    KIND.code,
                    call,
                    f"leaves out what training adds where {flag} is {adds}: answer with the whole model",
                )


@once
def _served(repo: Codebase) -> set[ast.AST]:
    return {place.node for place in reached(repo, [score for _, score in contract(repo)])}


@once
def _parts(repo: Codebase) -> list[tuple[Defined, str, bool]]:
    """(method, flag, the flag's value with which a layer's result is added) of the modules of a repo."""
    found = []
    for name in repo.modules:
        for kind in repo.classes[name]:
            for node in getattr(kind.node, "body", []):
                if isinstance(node, ast.FunctionDef):
                    place = Defined(file=kind.file, node=node)
                    found += [
                        (place, flag, adds)
                        for flag in parameters(node)
                        if (adds := _adds(place, flag)) is not None
                    ]
    return found


def _adds(place: Defined, flag: str) -> bool | None:
    node, file = place.node, place.file
    assert isinstance(node, Function)
    default = default_of(node, flag)
    if default is not None and not (isinstance(default, ast.Constant) and isinstance(default.value, bool)):
        return None
    for branch in file.within(node, ast.If):
        when = _tests(branch.test, flag)
        if when is None or file.function_of(branch) is not node:
            continue
        for body, holds in ((branch.body, when), (branch.orelse, not when)):
            if len(body) == 1 and _adds_layer(body[0]):
                return holds
        alone = branch.body[0] if len(branch.body) == 1 and not branch.orelse else None
        if isinstance(alone, ast.Return) and alone.value is not None and _is_less(file, node, alone.value):
            return not when
    for choice in file.within(node, ast.IfExp):
        when = _tests(choice.test, flag)
        outer = file.parents.get(choice)
        added = isinstance(outer, ast.BinOp) and isinstance(outer.op, ast.Add)
        if when is not None and added and _has_layer(choice.body) and _is_nothing(choice.orelse):
            return when
    return None


def _tests(test: ast.expr, flag: str) -> bool | None:
    """True for `if flag`, False for `if not flag`, None for all else."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return False if dotted(test.operand) == flag else None
    return True if isinstance(test, ast.Name) and test.id == flag else None


def _adds_layer(statement: ast.stmt) -> bool:
    """`logit = logit + self.deep(x)`, `logit += self.deep(x)`"""
    if isinstance(statement, ast.AugAssign):
        return (
            isinstance(statement.op, ast.Add)
            and isinstance(statement.target, ast.Name)
            and _has_layer(statement.value)
        )
    if not isinstance(statement, ast.Assign) or not isinstance(statement.value, ast.BinOp):
        return False
    total, name = statement.value, dotted(statement.targets[0])
    sides = (total.left, total.right)
    return (
        isinstance(total.op, ast.Add)
        and bool(name)
        and any(dotted(one) == name and _has_layer(other) for one, other in (sides, sides[::-1]))
    )


def _is_less(file: ParsedFile, function: Function, returned: ast.expr) -> bool:
    """Whether another `return` adds a layer's result to the very same value."""
    for other in file.within(function, ast.Return):
        total = other.value
        if (
            isinstance(total, ast.BinOp)
            and isinstance(total.op, ast.Add)
            and file.function_of(other) is function
        ):
            for one, more in ((total.left, total.right), (total.right, total.left)):
                if same(one, returned) and _has_layer(more):
                    return True
    return False


def _has_layer(node: ast.expr) -> bool:
    return any(
        isinstance(part, ast.Call) and dotted(part.func).startswith("self.") for part in ast.walk(node)
    )


def _is_nothing(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value in (0, 0.0)


def _given(function: Defined, call: ast.Call, flag: str) -> bool | None:
    """The value of the flag in a call; None where that is no constant."""
    node = function.node
    assert isinstance(node, Function)
    if any(k.arg is None for k in call.keywords) or any(isinstance(a, ast.Starred) for a in call.args):
        return None
    names = [name for name in parameters(node) if name not in ("self", "cls")]
    place = names.index(flag)
    value = keyword(call, flag) or (call.args[place] if place < len(call.args) else default_of(node, flag))
    return value.value if isinstance(value, ast.Constant) and isinstance(value.value, bool) else None


RULE = Rule(kind=KIND, run=part_not_served)
