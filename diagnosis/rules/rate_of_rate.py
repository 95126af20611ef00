"""Static rule: a schedule that torch multiplies with the learning rate holds the learning rate already."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.codebase import Codebase
from diagnosis.rules.definitions import Defined
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.rule import Rule
from diagnosis.rules.settings_seen import is_one_somewhere
from diagnosis.rules.source import Function, ParsedFile, keyword
from diagnosis.rules.tensor_calls import amount
from diagnosis.rules.values import bindings, parameters
from diagnosis.symptoms import UNTRAINED, WEAK
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="rate-of-a-rate",
    found_by=FoundBy.RULE,
    title="The learning rate is squared",
    why="LambdaLR multiplies what its function gives with the optimizer's rate: steps of 0.001 become steps of 0.000001.",
    definition="A function that is given to LambdaLR and returns a product with the learning rate, of an optimizer whose own rate is not 1.",
    roles=(Role.OPTIMIZER,),
    explains=("learning-rate-too-low", "not-learning", *UNTRAINED, *WEAK),
)
RATES = {
    "lr",
    "peak_lr",
    "base_lr",
    "max_lr",
    "init_lr",
    "initial_lr",
    "learning_rate",
    "base_rate",
    "peak_rate",
}


def rate_of_rate(source: ParsedFile) -> Iterator[RuleHit]:
    """`LambdaLR(optimizer, lambda step: lr * min(1, step / warm))`"""
    repo = source.repo
    if repo is None:
        return
    for call in source.calls_named("LambdaLR"):
        given = call.args[1] if len(call.args) > 1 else keyword(call, "lr_lambda")
        if given is None or _has_rate_of_one(repo):
            continue
        for returned in _returned(repo, source, given):
            if any(_is_rate(repo, source, factor) for factor in _factors(source, returned)):
                yield source.hit(
                    KIND.code,
                    returned,
                    "holds the learning rate, and LambdaLR multiplies it with the optimizer's: give a factor that is 1 at its peak",
                )


def _has_rate_of_one(repo: Codebase) -> bool:
    """Whether an optimizer of the repo, or a group of its parameters, has the rate 1, so that the schedule is all of it."""
    for file in repo.files:
        if any(_is_one(repo, file, value) for value in _rates(file)):
            return True
        for name in ("Adam", "AdamW", "SGD", "Adagrad", "RMSprop", "Adamax", "NAdam", "RAdam", "SparseAdam"):
            for call in file.calls_named(name):
                rate = keyword(call, "lr") or (call.args[1] if len(call.args) > 1 else None)
                if rate is None or _is_one(repo, file, rate):
                    return True
    return False


def _rates(file: ParsedFile) -> Iterator[ast.expr]:
    for call in file.calls:
        yield from (k.value for k in call.keywords if k.arg == "lr")
    for statement in file.within(file.nodes[0], ast.Assign):
        if any(map(_is_key_of_rate, statement.targets)):
            yield statement.value
    for node in file.within(file.nodes[0], ast.Dict):
        yield from (
            v for k, v in zip(node.keys, node.values) if isinstance(k, ast.Constant) and k.value == "lr"
        )


def _is_key_of_rate(node: ast.expr) -> bool:
    return isinstance(node, ast.Subscript) and getattr(node.slice, "value", None) == "lr"


def _is_one(repo: Codebase, file: ParsedFile, rate: ast.expr) -> bool:
    if isinstance(rate, ast.Attribute | ast.Subscript) and is_one_somewhere(repo, rate):
        return True
    made = [b.value for b in bindings(file, rate.id, rate)] if isinstance(rate, ast.Name) else []
    return any(amount(value) == 1 for value in (rate, *made))


def _returned(repo: Codebase, source: ParsedFile, given: ast.expr) -> list[ast.expr]:
    """What a schedule's function returns, in this file."""
    if isinstance(given, ast.Lambda):
        inner = given.body
        if isinstance(inner, ast.Call) and (reached := repo.callee(source, inner)) is not None:
            return _values(source, reached)
        return [inner]
    name = dotted(given).rpartition(".")[2]
    found = [f for f in source.functions if f.name == name]
    return _values(source, Defined(file=source, node=found[0])) if len(found) == 1 else []


def _values(source: ParsedFile, reached: Defined) -> list[ast.expr]:
    if reached.file.path != source.path:
        return []
    return [
        statement.value
        for statement in source.within(reached.node, ast.Return)
        if statement.value is not None and source.function_of(statement) is reached.node
    ]


def _factors(source: ParsedFile, node: ast.expr) -> list[ast.expr]:
    """The factors of a product that no rate divides."""
    if any(
        isinstance(p, ast.BinOp) and isinstance(p.op, ast.Div) and _names_rate(p.right)
        for p in ast.walk(node)
    ):
        return []
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        return [*_factors(source, node.left), *_factors(source, node.right)]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        return _factors(source, node.left)
    if isinstance(node, ast.IfExp):
        return [*_factors(source, node.body), *_factors(source, node.orelse)]
    return [node]


def _names_rate(node: ast.expr) -> bool:
    return any(dotted(p).rpartition(".")[2].lower() in RATES for p in ast.walk(node))


def _is_rate(repo: Codebase, source: ParsedFile, node: ast.expr, depth: int = 0) -> bool:
    """Whether a value is the learning rate: by its name, or as all that its maker is given for it are."""
    name = dotted(node)
    if not name or depth > 3:
        return False
    owner = source.function_of(node)
    if isinstance(owner, Function) and isinstance(node, ast.Name) and node.id in parameters(owner):
        given = repo.given(Defined(file=source, node=owner), node.id)
        if any(amount(value) is not None for _, value in given):
            return False  # a factor that is called as a rate: `shape(step, 1.0)`
    if name.rpartition(".")[2].lower() in RATES:
        return True
    made = [b.value for b in bindings(source, name, node) if not _is_taken(b.position)]
    if made:
        return all(_is_rate(repo, source, value, depth + 1) for value in made)
    if not isinstance(node, ast.Name) or not isinstance(owner, Function) or node.id not in parameters(owner):
        return False
    if owner.name == "__init__":
        return _given_to_constructor(source, repo, owner, node.id)
    given = repo.given(Defined(file=source, node=owner), node.id)
    return bool(given) and all(_names_rate(value) for _, value in given)


def _is_taken(position: int | None) -> bool:
    return position is not None


def _given_to_constructor(source: ParsedFile, repo: Codebase, owner: Function, name: str) -> bool:
    kind = source.parents.get(owner)
    place = parameters(owner).index(name) - 1
    given = []
    for made in repo.calls(getattr(kind, "name", "")):
        value = keyword(made.call, name) or (made.call.args[place] if place < len(made.call.args) else None)
        given.append(value is not None and called_name(made.call) != "" and _names_rate(value))
    return bool(given) and all(given)


RULE = Rule(kind=KIND, run=rate_of_rate)
