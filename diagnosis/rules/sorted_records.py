"""Which records of events a sort puts in order, by which of their fields, and which field is the time or the item."""

import ast
from collections.abc import Iterator

from diagnosis.rules.places_from import number
from diagnosis.rules.source import ParsedFile, keyword
from diagnosis.rules.timestamps import tells_time
from diagnosis.rules.values import How, bindings, words_of
from diagnosis.syntax import called_name, dotted

ITEMS = {
    "item",
    "items",
    "iid",
    "itemid",
    "movie",
    "movieid",
    "asin",
    "sid",
    "product",
    "track",
    "book",
    "sku",
}
SHORT_ITEMS, USERS = {"i", "it"}, {"u", "user", "users", "uid", "userid", "customer", "member"}
SHORT_TIMES = {"t", "day", "stamp", "tm", "unixtime"}
PARSES = {"fromisoformat", "strptime", "fromtimestamp", "to_datetime", "isoparse", "mktime"}
FILLS = ("append", "add")
Fields = list[ast.expr]


def records_sorted(source: ParsedFile, call: ast.Call) -> Iterator[Fields]:
    """The fields by which `rows.sort()` or `sorted(rows, key=itemgetter(0, 1, 2))` compares records, the first to count first."""
    for record in records_in(source, call):
        places = _places(call, len(record))
        if places is not None:
            yield [record[place] for place in places if place < len(record)]


def records_in(source: ParsedFile, call: ast.Call) -> Iterator[Fields]:
    """The fields of the records in a list that is sorted: appended, made by a comprehension or by `zip`; tuples and named tuples."""
    own = call.func.value if isinstance(call.func, ast.Attribute) and called_name(call) == "sort" else None
    given = own if own is not None else (call.args or [None])[0]
    if given is None:
        return
    yield from _made(source, given)
    name = dotted(given)
    if not name:
        return
    for binding in bindings(source, name, given):
        if binding.how is How.ASSIGNED and binding.position is None:
            yield from _made(source, binding.value)
    function = source.function_of(call)
    for fill in source.calls_named(*FILLS):
        if (
            fill.args
            and dotted(fill.func).rpartition(".")[0] == name
            and source.function_of(fill) is function
        ):
            yield from _record(source, fill.args[0])


def _made(source: ParsedFile, value: ast.expr) -> Iterator[Fields]:
    while isinstance(value, ast.Call) and called_name(value) in ("list", "sorted") and len(value.args) == 1:
        value = value.args[0]
    if isinstance(value, ast.ListComp | ast.GeneratorExp | ast.SetComp):
        yield from _record(source, value.elt)
    elif isinstance(value, ast.Call) and dotted(value.func) == "zip" and len(value.args) > 1:
        yield list(value.args)


def _record(source: ParsedFile, value: ast.expr) -> Iterator[Fields]:
    if isinstance(value, ast.Tuple) and len(value.elts) > 1:
        yield list(value.elts)
    elif isinstance(value, ast.Call) and isinstance(value.func, ast.Name):
        fields = fields_of(source, value.func.id)
        if len(fields) > 1:
            yield [ast.Name(id=field, ctx=ast.Load()) for field in fields]


def fields_of(source: ParsedFile, name: str) -> list[str]:
    """The fields of a named tuple, or of a dataclass whose objects compare; [] for what is none."""
    for kind in source.within(source.nodes[0], ast.ClassDef):
        if kind.name == name:
            named = any(dotted(base).endswith("NamedTuple") for base in kind.bases)
            ordered = any(
                isinstance(one, ast.Call)
                and isinstance(order := keyword(one, "order"), ast.Constant)
                and order.value
                for one in kind.decorator_list
            )
            fields = [
                s.target.id
                for s in kind.body
                if isinstance(s, ast.AnnAssign) and isinstance(s.target, ast.Name)
            ]
            return fields if named or ordered else []
    for call in source.calls_named("namedtuple"):
        if len(call.args) > 1 and isinstance(call.args[0], ast.Constant) and call.args[0].value == name:
            words = list(words_of(call.args[1]))
            return words if len(words) != 1 else words[0].replace(",", " ").split()
    return []


def _places(call: ast.Call, size: int) -> list[int] | None:
    """The places of the fields that a key compares; all of them without a key; None where that cannot be told."""
    key = keyword(call, "key")
    if key is None:
        return list(range(size))
    if isinstance(key, ast.Call) and called_name(key) == "itemgetter":
        found = [number(one) for one in key.args]
    elif isinstance(key, ast.Lambda) and isinstance(key.body, ast.Tuple):
        found = [
            number(part.slice)
            if isinstance(part, ast.Subscript) and isinstance(part.value, ast.Name)
            else None
            for part in key.body.elts
        ]
    elif isinstance(key, ast.Lambda) and isinstance(key.body, ast.Name):
        return list(range(size))
    else:
        return None
    places = [place for place in found if place is not None]
    return [place % size for place in places] if len(places) == len(found) else None


def times_of(record: Fields) -> list[int]:
    """The places of the fields that are times: by their names, because a date is read, or a `t` beside an item."""
    items = any(is_item(part, record) for part in record)
    return [
        place
        for place, part in enumerate(record)
        if any(tells_time(word) for word in words_of(part))
        or any(isinstance(inner, ast.Call) and called_name(inner) in PARSES for inner in ast.walk(part))
        or (items and bool(_pieces(part) & SHORT_TIMES))
    ]


def by_item_within_time(record: Fields) -> bool:
    """Whether the item decides where users and times are the same: it follows the time, and neither stands before it."""
    times = times_of(record)
    if len(times) != 1 or times[0] + 1 >= len(record):
        return False
    before, after = record[: times[0]], record[times[0] + 1]
    known = any(map(is_user, before)) or not before
    return known and is_item(after, record) and not any(is_item(part, record) for part in before)


def is_day(part: ast.expr) -> bool:
    """Whether a time is that of a whole day: `date.fromisoformat(day)`, `stamp // 86400`, `when.date()`."""
    if _pieces(part) & {"day", "days"}:
        return True
    for inner in ast.walk(part):
        if isinstance(inner, ast.Call) and called_name(inner) in ("date", "toordinal"):
            return True
        if isinstance(inner, ast.Call) and dotted(inner.func) in (
            "date.fromisoformat",
            "datetime.date.fromisoformat",
        ):
            return True
        if isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.FloorDiv):
            return (number(inner.right) or 0) % 86_400 == 0 and number(inner.right) is not None
    return False


def is_item(part: ast.expr, record: Fields) -> bool:
    """Whether a field is the item; an `i` is one where a user stands beside it."""
    pieces = _pieces(part)
    if pieces & ITEMS:
        return True
    beside = any(_pieces(other) & USERS for other in record if other is not part)
    return beside and bool(pieces & SHORT_ITEMS) and not pieces & USERS


def is_user(part: ast.expr) -> bool:
    """Whether a field is the user."""
    return bool(_pieces(part) & USERS)


def _pieces(part: ast.expr) -> set[str]:
    return {piece for word in words_of(part) for piece in word.lower().replace("-", "_").split("_")}
