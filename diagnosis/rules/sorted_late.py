"""Where the last row of each user is held out of a table that is sorted by time only afterwards."""

import ast
from collections.abc import Iterator

from diagnosis.rules.source import ParsedFile, keyword
from diagnosis.rules.timestamps import tells_time
from diagnosis.rules.values import bindings, words_of
from diagnosis.syntax import called_name, dotted

SORTS = ("sort_values", "sort_index", "argsort", "lexsort", "sorted", "sort", "nlargest")
TAKES = ("tail", "last")


def held_out_before_sort(source: ParsedFile) -> Iterator[ast.Call]:
    """`test = df.groupby("user").tail(1)`, and below `train = df.drop(test.index).sort_values("time")`: the file sorts nothing else."""
    taken = source.calls_named(*TAKES)
    sorts = source.calls_named(*SORTS) if taken else []
    for call in taken:
        table = _table(call)
        if not table or not sorts:
            continue
        function, place = source.function_of(call), source.places[call]
        late = all(
            source.function_of(one) is function
            and source.places[one] > place
            and called_name(one) == "sort_values"
            and _is_by_time(one)
            and _is_of(source, one, table)
            for one in sorts
        )
        if late:
            yield call


def _table(call: ast.Call) -> str:
    """The name of the table whose last rows are taken, of `df.groupby("user").tail(1)`; "" for all others."""
    own = call.func.value if isinstance(call.func, ast.Attribute) else None
    grouped = (
        isinstance(own, ast.Call) and called_name(own) == "groupby" and isinstance(own.func, ast.Attribute)
    )
    return (
        dotted(own.func.value)
        if grouped and isinstance(own, ast.Call) and isinstance(own.func, ast.Attribute)
        else ""
    )


def _is_by_time(call: ast.Call) -> bool:
    by = call.args[0] if call.args else keyword(call, "by")
    return by is not None and any(tells_time(word) for word in words_of(by))


def _is_of(source: ParsedFile, call: ast.Call, table: str) -> bool:
    """Whether what is sorted was made of the table: it, or what is left of it."""
    own = call.func.value if isinstance(call.func, ast.Attribute) else None
    if own is None:
        return False
    made = [own, *(b.value for b in bindings(source, dotted(own), own) if dotted(own))]
    return any(dotted(part) == table for one in made for part in ast.walk(one))
