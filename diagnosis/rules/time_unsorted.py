"""Where events carry their time to be sorted by, and are sorted by another field."""

import ast
from collections.abc import Iterator

from diagnosis.rules.places_from import number
from diagnosis.rules.source import Function, ParsedFile, keyword
from diagnosis.rules.timestamps import tells_time
from diagnosis.rules.values import words_of
from diagnosis.syntax import called_name, dotted

SORTS = ("sort", "sorted")


def sorts_beside_time(source: ParsedFile) -> Iterator[ast.Call]:
    """`events.sort(key=lambda e: e[1])` of `events.append((int(row["timestamp"]), user, item))`, where no other sort follows and
    `for _, user, item in events` reads no time.
    """
    for call in source.calls_named(*SORTS):
        place, function = _field(call), source.function_of(call)
        own = call.func.value if isinstance(call.func, ast.Attribute) else (call.args or [None])[0]
        name = dotted(own) if own is not None else ""
        if place is None or function is None or not name:
            continue
        if (
            len(
                [
                    c
                    for c in source.calls_named(*SORTS, "argsort", "lexsort", "sort_values")
                    if source.function_of(c) is function
                ]
            )
            > 1
        ):
            continue
        for held in _tuples(source, function, name):
            times = [
                i for i, part in enumerate(held.elts) if any(tells_time(word) for word in words_of(part))
            ]
            if (
                len(times) == 1
                and place < len(held.elts)
                and place != times[0]
                and not _comes_in_order(source, function)
                and _gathers(source, function, name, place)
                and _drops(source, function, name, held, times[0])
            ):
                yield call


def _comes_in_order(source: ParsedFile, function: Function) -> bool:
    """Whether the events were asked for in the order of time already, which a sort by user keeps."""
    return any(
        isinstance(node.value, str) and "order by" in node.value.lower()
        for node in source.within(function, ast.Constant)
    )


def _gathers(source: ParsedFile, function: Function, name: str, place: int) -> bool:
    """Whether a loop over the events appends to lists anything but users; counts and sets of them need no order."""
    for loop in source.within(function, ast.For, ast.comprehension):
        if name not in {dotted(part) for part in ast.walk(loop.iter)}:
            continue
        if isinstance(loop, ast.comprehension):
            return True
        for call in source.within(loop, ast.Call):
            given = [w.lower() for a in call.args for w in words_of(a)]
            if called_name(call) in ("append", "extend", "add_event") and not any("user" in w for w in given):
                return True
    return False


def _field(call: ast.Call) -> int | None:
    """The one field that a key reads: 1 of `key=lambda e: e[1]`, `key=itemgetter(1)`."""
    key = keyword(call, "key")
    if (
        isinstance(key, ast.Lambda)
        and isinstance(key.body, ast.Subscript)
        and isinstance(key.body.value, ast.Name)
    ):
        return number(key.body.slice)
    if isinstance(key, ast.Call) and called_name(key) == "itemgetter" and len(key.args) == 1:
        return number(key.args[0])
    return None


def _tuples(source: ParsedFile, function: Function, name: str) -> Iterator[ast.Tuple]:
    """The tuples that are appended to a list, or that a comprehension makes it of."""
    for call in source.calls_named("append"):
        pair = call.args[0] if call.args and dotted(call.func) == f"{name}.append" else None
        if source.function_of(call) is function and isinstance(pair, ast.Tuple):
            yield pair
    for statement in source.within(function, ast.Assign):
        value = statement.value
        if (
            isinstance(value, ast.ListComp)
            and isinstance(value.elt, ast.Tuple)
            and dotted(statement.targets[0]) == name
        ):
            yield value.elt


def _drops(source: ParsedFile, function: Function, name: str, held: ast.Tuple, time: int) -> bool:
    """Whether each loop over the events takes them apart and reads no time; at least one does."""
    taken = []
    for loop in source.within(function, ast.For, ast.comprehension):
        if dotted(loop.iter) != name and not (
            isinstance(loop.iter, ast.Call)
            and called_name(loop.iter) == "sorted"
            and name in map(dotted, loop.iter.args)
        ):
            continue
        target = loop.target
        if not isinstance(target, ast.Tuple) or len(target.elts) != len(held.elts):
            return False
        word = dotted(target.elts[time])
        outer = source.parents.get(loop) if isinstance(loop, ast.comprehension) else loop
        reads = [n for n in source.within(outer, ast.Name) if n.id == word] if outer is not None else []
        taken.append(len(reads) <= 1)
    return bool(taken) and all(taken)
