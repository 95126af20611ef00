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
from diagnosis.rules.values import origins
from diagnosis.symptoms import UNTRAINED, WEAK
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="optimizer-of-a-part",
    found_by=FoundBy.RULE,
    title="The optimizer has a part of the model",
    why="What the optimizer does not have keeps the weights that it was made with.",
    definition="The repo's only optimizer takes the parameters of some parts of a model that has other layers, or those of some names, or is made before "
    "the last layer, or of a model that is made anew afterwards; only where nothing is frozen on purpose.",
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
        yield from _of_parts(repo, source, made[0].call)
        yield from _of_names(repo, source, made[0].call)
        yield from _made_early(repo, source, made[0].call)
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


def _given(call: ast.Call) -> ast.expr | None:
    return call.args[0] if call.args else next((k.value for k in call.keywords if k.arg == "params"), None)


def _of_parts(repo: Codebase, source: ParsedFile, call: ast.Call) -> Iterator[RuleHit]:
    """`list(model.a.parameters()) + list(model.b.parameters())`, groups or chains of these, of a model that has a third part."""
    given = _given(call)
    steps = (
        [step for count, step in enumerate(origins(source, given)) if count < 4] if given is not None else []
    )
    asked = [
        c
        for step in steps
        for c in source.within(step, ast.Call)
        if called_name(c) in ("parameters", "named_parameters")
    ]
    owners = [c.func.value for c in asked if isinstance(c.func, ast.Attribute)]
    parts = [owner for owner in owners if isinstance(owner, ast.Attribute)]
    roots = {dotted(part.value) for part in parts}
    if len(asked) < 2 or len(parts) != len(asked) or len(roots) != 1 or _is_frozen(repo) or _grows(source):
        return
    kind = repo.class_around(source, parts[0]) if roots == {"self"} else repo.class_of(source, parts[0].value)
    if kind is None or not repo.is_module(kind):
        return
    read = {n.attr for step in steps for n in source.within(step, ast.Attribute)}
    others = _parts_with_weights(repo, kind) - {part.attr for part in parts} - read - _tied(kind)
    if others and {part.attr for part in parts} <= _parts_with_weights(repo, kind):
        names = ", ".join(sorted(others)[:3])
        yield source.hit(
            KIND.code,
            _list_of_its_like(repo, source, kind, steps, others) or call,
            f"leaves out the other parts of the model ({names}): pass all its parameters",
        )


def _list_of_its_like(
    repo: Codebase, source: ParsedFile, kind: Defined, steps: list[ast.expr], left_out: set[str]
) -> ast.stmt | None:
    """The statement that lists parts of the same class as those left out, `tables = [model.users.weight]`, where one alone does."""
    classes = {
        dotted(s.targets[0])[5:]: {made.name for made in repo.makers(kind.file, s.value)}
        for s in kind.file.within(kind.node, ast.Assign)
        if dotted(s.targets[0]).startswith("self.")
    }
    wanted: set[str] = set().union(*(classes.get(name, set()) for name in left_out))
    found = [
        outer
        for step in steps[1:]
        if isinstance(outer := source.parents.get(step), ast.Assign)
        if any(classes.get(n.attr, set()) & wanted for n in source.within(step, ast.Attribute))
    ]
    return found[0] if len(found) == 1 else None


def _tied(kind: Defined) -> set[str]:
    """The parts whose weights are another's: `self.out.weight = self.items.weight`."""
    targets = [t for s in kind.file.within(kind.node, ast.Assign) for t in s.targets]
    return {
        t.value.attr for t in targets if isinstance(t, ast.Attribute) and isinstance(t.value, ast.Attribute)
    }


def _of_names(repo: Codebase, source: ParsedFile, call: ast.Call) -> Iterator[RuleHit]:
    """Parameters chosen by their names, `[p for n, p in model.named_parameters() if "emb" in n]`, whose rest no group takes."""
    given = _given(call)
    steps = (
        [step for count, step in enumerate(origins(source, given)) if count < 5] if given is not None else []
    )
    chosen = {c for step in steps for c in source.within(step, ast.ListComp, ast.GeneratorExp)}
    whole = [c for step in steps for c in source.within(step, ast.Call) if called_name(c) == "parameters"]
    if len(chosen) != 1 or whole or _is_frozen(repo) or _grows(source):
        return
    (first, *more) = next(iter(chosen)).generators
    named = isinstance(first.iter, ast.Call) and called_name(first.iter) == "named_parameters"
    by_name = [
        test
        for test in first.ifs
        if isinstance(test, ast.Compare)
        and isinstance(test.ops[0], ast.In | ast.NotIn)
        and isinstance(test.left, ast.Constant)
    ]
    if named and by_name and not more:
        yield source.hit(
            KIND.code, call, "leaves out all parameters of other names: pass them as a group of their own"
        )


def _made_early(repo: Codebase, source: ParsedFile, call: ast.Call) -> Iterator[RuleHit]:
    """Layers that a model gets after its optimizer was made: `self.head = nn.Linear(...)` below `Adam(self.parameters())`."""
    given = _given(call)
    if (
        not isinstance(given, ast.Call)
        or called_name(given) != "parameters"
        or not isinstance(given.func, ast.Attribute)
    ):
        return
    owner = dotted(given.func.value)
    if (
        not owner
        or _is_frozen(repo)
        or _grows(source)
        or (owner == "self" and not _is_self_module(repo, source, call))
    ):
        return
    scope = source.function_of(call) or source.nodes[0]
    for assign in source.within(scope, ast.Assign):
        target = assign.targets[0]
        later = source.places[assign] > source.places[call] and source.function_of(
            assign
        ) is source.function_of(call)
        if not later or not isinstance(target, ast.Attribute) or dotted(target.value) != owner:
            continue
        if any(has_weights(repo, made) for made in repo.makers(source, assign.value)):
            yield source.hit(
                KIND.code,
                call,
                f"is made before {dotted(target)}, which it never gets: make it after the last layer",
            )
            return


def _grows(source: ParsedFile) -> bool:
    """Whether an optimizer is given more parameters later."""
    return bool(source.calls_named("add_param_group"))


def _is_self_module(repo: Codebase, source: ParsedFile, part: ast.expr) -> bool:
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
