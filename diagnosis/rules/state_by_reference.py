"""Static rule: the best state is kept by reference, and trains on."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.repeated import repo_of, trains
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, Loop, ParsedFile
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="state-kept-by-reference",
    found_by=FoundBy.RULE,
    title="Best state kept by reference",
    why="`state_dict()` holds the tensors that training goes on to change, so that the last epoch is restored, not the best.",
    definition="A `state_dict()` that is kept without a copy while training goes on, and is loaded or written to a file later.",
    sources=("pytorch.org/tutorials/beginner/saving_loading_models.html",),
)

SHALLOW = {"dict", "OrderedDict", "copy", "items", "state_dict"}


def state_kept_by_reference(source: ParsedFile) -> Iterator[RuleHit]:
    """`if ndcg > best: best_state = model.state_dict()`, where `load_state_dict(best_state)` or a file follows after training."""
    used = _used_later(source)
    for statement in source.within(source.nodes[0], ast.Assign) if used else ():
        within = source.function_of(statement)
        for name, value in _taken(statement):
            later = used.get(name.rpartition(".")[2], set()) - {within}
            if later and _is_reference(value) and _goes_on(source, statement):
                yield source.hit(
                    KIND.code,
                    statement,
                    "keeps the state by reference, so that training goes on to change it: copy.deepcopy(...) it",
                )


def _used_later(source: ParsedFile) -> dict[str, set[ast.AST | None]]:
    """Names of states -> the functions that write them to a file, or the calls that load them."""
    used: dict[str, set[ast.AST | None]] = {}
    for made in repo_of(source).calls("load_state_dict", "save"):
        loads = called_name(made.call) == "load_state_dict"
        if not made.call.args or not (loads or made.file.full_name(made.call) == "torch.save"):
            continue
        name = dotted(made.call.args[0]).rpartition(".")[2]
        used.setdefault(name, set()).add(made.call if loads else made.file.function_of(made.call))
    used.pop("", None)
    return used


def _taken(statement: ast.Assign) -> Iterator[tuple[str, ast.expr]]:
    for target in statement.targets:
        if isinstance(target, ast.Tuple) and isinstance(statement.value, ast.Tuple):
            yield from zip(map(dotted, target.elts), statement.value.elts, strict=False)
        else:
            yield dotted(target), statement.value


def _is_reference(value: ast.expr) -> bool:
    """Whether a value is `state_dict()` itself, or a new dictionary of the same tensors."""
    if isinstance(value, ast.DictComp):
        of_state = any(_is_reference(part.iter) for part in value.generators)
        return of_state and _is_same_tensor(value.value)
    if not isinstance(value, ast.Call) or called_name(value) not in SHALLOW:
        return False
    if called_name(value) == "state_dict":
        return not value.args
    own = value.func.value if isinstance(value.func, ast.Attribute) else None
    given = value.args[0] if value.args else own
    return given is not None and _is_reference(given)


def _is_same_tensor(value: ast.expr) -> bool:
    """Whether an entry is the live tensor: `v`, `v.detach()`, `v.data`, all of one storage."""
    while not isinstance(value, ast.Name):
        if isinstance(value, ast.Call) and called_name(value) == "detach" and not value.args:
            value = value.func
        if isinstance(value, ast.Attribute) and value.attr in ("data", "detach"):
            value = value.value
        else:
            return False
    return True


def _goes_on(source: ParsedFile, statement: ast.Assign) -> bool:
    """Whether training goes on after the state was kept: a loop around trains, or an early stopper's method keeps the best."""
    training = trains(repo_of(source))
    names = {getattr(node, "name", "") for node in training}
    compared = False
    for outer in source.around(statement):
        if isinstance(outer, ast.If):
            compared |= any(
                isinstance(op, ast.Gt | ast.GtE | ast.Lt | ast.LtE)
                for part in source.within(outer.test, ast.Compare)
                for op in part.ops
            )
        if isinstance(outer, Loop):
            again = [
                *outer.body,
                *([outer.iter] if isinstance(outer, ast.For) else []),
            ]  # a generator may train
            called = {called_name(call) for call in source.calls_in(*again)}
            if "backward" in called or called & names:
                return True
        if isinstance(outer, Function):
            return compared and isinstance(source.parents.get(outer), ast.ClassDef)
    return False


RULE = Rule(kind=KIND, run=state_kept_by_reference)
