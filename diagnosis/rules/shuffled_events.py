"""Events of a user whose order is drawn before the last of them is held out: rows shuffled before they are gathered, or sorted by user after."""

import ast
from collections.abc import Iterator

from diagnosis.rules.evaluating import LENGTHS, trainers
from diagnosis.rules.parts_of_data import Part, parts_in
from diagnosis.rules.places_from import number
from diagnosis.rules.source import Function, ParsedFile
from diagnosis.rules.values import bindings
from diagnosis.syntax import called_name, dotted

PERMUTES = ("permutation", "permuted", "randperm", "shuffle")
HELD_OUT = {Part.VALID, Part.TEST}


def shuffled_events(source: ParsedFile) -> Iterator[ast.Call]:
    """`order = drawn[np.argsort(users[drawn], kind="stable")]`; `rng.shuffle(rows)` before `for u, i in rows: events[u].append(i)` and
    `test[u] = events[u][-1]`.
    """
    for call in source.calls_named(*PERMUTES):
        function = source.function_of(call)
        if function is None or function in trainers(source) or not _names_held_out(source, function):
            continue
        name = _drawn_name(source, call)
        if name and (
            _is_sorted_by_user(source, function, name) or _is_gathered(source, function, call, name)
        ):
            yield call


def _names_held_out(source: ParsedFile, function: Function) -> bool:
    told = parts_in(*(n for n in source.within(function, ast.Name) if isinstance(n.ctx, ast.Store)))
    return Part.TRAIN in told and bool(told & HELD_OUT)


def _drawn_name(source: ParsedFile, call: ast.Call) -> str:
    """What the order is kept as, or what is put in another order in place."""
    kept = source.parents.get(call)
    if isinstance(kept, ast.Assign) and len(kept.targets) == 1:
        return dotted(kept.targets[0])
    in_place = isinstance(kept, ast.Expr) and called_name(call) == "shuffle" and len(call.args) == 1
    return dotted(call.args[0]) if in_place else ""


def _is_sorted_by_user(source: ParsedFile, function: Function, name: str) -> bool:
    """Whether a drawn order is only sorted by one field afterwards, which leaves the events of a user as they were drawn."""
    for part in source.within(function, ast.Subscript):
        sort = part.slice
        if dotted(part.value) != name or not isinstance(sort, ast.Call) or called_name(sort) != "argsort":
            continue
        given = sort.args[0] if sort.args else getattr(sort.func, "value", None)
        if isinstance(given, ast.Subscript) and dotted(given.slice) == name:
            return not LENGTHS & set(dotted(given.value).lower().rpartition(".")[2].split("_"))
    return False


def _is_gathered(source: ParsedFile, function: Function, call: ast.Call, name: str) -> bool:
    """Whether shuffled rows are gathered by user, none is sorted, and the end of each list is held out."""
    for loop in source.within(function, ast.For):
        if dotted(loop.iter) != name or loop.lineno < call.lineno:
            continue
        tables = {
            dotted(add.func.value.value)
            for add in source.calls_in(*loop.body)
            if called_name(add) == "append"
            and isinstance(add.func, ast.Attribute)
            and isinstance(add.func.value, ast.Subscript)
        } - {""}
        sorts = any(
            c.lineno > call.lineno for c in source.calls_named("sort", "sorted", "argsort", "lexsort")
        )
        if tables and not sorts and any(_end_is_held_out(source, function, table) for table in tables):
            return True
    return False


def _end_is_held_out(source: ParsedFile, function: Function, table: str) -> bool:
    """`test[u] = events[u][-1]`, `test = {u: items[-1] for u, items in events.items()}`"""
    for part in source.within(function, ast.Subscript):
        last = number(part.slice) if not isinstance(part.slice, ast.Slice) else None
        if last is None or last >= 0:
            continue
        own = part.value
        of_table = isinstance(own, ast.Subscript) and dotted(own.value) == table
        if isinstance(own, ast.Name):
            of_table = any(
                dotted(n) == table
                for b in bindings(source, own.id, own)
                for n in ast.walk(b.value)
                if isinstance(n, ast.Name | ast.Attribute)
            )
        statement = next((o for o in source.around(part) if isinstance(o, ast.Assign)), None)
        if of_table and statement is not None and parts_in(*statement.targets) & HELD_OUT:
            return True
    return False
