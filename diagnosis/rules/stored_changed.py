"""Static rule: examples are made by writing into the stored data, which then is another one in the next epoch."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.codebase import Codebase, Defined, once
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.repeated import below, callee, repo_of
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, ParsedFile, keyword
from diagnosis.rules.values import How, bindings, owner_of, parameters
from diagnosis.symptoms import WEAK
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="data-changed-in-place",
    found_by=FoundBy.RULE,
    title="The data is changed while it is read",
    why="What is masked, moved or added for one example stays so: after some epochs hardly any history is what the user did.",
    definition="`__getitem__`, a collate function or a helper of theirs writes into an element of what the object stores; or a function "
    "writes into `x[:]`, which copies a list and is a view of an array.",
    roles=(Role.LOADER,),
    explains=WEAK,
    sources=("github.com/RuihongQiu/DuoRec/issues/8",),
)
FEEDS = ("__getitem__", "__iter__")
CHANGES = {
    "append",
    "insert",
    "extend",
    "reverse",
    "masked_fill_",
    "fill_",
    "index_fill_",
    "scatter_",
    "clamp_",
}
# What is meant to change: what is remembered from step to step.
STATES = ("cache", "memory", "count", "state", "queue", "bank", "buffer", "visited", "last", "weight", "stat")
# Calls whose results index an array, and no list.
INDICES = {"sample", "permutation", "randperm", "choice", "nonzero", "where", "flatnonzero", "argsort", "arange", "rand", "integers"}  # fmt: skip
MOST_NAMES = 5  # that one array has
MOST_CALLS = 3  # between the example and the helper that writes


def data_changed_in_place(source: ParsedFile) -> Iterator[RuleHit]:
    """`tokens = self.rows[i]; tokens[j] = self.mask` in `__getitem__`, and `out = seq[:]; out[chosen] = mask` of an array."""
    repo = repo_of(source)
    feeding = _feeding(repo)
    seen: set[int] = set()
    for function in source.functions:
        for name, statement in _writes(source, function):
            stored = function in feeding and (
                _is_stored(repo, source, name, 0)
                or (_writes_array(source, statement) and _is_view_of_stored(source, name, 0))
            )
            if (stored or _is_view(source, function, name)) and statement.lineno not in seen:
                seen.add(statement.lineno)
                how = (
                    "writes into the stored data"
                    if stored
                    else f"{name.id} is a view of the array, and no copy"
                )
                yield source.hit(KIND.code, statement, f"{how}, which stays changed: copy it first")


@once
def _feeding(repo: Codebase) -> dict[ast.AST, Defined]:
    """The functions that make single examples or batches, and their helpers."""
    roots = [d for name in FEEDS for d in repo.functions.get(name, [])]
    for file in repo.files:
        for call in file.calls:
            given = keyword(call, "collate_fn")
            if given is not None:
                roots += repo.functions.get(dotted(given).rpartition(".")[2], [])
    return below(repo, roots)


def _writes(source: ParsedFile, function: Function) -> Iterator[tuple[ast.Name, ast.stmt]]:
    """The names into which a function writes: an element or a part is set, or a method changes what they stand for."""
    for statement in source.within(function, ast.Assign, ast.AugAssign):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        for target in targets:
            if isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name):
                yield target.value, statement
    for statement in source.within(function, ast.Expr):
        call = statement.value
        function_called = call.func if isinstance(call, ast.Call) else None
        if (
            isinstance(function_called, ast.Attribute)
            and function_called.attr in CHANGES
            and isinstance(function_called.value, ast.Name)
        ):
            yield function_called.value, statement


def _is_stored(repo: Codebase, source: ParsedFile, name: ast.Name, depth: int) -> bool:
    """Whether a name is an element of what `self` stores on every way to it, or a parameter that is given such a one."""
    found = bindings(source, name.id, name)
    if found:
        return all(_is_element(b.value, b.how) and b.position is None for b in found)
    owner = owner_of(source, name.id, name)
    if owner is None or depth >= MOST_CALLS or owner.name in FEEDS:
        return False
    given = list(_given(repo, Defined(file=source, node=owner), name.id))
    return bool(given) and all(
        (isinstance(node, ast.Name) and _is_stored(repo, file, node, depth + 1))
        or _is_element(node, How.ASSIGNED)
        for file, node in given
    )


def _writes_array(source: ParsedFile, statement: ast.stmt) -> bool:
    """Whether a statement sets what a mask or a list of places chooses, which an array lets and a list does not."""
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    return any(isinstance(t, ast.Subscript) and _indexes_array(source, t.slice) for t in targets)


def _is_view_of_stored(source: ParsedFile, node: ast.expr, depth: int) -> bool:
    """Whether an array is a stored one on every way to it, or a slice of it: `view = items` of `items = self.rows[i][-n:-1]`."""
    if depth > MOST_NAMES:
        return False
    if isinstance(node, ast.Name):
        found = bindings(source, node.id, node)
        return bool(found) and all(
            b.how is How.ASSIGNED and b.position is None and _is_view_of_stored(source, b.value, depth + 1)
            for b in found
        )
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
        return _is_view_of_stored(source, node.value, depth + 1)
    return _is_element(node, How.ASSIGNED)


def _given(repo: Codebase, function: Defined, name: str) -> Iterator[tuple[ParsedFile, ast.expr]]:
    """What the calls that surely run a function give for a parameter."""
    node = function.node
    assert isinstance(node, Function)
    names = [word for word in parameters(node) if word not in ("self", "cls")]
    for made in repo.calls(node.name):
        reached = callee(repo, made.file, made.call)
        if reached is not None and reached.node is node:
            place = names.index(name) if name in names else len(made.call.args)
            value = keyword(made.call, name) or (
                made.call.args[place] if place < len(made.call.args) else None
            )
            if value is not None:
                yield made.file, value


def _is_element(value: ast.expr, how: How) -> bool:
    """`self.rows[i]`, or one of `for row in self.rows`; a part of it, as `self.rows[i][-n:]`, is a copy where it is a list."""
    if how is How.ITERATED:
        owner: ast.expr = value
    elif how is How.ASSIGNED and isinstance(value, ast.Subscript) and not _is_part(value.slice):
        owner = value.value
    else:
        return False
    name = dotted(owner)
    return (
        name.startswith("self.") and name.count(".") == 1 and not any(word in name.lower() for word in STATES)
    )


def _is_part(index: ast.expr) -> bool:
    """Whether an index may make a copy: a slice, a list of places, a mask, or several at once."""
    return not isinstance(index, ast.Name | ast.Attribute | ast.Constant | ast.Subscript)


def _is_view(source: ParsedFile, function: Function, name: ast.Name) -> bool:
    """Whether a name stands for `x[:]` of a parameter or an attribute, and is indexed as only an array can be."""
    found = bindings(source, name.id, name)
    if len(found) != 1 or found[0].how is not How.ASSIGNED or found[0].position is not None:
        return False
    value = found[0].value
    whole = value.slice if isinstance(value, ast.Subscript) else None
    if not isinstance(whole, ast.Slice) or any((whole.lower, whole.upper, whole.step)):
        return False
    assert isinstance(value, ast.Subscript)
    base = value.value
    kept = (isinstance(base, ast.Name) and owner_of(source, base.id, base) is function) or isinstance(
        base, ast.Attribute | ast.Subscript
    )
    return kept and any(
        isinstance(part.value, ast.Name) and part.value.id == name.id and _indexes_array(source, part.slice)
        for part in source.within(function, ast.Subscript)
    )


def _indexes_array(source: ParsedFile, index: ast.expr) -> bool:
    if isinstance(index, ast.Compare | ast.List | ast.ListComp | ast.Tuple):
        return True
    if isinstance(index, ast.Call):
        return called_name(index) in INDICES
    if not isinstance(index, ast.Name):
        return False
    found = bindings(source, index.id, index)
    return bool(found) and all(
        b.how is How.ASSIGNED and b.position is None and _makes_indices(b.value) for b in found
    )


def _makes_indices(value: ast.expr) -> bool:
    """Whether a value is a mask or a list of places: `rand(n) < p`, `sample(range(n), k)`, `randperm(n)[:k]`."""
    if isinstance(value, ast.Subscript) and isinstance(value.slice, ast.Slice):
        value = value.value
    if isinstance(value, ast.Compare | ast.List | ast.ListComp):
        return True
    return isinstance(value, ast.Call) and called_name(value) in INDICES - {"choice", "integers", "rand"}


RULE = Rule(kind=KIND, run=data_changed_in_place)
