"""Static rule: events that are sorted by timestamps in single precision."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy
from diagnosis.rules.codebase import Codebase, once
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile, keyword
from diagnosis.rules.values import names_in, origins, words_of
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="timestamps-in-float32",
    found_by=FoundBy.RULE,
    title="Timestamps in single precision",
    why="A float32 holds seconds since 1970 to within 128: events of one session get the same time and lose their order.",
    definition="Times that are cast to 32 or 16 bits, and by which events are then ordered.",
    sources=("github.com/RUCAIBox/RecBole/issues/2204",),
)

SMALL = {"float32", "float16", "single", "half", "f4", "<f4", "FloatTensor", "bfloat16", "f"}
TIMES = ("time", "timestamp", "date", "datetime", "unix", "ts", "times", "timestamps", "when")
SORTS = {
    "sort",
    "sorted",
    "argsort",
    "lexsort",
    "sort_values",
    "searchsorted",
    "min",
    "max",
    "nsmallest",
    "nlargest",
}
LOADS = {"loadtxt", "genfromtxt"}  # of whole tables, times among them
MAKES = {"array", "asarray", "tensor", "as_tensor"}
ORDERS = SORTS - {"min", "max", "searchsorted"}


def timestamps_in_float32(source: ParsedFile) -> Iterator[RuleHit]:
    """Casts of times to float32 whose result is sorted: in a key, in an array, or in a column that is sorted by."""
    seen: set[int] = set()
    for call in source.calls_named(*ORDERS):
        for cast in _casts_below(source, call):
            if cast.lineno not in seen:
                seen.add(cast.lineno)
                yield _hit(source, cast)
    for cast in _loaded_times(source):
        if cast.lineno not in seen:
            seen.add(cast.lineno)
            yield _hit(source, cast)
    sorted_by = {w for call in source.calls_named(*ORDERS) for a in _given(call) for w in words_of(a)}
    for cast, column in _columns(source):
        if column in sorted_by and cast.lineno not in seen:
            seen.add(cast.lineno)
            yield _hit(source, cast)


def _hit(source: ParsedFile, cast: ast.expr) -> RuleHit:
    return source.hit(
        KIND.code,
        cast,
        "orders events by times in single precision, which tell no two minutes apart: keep int64",
    )


def _given(call: ast.Call) -> list[ast.expr]:
    """What is sorted, and by what."""
    own = [call.func.value] if isinstance(call.func, ast.Attribute) else []
    return [*own, *call.args, *(k.value for k in call.keywords)]


def _casts_below(source: ParsedFile, call: ast.Call) -> Iterator[ast.Call]:
    """Casts in what is sorted, in the key, and in what the sorted names were made of."""
    for given in _given(call):
        for step in _steps(source, given):
            yield from (
                c
                for c in source.within(step, ast.Call)
                if _is_small(c)
                and (
                    called_name(c) in LOADS
                    or _is_time(source, _value(c))
                    or _is_called_time(source, c)
                    or (called_name(c) in MAKES and _is_second_key(call, given))
                    or (called_name(c) in MAKES and _is_time_of_records(source, c, given))
                    or (called_name(c) in MAKES and _is_sorted_by_time(source, given))
                )
            )


def _is_called_time(source: ParsedFile, cast: ast.Call) -> bool:
    """Whether a column of a table is called a time once it is cast: `times = raw[:, 2].astype(np.float32)`."""
    kept, column = source.parents.get(cast), _value(cast)
    return (
        isinstance(kept, ast.Assign)
        and isinstance(column, ast.Subscript)
        and all(tells_time(dotted(target).rpartition(".")[2]) for target in kept.targets)
    )


def _is_time_of_records(source: ParsedFile, cast: ast.Call, given: ast.expr) -> bool:
    """Whether a column that is sorted by holds the times of records which one array is made of:
    `rows.append((u, i, int(when)))`, `np.array(rows, dtype=np.float32)[:, 2]`.
    """
    place = (
        given.slice.elts[-1]
        if isinstance(given, ast.Subscript) and isinstance(given.slice, ast.Tuple)
        else None
    )
    records = cast.args[0] if cast.args else None
    if (
        not isinstance(place, ast.Constant)
        or not isinstance(place.value, int)
        or not isinstance(records, ast.Name)
    ):
        return False
    added = [
        one.args[0]
        for one in source.calls_named("append")
        if isinstance(one.func, ast.Attribute) and dotted(one.func.value) == records.id and one.args
    ]
    made = [part.elt for value in origins(source, records) for part in source.within(value, ast.ListComp)]
    tuples = [one for one in (*added, *made) if isinstance(one, ast.Tuple) and len(one.elts) > place.value]
    return any(tells_time(word) for one in tuples for word in words_of(one.elts[place.value]))


def _is_sorted_by_time(source: ParsedFile, given: ast.expr) -> bool:
    """Whether a function that says it orders by time sorts by the third or a later column: `def by_time(events)`, `argsort(rows[:, 2])`."""
    place = (
        given.slice.elts[-1]
        if isinstance(given, ast.Subscript) and isinstance(given.slice, ast.Tuple) and given.slice.elts
        else None
    )
    function = source.function_of(given)
    later = isinstance(place, ast.Constant) and isinstance(place.value, int) and place.value > 1
    return later and function is not None and tells_time(function.name)


def _loaded_times(source: ParsedFile) -> Iterator[ast.Call]:
    """Whole tables that a function loads in single precision and gives out by columns, one of which its callers call a time:
    `table = np.loadtxt(path, dtype=np.float32)`, `return table[:, 0], table[:, 1], table[:, 2]`; where events are ordered by times.
    """
    repo = source.repo
    for cast in source.calls_named(*LOADS):
        kept, function = source.parents.get(cast), source.function_of(cast)
        if repo is None or not _is_small(cast) or not isinstance(kept, ast.Assign) or function is None:
            continue
        table = dotted(kept.targets[0])
        places = {
            number
            for given in source.within(function, ast.Return)
            if isinstance(given.value, ast.Tuple)
            for number, part in enumerate(given.value.elts)
            if isinstance(part, ast.Subscript) and dotted(part.value) == table
        }
        taken = [
            target.elts[number]
            for made in repo.calls(function.name)
            if isinstance(takes := made.file.parents.get(made.call), ast.Assign)
            for target in takes.targets
            if isinstance(target, ast.Tuple)
            for number in places
            if number < len(target.elts)
        ]
        if any(tells_time(dotted(name)) for name in taken) and _orders_by_time(repo):
            yield cast


@once
def _orders_by_time(repo: Codebase) -> bool:
    """Whether anything in a repo is sorted by what is called a time."""
    return any(
        tells_time(word)
        for made in repo.calls(*ORDERS)
        for given in _given(made.call)
        for word in words_of(given)
    )


def _is_second_key(call: ast.Call, given: ast.expr) -> bool:
    """Whether columns of one table are sorted by, first by one and then by a later one: `lexsort((t[:, 3], t[:, 0]))`."""
    keys = given.elts if called_name(call) == "lexsort" and isinstance(given, ast.Tuple) else []
    columns = [k for k in keys if isinstance(k, ast.Subscript) and isinstance(k.slice, ast.Tuple)]
    return len(columns) > 1 and len({dotted(k.value) for k in columns}) == 1


def _steps(source: ParsedFile, given: ast.expr) -> Iterator[ast.expr]:
    if isinstance(given, ast.Lambda):
        yield given.body
    elif isinstance(given, ast.Name | ast.Attribute | ast.Tuple | ast.List | ast.UnaryOp | ast.Subscript):
        yield from origins(source, given)
    else:
        yield given


def _is_small(call: ast.Call) -> bool:
    """Whether the call casts to at most 32 bits: `np.float32(x)`, `x.astype("float32")`, `x.float()`, `dtype=...`."""
    name = called_name(call)
    if name in SMALL or (name == "float" and isinstance(call.func, ast.Attribute)):
        return True
    if (less := keyword(call, "downcast")) is not None and "float" in words_of(less):
        return True
    kind = keyword(call, "dtype") or (
        call.args[-1] if name in ("astype", "to", "cast") and call.args else None
    )
    return kind is not None and any(word in SMALL for word in words_of(kind))


def _value(call: ast.Call) -> ast.expr | None:
    """What a cast casts."""
    if called_name(call) in ("astype", "float", "half", "to", "cast") and isinstance(
        call.func, ast.Attribute
    ):
        return call.func.value
    return call.args[0] if call.args else None


def _is_time(source: ParsedFile, node: ast.expr | None) -> bool:
    """Whether a value is a time as it was recorded, in its author's words, no difference of times; in a key, anything."""
    if node is None or any(isinstance(part, ast.BinOp) for part in ast.walk(node)):
        return False
    if isinstance(node, ast.Subscript) and _is_in_key(source, node):
        return True
    if any(tells_time(word) for word in words_of(node)):
        return True
    return any(
        tells_time(word) for name in names_in(node) for s in origins(source, name) for word in words_of(s)
    )


