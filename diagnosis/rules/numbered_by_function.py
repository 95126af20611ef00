"""Functions that number the values they are given, and the parts of the data for which they are called one by one."""

import ast
from collections.abc import Iterator

from diagnosis.rules.codebase import Codebase, once
from diagnosis.rules.definitions import Defined, returns
from diagnosis.rules.parts_of_data import Part, parts_in
from diagnosis.rules.repeated import repo_of
from diagnosis.rules.source import Function, ParsedFile
from diagnosis.rules.values import How, bindings, parameters
from diagnosis.syntax import called_name, dotted

# What leaves each value once, as a vocabulary does; the rows of an array, which each part has its own of, are numbered without.
DISTINCT = {"sorted", "set", "unique", "Counter", "most_common", "drop_duplicates", "fromkeys"}

PLACES = ("row", "local", "place")  # in an array of its own, which each part may have


def numbered_for_each(source: ParsedFile) -> Iterator[tuple[ast.Call, str]]:
    """(call, function) of `number_items(part)` for training and another part: each gets a dictionary of its own."""
    before: dict[tuple[ast.AST | None, str, int], set[Part]] = {}
    numbering = _numbering(repo_of(source))
    for call in source.calls_named(*numbering):
        name = called_name(call)
        if isinstance(call.func, ast.Attribute) and dotted(call.func.value) == "self":
            continue
        for place, given in enumerate(call.args):
            parts = [p for one in _stands_for(source, given) if len(p := parts_in(one)) == 1]
            told = {part for found in parts for part in found}
            key = (source.function_of(call), name, place)
            known = before.setdefault(key, set())
            new = told - known
            if Part.TRAIN in told | known and len(told | known) > 1 and new:
                yield call, name
            known |= told


def _stands_for(source: ParsedFile, given: ast.expr) -> list[ast.expr]:
    """The tables that an argument is one after the other, in a loop or comprehension over them; else itself."""
    if not isinstance(given, ast.Name):
        return [given]
    loops = [
        b.value for b in bindings(source, given.id, given) if b.how is How.ITERATED and b.position is None
    ]
    listed = [part for loop in loops[:1] if isinstance(loop, ast.Tuple | ast.List) for part in loop.elts]
    return listed or [given]


@once
def _numbering(repo: Codebase) -> set[str]:
    """The names of the functions that make a dictionary of numbers from their arguments, and hand it to the caller."""
    found = {name for name, places in repo.functions.items() if len(places) == 1 and _numbers(places[0])}
    return found


def _numbers(function: Defined) -> bool:
    node, file = function.node, function.file
    if not isinstance(node, Function) or not [n for n in parameters(node) if n not in ("self", "cls")]:
        return False
    named = {
        dotted(part)
        for value in returns(function)
        for part in (value.elts if isinstance(value, ast.Tuple) else [value])
    } - {""}
    rows = any(word in node.name.lower() for word in PLACES)
    counted = [value for value in returns(function) if not rows and _is_counted(file, value)]
    distinct = any(called_name(c) in DISTINCT for c in file.calls_in(node)) or bool(
        file.within(node, ast.SetComp)
    )
    return (bool(counted) and distinct) or any(
        _is_filled_here(file, node, name) for name in named if "." not in name
    )


def _is_counted(file: ParsedFile, value: ast.expr) -> bool:
    """Whether a dictionary is made whole: `{item: n for n, item in enumerate(sorted(items))}`, `dict(zip(items, count(1)))`."""
    if isinstance(value, ast.Name):
        made = [b.value for b in bindings(file, value.id, value) if b.how is How.ASSIGNED]
        return len(made) == 1 and not isinstance(made[0], ast.Name) and _is_counted(file, made[0])
    if isinstance(value, ast.DictComp):
        over, number = value.generators[0].iter, value.value
        counts = isinstance(over, ast.Call) and called_name(over) == "enumerate"
        target = value.generators[0].target
        first = target.elts[0] if isinstance(target, ast.Tuple) and target.elts else None
        return (
            counts
            and isinstance(first, ast.Name)
            and any(isinstance(part, ast.Name) and part.id == first.id for part in ast.walk(number))
        )
    paired = (
        value.args[0] if isinstance(value, ast.Call) and called_name(value) == "dict" and value.args else None
    )
    if not isinstance(paired, ast.Call) or called_name(paired) != "zip" or len(paired.args) != 2:
        return False
    return isinstance(paired.args[1], ast.Call) and called_name(paired.args[1]) in (
        "range",
        "count",
        "arange",
    )


def _is_filled_here(file: ParsedFile, function: Function, name: str) -> bool:
    """Whether a dictionary begins empty in the function, and each new key gets the next number there."""
    made = [b.value for b in bindings(file, name, function.body[0]) if b.how is How.ASSIGNED]
    if name in parameters(function) or not made or not all(_is_empty(value) for value in made):
        return False
    for store in file.within(function, ast.Assign):
        target = store.targets[0]
        if isinstance(target, ast.Subscript) and dotted(target.value) == name and _is_next(store.value, name):
            return True
    return any(
        called_name(call) == "setdefault"
        and dotted(call.func) == f"{name}.setdefault"
        and len(call.args) == 2
        and _is_next(call.args[1], name)
        for call in file.calls_in(function)
    )


def _is_empty(value: ast.expr) -> bool:
    if isinstance(value, ast.Dict):
        return all(isinstance(v, ast.Constant) for v in value.values)
    return isinstance(value, ast.Call) and called_name(value) in ("dict", "OrderedDict") and not value.args


def _is_next(value: ast.expr, name: str) -> bool:
    """`len(items)`, `len(items) + 1`"""
    inner = value.left if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add) else value
    return (
        isinstance(inner, ast.Call)
        and called_name(inner) == "len"
        and len(inner.args) == 1
        and dotted(inner.args[0]) == name
    )
