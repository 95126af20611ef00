"""Static rule: an optimizer that has only a part of the parameters, or those of a model that was replaced since."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.codebase import Codebase, Defined, Made, once
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.plain_lists import has_weights
from diagnosis.rules.reach import reached
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, ParsedFile
from diagnosis.rules.steps import is_optimizer, trainings
from diagnosis.symptoms import UNTRAINED, WEAK
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="optimizer-of-a-part",
    found_by=FoundBy.RULE,
    title="The optimizer has a part of the model",
    why="What the optimizer does not have keeps the weights that it was made with.",
    definition="The repo's only optimizer takes the parameters of one part of a model that has other layers, or of a "
    "model that is made anew afterwards; only where nothing is frozen on purpose.",
    roles=(Role.OPTIMIZER,),
    explains=("not-in-optimizer", "never-stepped", "no-gradient-at-step", *UNTRAINED, *WEAK),
)


def optimizer_partial(source: ParsedFile) -> Iterator[RuleHit]:
    """Optimizers of `model.part.parameters()`, and models that are replaced after their optimizer was made."""
    repo = source.repo
    if repo is None:
        return
    made = _optimizers(repo)
    if len(made) == 1 and made[0].file.path == source.path and repo.whole:
        yield from _of_part(repo, source, made[0].call)
    for one in made:
        if one.file.path == source.path:
            yield from _replaced(repo, source, one.call)


@once
def _optimizers(repo: Codebase) -> list[Made]:
    return [
        Made(file=file, call=call)
        for file in repo.files
        for call in file.calls
        if is_optimizer(file.full_name(call)) and called_name(call)[:1].isupper()
    ]


def _of_part(repo: Codebase, source: ParsedFile, call: ast.Call) -> Iterator[RuleHit]:
    """The first argument is `a.b.parameters()`, and `a` is a module with other parts that have weights."""
    given = call.args[0] if call.args else next((k.value for k in call.keywords if k.arg == "params"), None)
    while isinstance(given, ast.Call) and called_name(given) in ("list", "filter") and given.args:
        given = given.args[-1]
    if (
        not isinstance(given, ast.Call)
        or called_name(given) != "parameters"
        or not isinstance(given.func, ast.Attribute)
    ):
        return
    part = given.func.value
    if not isinstance(part, ast.Attribute) or (
        isinstance(part.value, ast.Name)
        and part.value.id == "self"
        and not _is_self_module(repo, source, part)
    ):
        return
    kind = (
        repo.class_of(source, part.value) if dotted(part.value) != "self" else repo.class_around(source, part)
    )
    if kind is None or not repo.is_module(kind) or _is_frozen(repo):
        return
    others = _parts_with_weights(repo, kind) - {part.attr}
    if others and part.attr in _parts_with_weights(repo, kind):
        names = ", ".join(sorted(others)[:3])
        yield source.hit(
            KIND.code, given, f"leaves out the other parts of the model ({names}): pass all its parameters"
        )


def _is_self_module(repo: Codebase, source: ParsedFile, part: ast.Attribute) -> bool:
    return repo.is_module(repo.class_around(source, part))


def _parts_with_weights(repo: Codebase, kind: Defined) -> set[str]:
    """The attributes of a module that are layers with weights."""
    found = set()
    for node in kind.file.within(kind.node, ast.Assign):
        name = dotted(node.targets[0])
        if name.startswith("self.") and name.count(".") == 1:
            makers = repo.makers(kind.file, node.value)
            if any(has_weights(repo, m) for m in makers):
                found.add(name[5:])
    return found


@once
def _is_frozen(repo: Codebase) -> bool:
    return any(
        node.attr in ("requires_grad", "requires_grad_", "from_pretrained")
        for file in repo.files
        for node in file.within(file.nodes[0], ast.Attribute)
    )


def _replaced(repo: Codebase, source: ParsedFile, call: ast.Call) -> Iterator[RuleHit]:
    """A model of the optimizer that another method, which trains, makes anew without a new optimizer."""
    owner, kind = source.function_of(call), repo.class_around(source, call)
    models = {
        dotted(c.func.value)
        for c in ast.walk(call)
        if isinstance(c, ast.Call) and called_name(c) == "parameters" and isinstance(c.func, ast.Attribute)
    }
    for function in source.within(kind.node, ast.FunctionDef) if kind else []:
        if function is owner or function.name == "__init__" or owner is None:
            continue
        makes = [c for c in source.within(function, ast.Call) if is_optimizer(source.full_name(c))]
        if makes or not _trains(repo, source, function):
            continue
        for assign in source.within(function, ast.Assign):
            name = dotted(assign.targets[0])
            made = (
                repo.makers(source, assign.value)
                if name in models and isinstance(assign.value, ast.Call)
                else []
            )
            fresh = made and all(
                source.function_of(m.call) is function for m in made if m.file.path == source.path
            )
            if fresh and not _remakes(repo, source, function, owner):
                yield source.hit(
                    KIND.code,
                    assign,
                    "makes a new model, and the optimizer keeps the parameters of the old one",
                )


def _trains(repo: Codebase, source: ParsedFile, function: Function) -> bool:
    nodes = {t.loop for t in trainings(repo)}
    return any(
        node in nodes
        for place in reached(repo, [Defined(file=source, node=function)])
        for node in place.file.within(place.node, ast.For, ast.While)
    )


def _remakes(repo: Codebase, source: ParsedFile, function: Function, owner: Function) -> bool:
    """Whether a function also calls the one that makes the optimizer."""
    return any(place.node is owner for place in reached(repo, [Defined(file=source, node=function)]))


RULE = Rule(kind=KIND, run=optimizer_partial)