def _is_in_key(source: ParsedFile, node: ast.Subscript) -> bool:
    """Whether a field of a record is the second or later part of a key: `key=lambda r: (r[0], float32(r[2]))`."""
    around = list(source.around(node))
    key = next((outer.body for outer in around if isinstance(outer, ast.Lambda)), None)
    return isinstance(key, ast.Tuple) and isinstance(node.slice, ast.Constant) and key.elts[0] not in around


def tells_time(word: str) -> bool:
    """Whether a name or the title of a column speaks of the time of an event."""
    return any(piece in TIMES for piece in word.lower().replace("-", "_").replace(":", "_").split("_"))


def _columns(source: ParsedFile) -> Iterator[tuple[ast.expr, str]]:
    """Casts of named columns of times: `{"timestamp": np.float32}`, `df["timestamp"] = df["timestamp"].astype("float32")`."""
    for table in source.within(source.nodes[0], ast.Dict):
        for key, value in zip(table.keys, table.values, strict=True):
            named = key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else ""
            plain = not isinstance(value, ast.Dict | ast.List)
            if tells_time(named) and plain and any(word in SMALL for word in words_of(value)):
                yield value, named
    for statement in source.within(source.nodes[0], ast.Assign):
        target = statement.targets[0]
        name = (
            target.slice.value
            if isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant)
            else dotted(target).rpartition(".")[2]
        )
        if isinstance(name, str) and tells_time(name):
            casts = [
                c for c in source.calls_in(statement.value) if _is_small(c) and _is_time(source, _value(c))
            ]
            if casts:
                yield casts[0], name


RULE = Rule(kind=KIND, run=timestamps_in_float32)
