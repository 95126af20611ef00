"""Where events carry their time to be sorted by, and are sorted by another field."""

import ast
from collections.abc import Iterator

from diagnosis.rules.places_from import number
from diagnosis.rules.sorted_records import (
    by_item_within_time,
    is_day,
    is_user,
    records_in,
    records_sorted,
    times_of,
)
from diagnosis.rules.source import Function, ParsedFile, keyword
from diagnosis.rules.timestamps import tells_time
from diagnosis.rules.values import words_of
from diagnosis.syntax import called_name, dotted

SORTS = ("sort", "sorted")
GATHERS = ("apply", "agg", "aggregate")
READS = ("read_csv", "read_table", "read_parquet")


def sorts_beside_time(source: ParsedFile) -> Iterator[ast.Call]:
    """`events.sort(key=lambda e: e[1])` of `events.append((int(row["timestamp"]), user, item))`, where no other sort follows and
    `for _, user, item in events` reads no time.
    """
    for call in source.calls_named(*SORTS):
        place, function = _field(call), source.function_of(call)
        name = _sorted_name(source, call)
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
        for held in records_in(source, call):
            times = times_of(held)
            if (
                len(times) == 1
                and place < len(held)
                and place != times[0]
                and not _comes_in_order(source, function)
                and _gathers(source, function, name, place)
                and _drops(source, function, name, len(held), times[0])
            ):
                yield call
                break
    yield from _by_user_alone(source)
    yield from _tables_by_user(source)


def sorts_within_days(source: ParsedFile) -> Iterator[ast.Call]:
    """`rows.sort()` of `rows.append((user, date.fromisoformat(day), item))`, of which only the order is read on: a day's events come by
    the number of their item.
    """
    for call in source.calls_named(*SORTS):
        function, name = source.function_of(call), _sorted_name(source, call)
        if function is None or not name or _comes_in_order(source, function):
            continue
        for held in records_sorted(source, call):
            if by_item_within_time(held) and is_day(held[times_of(held)[0]]):
                size = max(map(len, records_in(source, call)))
                if size == len(held) and _drops(source, function, name, size, times_of(held)[0]):
                    yield call
                    break


def _sorted_name(source: ParsedFile, call: ast.Call) -> str:
    """What the sorted list goes by: `rows` of `rows.sort()`, `sorted(rows)` and `rows = sorted((u, t, i) for ...)`."""
    own = call.func.value if isinstance(call.func, ast.Attribute) else (call.args or [None])[0]
    name = dotted(own) if own is not None else ""
    kept = source.parents.get(call)
    if called_name(call) == "sorted" and isinstance(kept, ast.Assign) and not name:
        return dotted(kept.targets[0])
    return name


def _by_user_alone(source: ParsedFile) -> Iterator[ast.Call]:
    """`events.sort(key=lambda e: e.user)` of named records with a time that nothing in the repo reads."""
    for call in source.calls_named(*SORTS):
        field, function = _attribute(call), source.function_of(call)
        name = _sorted_name(source, call)
        if not field or function is None or not name or not is_user(ast.Name(id=field, ctx=ast.Load())):
            continue
        sorts = [
            c for c in source.calls_named(*SORTS, "argsort", "lexsort") if source.function_of(c) is function
        ]
        for held in records_in(source, call):
            fields = [dotted(part) for part in held]
            times = [fields[place] for place in times_of(held)]
            if field in fields and len(times) == 1 and len(sorts) == 1 and not _is_read(source, times[0]):
                if _gathers(source, function, name, 0) and not _comes_in_order(source, function):
                    yield call
                break


def _attribute(call: ast.Call) -> str:
    """The one attribute that a key reads: `key=lambda e: e.user`, `key=attrgetter("user")`."""
    key = keyword(call, "key")
    if isinstance(key, ast.Lambda) and isinstance(key.body, ast.Attribute):
        return key.body.attr if isinstance(key.body.value, ast.Name) else ""
    if isinstance(key, ast.Call) and called_name(key) == "attrgetter" and len(key.args) == 1:
        return next(iter(words_of(key.args[0])), "")
    return ""


def _is_read(source: ParsedFile, field: str) -> bool:
    """Whether anything in the repo reads an attribute, or takes records apart."""
    files = source.repo.files if source.repo is not None else (source,)
    return any(
        node.attr == field and isinstance(node.ctx, ast.Load)
        for file in files
        for node in file.within(file.nodes[0], ast.Attribute)
    )


def _tables_by_user(source: ParsedFile) -> Iterator[ast.Call]:
    """`df.sort_values("user").groupby("user")["item"].apply(list)`, whose rows of one user come in any order, of a table that was
    read with a column of times that nothing else names.
    """
    for call in source.calls_named("sort_values"):
        by = call.args[0] if call.args else keyword(call, "by")
        words = list(words_of(by)) if by is not None else []
        if by is None or len(words) != 1 or not is_user(by) or keyword(call, "kind") is not None:
            continue
        around = source.function_of(call) or source.nodes[0]
        gathers = [
            c for c in source.calls_named(*GATHERS) if source.function_of(c) is source.function_of(call)
        ]
        if len(source.calls_named("sort_values", "nlargest", "sort_index", "argsort", "lexsort")) > 1:
            continue
        if not any(
            "list" in words_of(one) for c in gathers for one in (*c.args, *(k.value for k in c.keywords))
        ):
            continue
        reads = [c for c in source.calls_in(around) if called_name(c) in READS]
        titles = [k.value for c in reads for k in c.keywords if k.arg in ("names", "usecols", "dtype")]
        times = {word for one in titles for word in words_of(one) if tells_time(word)}
        told = {node for one in titles for node in ast.walk(one)}
        if len(times) != 1:
            continue
        (time,) = times
        if not _is_read(source, time) and not _is_written(source, time, told):
            yield call


def _is_written(source: ParsedFile, word: str, beside: set[ast.AST]) -> bool:
    """Whether a column is named anywhere but where the table is read."""
    return any(
        node.value == word and node not in beside for node in source.within(source.nodes[0], ast.Constant)
    )


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


def _drops(source: ParsedFile, function: Function, name: str, size: int, time: int) -> bool:
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
        if not isinstance(target, ast.Tuple) or len(target.elts) != size:
            return False
        word = dotted(target.elts[time])
        outer = source.parents.get(loop) if isinstance(loop, ast.comprehension) else loop
        reads = [n for n in source.within(outer, ast.Name) if n.id == word] if outer is not None else []
        taken.append(len(reads) <= 1)
    return bool(taken) and all(taken)
