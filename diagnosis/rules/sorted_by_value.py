"""Events sorted by the very value that is then gathered into a list for each user, so that the list is in the order of ids."""

import ast
from collections.abc import Iterator

from diagnosis.rules.source import ParsedFile, keyword
from diagnosis.rules.values import words_of
from diagnosis.syntax import called_name, dotted

GATHERS = {"apply", "agg", "aggregate"}


def sorted_by_value(source: ParsedFile) -> Iterator[ast.Call]:
    """`df.sort_values(["user", "item"]).groupby("user")["item"].apply(list)`; `for e in sorted(events, key=lambda e: (e["item"], e["time"]))`
    with `hist[e["user"]].append(e["item"])`; where the file reads lists from their ends.
    """
    if not _reads_ends(source):
        return
    for call in source.calls_named("sort_values"):
        by = call.args[0] if call.args else keyword(call, "by")
        columns = (
            [c.value for c in by.elts if isinstance(c, ast.Constant)] if isinstance(by, ast.List) else []
        )
        function = source.function_of(call)
        sorts = [
            c
            for c in source.calls_named("sort_values", "sort_index", "sort")
            if source.function_of(c) is function
        ]
        if len(columns) != 2 or len(sorts) != 1:
            continue
        for gather in source.calls_named(*GATHERS):
            if source.function_of(gather) is function and _gathers(source, gather, columns[0], columns[1]):
                yield call
                break
    for call in source.calls_named("sorted", "sort"):
        if _is_sorted_by_what_it_fills(source, call):
            yield call


def _reads_ends(source: ParsedFile) -> bool:
    """Whether anything is read from the end of a list: `x[-1]`, `x[:-1]`, `x[-n:]`."""
    for part in source.within(source.nodes[0], ast.Subscript):
        index = part.slice
        ends = (index.lower, index.upper) if isinstance(index, ast.Slice) else (index,)
        if any(isinstance(end, ast.UnaryOp) and isinstance(end.op, ast.USub) for end in ends):
            return True
    return False


def _gathers(source: ParsedFile, call: ast.Call, group: object, value: object) -> bool:
    """Whether a call gathers one column into lists, by another: `groupby(group)[value].apply(list)`, `groupby(group).agg({value: list})`."""
    given = [*call.args, *(k.value for k in call.keywords)]
    if not any(
        (isinstance(n, ast.Name) and n.id == "list") or (isinstance(n, ast.Constant) and n.value == "list")
        for one in given
        for n in ast.walk(one)
    ):
        return False
    own = call.func.value if isinstance(call.func, ast.Attribute) else None
    named = [w for one in given for w in words_of(one)]
    if isinstance(own, ast.Subscript):
        named += list(words_of(own.slice))
        own = own.value
    grouped = (
        isinstance(own, ast.Call)
        and called_name(own) == "groupby"
        and group in [w for a in own.args for w in words_of(a)]
    )
    others = [
        w
        for w in named
        if w not in ("list", value) and any(v in w.lower() for v in ("time", "date", "stamp"))
    ]
    return bool(grouped) and value in named and not others


def _is_sorted_by_what_it_fills(source: ParsedFile, call: ast.Call) -> bool:
    key = keyword(call, "key")
    if not isinstance(key, ast.Lambda) or len(key.args.args) != 1 or keyword(call, "reverse") is not None:
        return False
    fields = key.body.elts if isinstance(key.body, ast.Tuple) else [key.body]
    told = [_in_words(field, key.args.args[0].arg) for field in fields]
    for loop in _loops_over(source, call):
        for grown in source.calls_in(*loop.body):
            if (
                called_name(grown) != "append"
                or len(grown.args) != 1
                or not isinstance(loop.target, ast.Name)
            ):
                continue
            filled = _in_words(grown.args[0], loop.target.id)
            own = grown.func.value if isinstance(grown.func, ast.Attribute) else None
            group = _group(own, loop.target.id)
            first = next((field for field in told if field != group), "")
            if filled and group and filled == first and filled != group:
                return True
    return False


def _group(own: ast.expr | None, name: str) -> str:
    """By which field of an event the list is found that it is added to."""
    if isinstance(own, ast.Subscript):
        return _in_words(own.slice, name)
    if isinstance(own, ast.Call) and called_name(own) == "setdefault" and own.args:
        return _in_words(own.args[0], name)
    return ""


def _in_words(node: ast.expr, name: str) -> str:
    """A field of an event as it is written, without the event's name: `["item"]`, `.item`, `[1]`; "" for anything else."""
    if (
        isinstance(node, ast.Subscript)
        and dotted(node.value) == name
        and isinstance(node.slice, ast.Constant)
    ):
        return f"[{node.slice.value!r}]"
    if isinstance(node, ast.Attribute) and dotted(node.value) == name:
        return f".{node.attr}"
    return ""


def _loops_over(source: ParsedFile, call: ast.Call) -> Iterator[ast.For]:
    """The loops of the same function over what a call has sorted."""
    function = source.function_of(call)
    outer = source.parents.get(call)
    if called_name(call) == "sort" and isinstance(call.func, ast.Attribute):
        name = dotted(call.func.value)
    else:
        name = dotted(outer.targets[0]) if isinstance(outer, ast.Assign) else ""
    for loop in source.within(function or source.nodes[0], ast.For):
        if loop.iter is call or (name and dotted(loop.iter) == name and loop.lineno > call.lineno):
            yield loop
