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
GROWS = ("append", "extend", "add_event")
HANDED = (*GROWS, "write", "writerow", "print")
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
                and gathers_lists(source, function, name)
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
                if (
                    size == len(held)
                    and _drops(source, function, name, size, times_of(held)[0])
                    and (gathers_lists(source, function, name) or _hands_on(source, function, name, held))
                ):
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
            c
            for c in source.calls_named(*SORTS, "argsort", "lexsort", "sort_values")
            if source.function_of(c) is function
        ]
        for held in records_in(source, call):
            fields = [dotted(part) for part in held]
            times = [fields[place] for place in times_of(held)]
            if field not in fields or len(times) != 1 or len(sorts) != 1:
                continue
            if not _is_read(source, times[0]) and not _is_taken(source, len(held), times_of(held)[0]):
                if gathers_lists(source, function, name) and not _comes_in_order(source, function):
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
    """Whether anything in the repo reads an attribute, or names a field or column, but where the records are defined."""
    for file in _files(source):
        top = file.nodes[0]
        if any(n.attr == field and isinstance(n.ctx, ast.Load) for n in file.within(top, ast.Attribute)):
            return True
        defined = {n for call in file.calls_named("namedtuple", *READS) for n in ast.walk(call)}
        if any(n.value == field and n not in defined for n in file.within(top, ast.Constant)):
            return True
    return False


def _is_taken(source: ParsedFile, size: int, time: int) -> bool:
    """Whether a key reads the time of records by its place, `key=lambda e: e[2]`, or they are taken apart and the time is read."""
    for file in _files(source):
        for call in file.calls_named(*SORTS, "min", "max", "groupby"):
            if _field(call) == time:
                return True
        for loop in file.within(file.nodes[0], ast.For, ast.comprehension):
            target = loop.target
            if isinstance(target, ast.Tuple) and len(target.elts) == size:
                word, around = dotted(target.elts[time]), file.function_of(loop) or file.nodes[0]
                reads = [
                    n for n in file.within(around, ast.Name) if n.id == word and n is not target.elts[time]
                ]
                if word.strip("_") and any(isinstance(n.ctx, ast.Load) for n in reads):
                    return True
    return False


def _files(source: ParsedFile) -> tuple[ParsedFile, ...]:
    return source.repo.files if source.repo is not None else (source,)


def _tables_by_user(source: ParsedFile) -> Iterator[ast.Call]:
    """`df.sort_values("user").groupby("user")["item"].apply(list)`, whose rows of one user come in any order, of a table that was
    read with a column of times that nothing else names.
    """
    for call in source.calls_named("sort_values"):
        by = call.args[0] if call.args else keyword(call, "by")
        words = list(words_of(by)) if by is not None else []
        told_more = any(k.arg in (None, "kind") for k in call.keywords)
        if by is None or len(words) != 1 or not is_user(by) or told_more or _needs_no_order(source):
            continue
        around = source.function_of(call) or source.nodes[0]
        gathers = [
            c for c in source.calls_named(*GATHERS) if source.function_of(c) is source.function_of(call)
        ]
        if len(source.calls_named("sort_values", "nlargest", "sort_index", "argsort", "lexsort")) > 1:
            continue
        if not any(_is_list(one) for c in gathers for one in (*c.args, *(k.value for k in c.keywords))):
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


def _is_list(given: ast.expr) -> bool:
    """`list`, `"list"`, `{"item": list}`, `lambda x: list(x)`"""
    if isinstance(given, ast.Dict):
        return any(map(_is_list, given.values))
    if isinstance(given, ast.Tuple):
        return any(map(_is_list, given.elts))
    if isinstance(given, ast.Lambda):
        return isinstance(given.body, ast.Call) and called_name(given.body) in ("list", "tolist", "to_list")
    return "list" in words_of(given)


def _needs_no_order(source: ParsedFile) -> bool:
    """Whether a file makes sets or one long row of its lists, and never reads a place of one: `x[-1]`, `x[:-1]`, `x[-n:]`."""
    cuts = source.within(source.nodes[0], ast.Subscript)
    if any(isinstance(c.slice, ast.Slice | ast.UnaryOp) for c in cuts):
        return False
    return bool(source.calls_named("set", "frozenset", "concatenate", "explode"))


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


def gathers_lists(source: ParsedFile, function: Function, name: str) -> bool:
    """Whether the events are gathered into a list for each user, which alone keeps their order: `seqs[user].append(item)`,
    `seqs.setdefault(user, []).append(item)`, `current.append(item)` of a `current = []` that begins anew, `groupby(events, ...)`.
    """
    for loop in source.within(function, ast.For, ast.comprehension):
        if name not in {dotted(part) for part in ast.walk(loop.iter)}:
            continue
        if any(isinstance(part, ast.Call) and called_name(part) == "groupby" for part in ast.walk(loop.iter)):
            return True
        for call in [] if isinstance(loop, ast.comprehension) else source.calls_in(*loop.body):
            given = [w.lower() for a in call.args for w in words_of(a)]
            if called_name(call) not in GROWS or any("user" in w for w in given):
                continue
            if called_name(call) == "add_event" or _is_of_one(source, loop, call):
                return True
    return False


def only_counted(source: ParsedFile, call: ast.Call) -> bool:
    """Whether the sorted events serve loops alone that fill sets and counts, to which their order is nothing."""
    function, name = source.function_of(call), _sorted_name(source, call)
    if function is None or not name:
        return False
    loops = [one for one in source.within(function, ast.For) if dotted(one.iter) == name]
    gone_through = {one.iter for one in loops}
    for part in source.within(function, ast.Name):
        if part.id == name and isinstance(part.ctx, ast.Load) and part not in gone_through:
            filled = source.parents.get(part)
            if not isinstance(filled, ast.Attribute) or filled.attr not in ("append", "add", "sort"):
                return False
    kept = (ast.Yield, ast.Return, ast.Break, ast.List, ast.ListComp)
    return bool(loops) and not any(
        isinstance(part, kept) or (isinstance(part, ast.Call) and called_name(part) in HANDED)
        for loop in loops
        for statement in loop.body
        for part in ast.walk(statement)
    )


def _is_of_one(source: ParsedFile, loop: ast.For | ast.comprehension, grows: ast.Call) -> bool:
    """Whether a call appends to one of several lists."""
    kept = grows.func.value if isinstance(grows.func, ast.Attribute) else None
    if isinstance(kept, ast.Subscript):
        return not isinstance(kept.slice, ast.Constant)
    if isinstance(kept, ast.Call):
        return (
            called_name(kept) == "setdefault"
            and len(kept.args) == 2
            and not isinstance(kept.args[1], ast.Dict)
        )
    new = [s for s in source.within(loop, ast.Assign) if isinstance(s.value, ast.List)]
    word = dotted(kept) if kept is not None else ""
    return bool(word) and any(
        word == dotted(part) for s in new for target in s.targets for part in ast.walk(target)
    )


def _hands_on(source: ParsedFile, function: Function, name: str, held: list[ast.expr]) -> bool:
    """Whether what is read of events in the order of users is handed on in it: `[(u, i) for u, _, i in rows]`."""
    if not is_user(held[0]):
        return False
    return any(
        dotted(part.generators[0].iter) == name and isinstance(part.elt, ast.Tuple)
        for part in source.within(function, ast.ListComp)
    )


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
