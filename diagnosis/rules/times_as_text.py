"""Sorts by times that were read as text and never made numbers: "1000" comes before "999"."""

import ast
from collections.abc import Iterator

from diagnosis.rules.places_from import number
from diagnosis.rules.source import ParsedFile, keyword
from diagnosis.rules.timestamps import tells_time
from diagnosis.rules.values import How, bindings, names_in, origins, words_of
from diagnosis.syntax import called_name, dotted

SORTS = {"sort", "sorted"}
GATHERS = {"append", "insert", "add"}
# Words of times that are written so that text sorts as time does: 2024-05-31.
SORTABLE = ("date", "iso", "day", "utc", "month", "year")
CASTS = {"int", "float", "int64", "float64", "Decimal", "astype", "as_tensor", "tensor", "array", "asarray"}
PARSES = {"strptime", "fromisoformat", "to_datetime", "datetime64", "isoparse", "mktime", "to_numeric"}


def sorted_as_text(source: ParsedFile) -> Iterator[ast.Call]:
    """`rows.append((row["time"], row["item"]))` of a `csv.DictReader`, then `rows.sort()`; `sorted(reader, key=lambda r: r["time"])`."""
    if source.called_names.isdisjoint(("DictReader", "reader", "split")):
        return
    if any(called_name(call) in PARSES or _makes_numbers(call) for call in source.calls):
        return
    kept = list(_kept(source))
    for call in source.calls_named(*SORTS):
        subject = call.func.value if isinstance(call.func, ast.Attribute) else (call.args or [None])[0]
        if subject is None:
            continue
        found = list(origins(source, subject))
        names = {dotted(part) for value in found for part in names_in(value)}
        places = {place for holder, place in kept if holder in names}
        if any(place in places for place in _sorted_by(call)) or (
            any(_reads_text(value) for value in found)
            and any(
                isinstance(place, str) and _is_bare_time(place) for place in _sorted_by(call, plain=False)
            )
        ):
            yield call


def _makes_numbers(call: ast.Call) -> bool:
    """Whether a time becomes a number: `int(time)`, `float(row["timestamp"])`."""
    if called_name(call) not in CASTS:
        return False
    given = [*call.args, *([call.func.value] if isinstance(call.func, ast.Attribute) else [])]
    return any(tells_time(word) for value in given for word in words_of(value))


def _is_bare_time(word: str) -> bool:
    return tells_time(word) and not any(piece in word.lower() for piece in SORTABLE)


def _kept(source: ParsedFile) -> Iterator[tuple[str, int]]:
    """(name of what holds the records, place of the time in each) of records that are made of fields of text."""
    for record in source.within(source.nodes[0], ast.Tuple, ast.List):
        places = [place for place, part in enumerate(record.elts) if _is_text_time(source, part)]
        holder = _holder(source, record) if places else ""
        if holder:
            yield from ((holder, place) for place in places)


def _is_text_time(source: ParsedFile, node: ast.expr) -> bool:
    """`row["time"]` of a reader's row, or a name that `line.split(",")` gave."""
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        key = node.slice.value
        return (
            isinstance(key, str)
            and _is_bare_time(key)
            and isinstance(node.value, ast.Name)
            and _is_row(source, node.value)
        )
    if not isinstance(node, ast.Name) or not isinstance(node.ctx, ast.Load) or not _is_bare_time(node.id):
        return False
    made = bindings(source, node.id, node)
    return bool(made) and all(
        b.position is not None
        and (
            _splits(b.value)
            if b.how is How.ASSIGNED
            else any(_reads_text(value) for value in origins(source, b.value))
        )
        for b in made
    )


def _is_row(source: ParsedFile, row: ast.Name) -> bool:
    made = bindings(source, row.id, row)
    return bool(made) and all(
        b.how is How.ITERATED and b.position is None and any(map(_reads_text, origins(source, b.value)))
        for b in made
    )


def _reads_text(node: ast.AST) -> bool:
    """Whether a call reads a table whose fields stay text."""
    return any(
        isinstance(part, ast.Call)
        and called_name(part) in ("DictReader", "reader")
        and dotted(part.func).partition(".")[0] in ("csv", "DictReader", "reader")
        and keyword(part, "quoting") is None
        for part in ast.walk(node)
    )


def _splits(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and called_name(node) == "split"


def _holder(source: ParsedFile, record: ast.expr) -> str:
    """The name of the list or dictionary of lists that a record joins."""
    outer = source.parents.get(record)
    if (
        isinstance(outer, ast.Call)
        and called_name(outer) in GATHERS
        and isinstance(outer.func, ast.Attribute)
    ):
        held = outer.func.value
        while isinstance(held, ast.Call | ast.Subscript):
            inner = held.func if isinstance(held, ast.Call) else held
            held = inner.value if isinstance(inner, ast.Attribute | ast.Subscript) else held
            if isinstance(inner, ast.Name):
                break
        return dotted(held)
    if isinstance(outer, ast.ListComp) and outer.elt is record:
        statement = source.parents.get(outer)
        return dotted(statement.targets[0]) if isinstance(statement, ast.Assign) else ""
    return ""


def _sorted_by(call: ast.Call, *, plain: bool = True) -> Iterator[int | str]:
    """The fields that a sort looks at as they are: places from 0, or keys; 0 where records are compared whole."""
    key = keyword(call, "key")
    if key is None:
        yield from [0] if plain else []
        return
    if isinstance(key, ast.Lambda):
        parts = key.body.elts if isinstance(key.body, ast.Tuple) else [key.body]
        for part in parts:
            if isinstance(part, ast.Subscript) and isinstance(part.value, ast.Name):
                field = part.slice.value if isinstance(part.slice, ast.Constant) else number(part.slice)
                yield from [field] if isinstance(field, int | str) else []
    elif isinstance(key, ast.Call) and called_name(key) == "itemgetter":
        yield from (
            a.value for a in key.args if isinstance(a, ast.Constant) and isinstance(a.value, int | str)
        )
