"""Sessions that are put in the order of their names, and cut into training and test, although their times are known."""

import ast
import re
from collections.abc import Iterator

from diagnosis.rules.parts_of_data import Part, parts_in
from diagnosis.rules.source import ParsedFile, keyword
from diagnosis.rules.values import How, bindings, same, words_of
from diagnosis.syntax import called_name, dotted

SPLIT = {"session", "sess", "visit", "basket", "order", "transaction", "trip"}
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
TIMES = {"time", "times", "ts", "timestamp", "timestamps", "date", "datetime", "unixtime"}
ORDERS = {"sorted", "list", "unique", "keys", "tolist", "array"}


def split_by_name(source: ParsedFile) -> Iterator[ast.Call]:
    """`names = sorted(sessions)` before `names[:cut]` and `names[cut:]`."""
    cuts = [
        part
        for part in source.within(source.nodes[0], ast.Subscript)
        if isinstance(part.slice, ast.Slice)
        and isinstance(part.value, ast.Name)
        and part.slice.lower is None
        and isinstance(part.slice.upper, ast.Name | ast.Call)
    ]
    if not cuts or not _knows_time(source):
        return
    for part in cuts:
        if not isinstance(part.value, ast.Name) or not isinstance(part.slice, ast.Slice):
            continue
        made = [b.value for b in bindings(source, part.value.id, part) if b.how is How.ASSIGNED]
        if len(made) != 1 or not _names_sessions(source, made[0]) or not _is_of_training(source, part):
            continue
        around = source.function_of(part) or source.nodes[0]
        rest = [
            other
            for other in source.within(around, ast.Subscript)
            if same(other.value, part.value)
            and isinstance(other.slice, ast.Slice)
            and same(other.slice.lower, part.slice.upper)
        ]
        if rest and isinstance(made[0], ast.Call):
            yield made[0]


def _names_sessions(source: ParsedFile, value: ast.expr) -> bool:
    """`sorted(sessions)`, `np.unique(df.session)`; `df.session.unique()` of a table that is sorted by sessions."""
    calls = source.calls_in(value)
    plain = all(called_name(call) in ORDERS and keyword(call, "key") is None for call in calls)
    sorts = any(called_name(call) == "sorted" or source.full_name(call) == "numpy.unique" for call in calls)
    if not calls or not plain or not any(_speaks_of_sessions(word) for word in words_of(value)):
        return False
    return sorts or any(_sorts_by_session(call) for call in source.calls)


def _speaks_of_sessions(word: str) -> bool:
    """`sessions`, `SessionId`, "basket_id"; neither `visitors` nor `ordered`."""
    pieces = {piece.lower() for piece in _WORD.findall(word)}
    return any(piece.removesuffix("id").removesuffix("s") in SPLIT or piece in SPLIT for piece in pieces)


def _sorts_by_session(call: ast.Call) -> bool:
    """`df.sort_values(["SessionId", "Time"])`"""
    by = keyword(call, "by") or (call.args[0] if call.args else None)
    first = by.elts[0] if isinstance(by, ast.List | ast.Tuple) and by.elts else by
    return (
        called_name(call) == "sort_values"
        and isinstance(first, ast.Constant)
        and isinstance(first.value, str)
        and _speaks_of_sessions(first.value)
    )


def _is_of_training(source: ParsedFile, part: ast.Subscript) -> bool:
    statement = next((o for o in source.around(part) if isinstance(o, ast.Assign)), None)
    return statement is not None and Part.TRAIN in parts_in(*statement.targets)


def _knows_time(source: ParsedFile) -> bool:
    """Whether the file reads times of events; the modules of that name tell how long something takes."""
    whole = source.nodes[0]
    words = (
        *(name.id for name in source.within(whole, ast.Name) if name.id not in source.imports),
        *(
            name.attr
            for name in source.within(whole, ast.Attribute)
            if dotted(name.value) not in source.imports
        ),
        *(
            c.value
            for c in source.within(whole, ast.Constant)
            if isinstance(c.value, str) and len(c.value) < 20
        ),
    )
    return any(dotted(ast.Name(id=word)).lower() in TIMES for word in words)
