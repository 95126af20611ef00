"""Static rule: histories are gathered from a table whose order of time is lost, reversed, or that of words."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.places_from import number
from diagnosis.rules.rule import Rule
from diagnosis.rules.sorted_by_item import distinct_by_id, sorted_by_item
from diagnosis.rules.sorted_by_value import sorted_by_value
from diagnosis.rules.sorted_late import held_out_before_sort
from diagnosis.rules.source import Function, ParsedFile, is_false, keyword
from diagnosis.rules.ties_by_item import sorts_by_item
from diagnosis.rules.time_unsorted import sorts_beside_time, sorts_within_days
from diagnosis.rules.times_as_text import sorted_as_text
from diagnosis.rules.timestamps import tells_time
from diagnosis.rules.unique_order import unordered
from diagnosis.rules.values import bindings, words_of
from diagnosis.symptoms import UNORDERED, WEAK
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="histories-lose-their-order",
    found_by=FoundBy.RULE,
    title="Histories lose the order of time",
    why="What is read as the next event, and held out as the newest, is then any event, or the oldest.",
    definition="A table is shuffled before its rows are gathered into lists, is sorted by time from the newest on while the "
    "last of each list is held out, or is sorted by times that were read as text; pairs of item and time are sorted without a key; events are sorted by another field than the time that they carry for it, or by the items that are listed, or by user and item alone where sequences are read, or by day and then by item; or the last row of each user is held out before the rest is sorted by time; or a user's events pass through a set, or through np.unique or torch.unique, which sort by id.",
    explains=("history-out-of-order", "time-reversed", "ties-broken-by-item", *UNORDERED, *WEAK),
)

GATHERS = {"apply", "agg", "aggregate"}
READS = {"read_csv", "read_table"}
TEXT = {"str", "object", "string"}
SEQUENCES = ("seq", "hist", "session")
WITHOUT_ORDER = {
    "set",
    "sets",
    "seen",
    "unique",
    "distinct",
    "mask",
    "masks",
    "pool",
    "pools",
}  # words of what needs none
THROUGH = {
    "reset_index",
    "copy",
    "drop_duplicates",
    "dropna",
    "head",
    "query",
    "rename",
    "astype",
    "assign",
    "fillna",
}


def histories_lose_their_order(source: ParsedFile) -> Iterator[RuleHit]:
    """`df.sample(frac=1).groupby("user")["item"].apply(list)`; `sort_values("time", ascending=False)` with `x[:-1]`."""
    hits: dict[ast.AST, RuleHit] = {}
    for call in source.calls_named(*GATHERS):
        if _into_lists(call):
            for step in _steps(source, _table_of(call)):
                message = _loses(source, step, call)
                if message:
                    hits[step] = source.hit(KIND.code, step, message)
                if called_name(step) in ("sort_values", "sample", "sort_index"):
                    break  # what stands before it counts no more
    for call in source.calls_named("sort_values"):
        if _by_time(call) and _is_of_text(source, call):
            hits[call] = source.hit(
                KIND.code, call, "sorts times as text, in which 999 follows 1000: read them as numbers"
            )
    for call in source.calls_named("sorted", "sort"):
        if sorts_by_item(source, call):
            hits[call] = source.hit(
                KIND.code,
                call,
                "sorts pairs of item and time by their item: give the time as `key`, or put it first",
            )
    for call in held_out_before_sort(source):
        hits[call] = source.hit(
            KIND.code,
            call,
            "takes each user's last row before the rows are sorted by time: sort first, then hold out",
        )
    for call in sorts_beside_time(source):
        hits[call] = source.hit(
            KIND.code,
            call,
            "sorts events by another field than their time, which nothing else reads: sort by the time",
        )
    for call in sorted_by_value(source):
        hits[call] = source.hit(
            KIND.code, call, "sorts events by the items that are then listed for each user: sort by the time"
        )
    for call in sorted_by_item(source):
        hits[call] = source.hit(
            KIND.code,
            call,
            "puts each user's events in the order of their items' ids: sort by user and time",
        )
    for call in sorts_within_days(source):
        hits[call] = source.hit(
            KIND.code,
            call,
            "compares whole records, which puts the events of a day in the order of their items: sort by user and day alone",
        )
    for call in sorted_as_text(source):
        hits[call] = source.hit(
            KIND.code,
            call,
            "sorts by times that are still text, in which 999 follows 1000: make them numbers first",
        )
    for call in source.calls_named("list", "sorted", "unique"):
        if _makes_a_set(source, call) and _is_history(source, call):
            hits[call] = source.hit(
                KIND.code, call, "a set keeps no order of time: drop repeats in order, as by dict.fromkeys"
            )
    for call in distinct_by_id(source):
        hits[call] = source.hit(
            KIND.code, call, "a set keeps no order of time: drop repeats in order, as by dict.fromkeys"
        )
    for call in unordered(source):
        hits[call] = source.hit(
            KIND.code,
            call,
            "unique sorts events by id, not by time: drop repeats in order, as by dict.fromkeys",
        )
    yield from hits.values()


def _makes_a_set(source: ParsedFile, call: ast.Call) -> bool:
    """`list(set(items))`, `sorted(set(items))`, `np.unique(items)` that gives nothing beside."""
    if source.full_name(call) == "numpy.unique":
        return len(call.args) == 1 and not call.keywords
    inner = call.args[0] if called_name(call) in ("list", "sorted") and len(call.args) == 1 else None
    return (
        isinstance(inner, ast.Call) and dotted(inner.func) == "set" and bool(inner.args) and not call.keywords
    )


def _is_history(source: ParsedFile, call: ast.Call) -> bool:
    """Whether the list, made for one user after the other, is cut at its end, or kept among sequences."""
    statement = source.parents.get(call)
    function = source.function_of(call) or source.nodes[0]
    if isinstance(statement, ast.ListComp | ast.DictComp) and source.full_name(call) != "numpy.unique":
        kept = source.parents.get(statement)
        words = [w for t in kept.targets for w in words_of(t)] if isinstance(kept, ast.Assign) else []
        pieces = {piece for word in words for piece in word.lower().split("_")}
        if not any(piece.startswith(SEQUENCES) for piece in pieces) or pieces & WITHOUT_ORDER:
            return False
        uses = [n for n in source.within(function, ast.Name) if n.id in words and isinstance(n.ctx, ast.Load)]
        places = [n for n in uses if isinstance(source.parents.get(n), ast.For) or _is_numbered(source, n)]
        return not uses or len(places) < len(
            uses
        )  # a set that a loop writes into a table of its own needs no order
    if not isinstance(statement, ast.Assign) or not isinstance(statement.targets[0], ast.Name):
        return False
    if not any(isinstance(outer, ast.For) for outer in source.around(statement)):
        return False
    name, begin = statement.targets[0].id, source.places[statement]
    uses = [n for n in source.within(function, ast.Name) if n.id == name and source.places[n] > begin]
    return any(
        _cuts_the_end(source.parents.get(use), use) or _keeps(source.parents.get(use), use) for use in uses
    )


def _is_numbered(source: ParsedFile, name: ast.Name) -> bool:
    """`for row, items in enumerate(name)`"""
    outer = source.parents.get(name)
    loop = (
        source.parents.get(outer)
        if isinstance(outer, ast.Call) and called_name(outer) == "enumerate"
        else None
    )
    return isinstance(loop, ast.For)


def _cuts_the_end(outer: ast.AST | None, name: ast.Name) -> bool:
    """`items[-1]`, `items[:-2]`, `items[-50:]`"""
    if not isinstance(outer, ast.Subscript) or outer.value is not name:
        return False
    ends = [outer.slice.lower, outer.slice.upper] if isinstance(outer.slice, ast.Slice) else [outer.slice]
    return any(isinstance(end, ast.UnaryOp) and isinstance(end.op, ast.USub) for end in ends)


def _keeps(outer: ast.AST | None, name: ast.Name) -> bool:
    """`sessions.append(items)`, `histories[user] = items`"""
    if (
        isinstance(outer, ast.Call)
        and called_name(outer) == "append"
        and isinstance(outer.func, ast.Attribute)
    ):
        holder: ast.expr | None = outer.func.value
    elif (
        isinstance(outer, ast.Assign) and outer.value is name and isinstance(outer.targets[0], ast.Subscript)
    ):
        holder = outer.targets[0].value
    else:
        return False
    return any(piece.startswith(SEQUENCES) for word in words_of(holder) for piece in word.lower().split("_"))


def _loses(source: ParsedFile, step: ast.Call, gathered: ast.Call) -> str:
    whole = keyword(step, "frac")
    if called_name(step) == "sample" and whole is not None and number(whole) == 1:
        return "shuffles the rows before they are gathered into histories: sort them by time after it"
    if (
        called_name(step) == "sort_values"
        and _by_time(step)
        and _is_falling(step)
        and _last_is_taken(source, gathered)
    ):
        return "puts the newest events first, where the last of a history is taken for the newest: sort ascending"
    return ""


def _into_lists(call: ast.Call) -> bool:
    given = (*call.args, *(k.value for k in call.keywords))
    return any(
        dotted(part) == "list" or (isinstance(part, ast.Constant) and part.value == "list")
        for value in given
        for part in ast.walk(value)
    )


def _table_of(call: ast.Call) -> ast.expr | None:
    """The table of `df.groupby("user")["item"].apply(list)`."""
    node: ast.expr | None = call.func
    while node is not None:
        if isinstance(node, ast.Call):
            if called_name(node) == "groupby" and isinstance(node.func, ast.Attribute):
                return node.func.value
            node = node.func
        elif isinstance(node, ast.Attribute | ast.Subscript):
            node = node.value
        else:
            node = None
    return None


def _steps(source: ParsedFile, node: ast.expr | None) -> Iterator[ast.Call]:
    """The calls that made a table, the last one first, as far as they follow each other for sure."""
    seen: set[ast.AST] = set()
    while node is not None and node not in seen:
        seen.add(node)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield node
            node = node.func.value if called_name(node) in {*THROUGH, "sample", "sort_values"} else None
        elif isinstance(node, ast.Name):
            node = _nearest(source, node)
        elif isinstance(node, ast.Subscript):
            node = node.value
        else:
            node = None


def _nearest(source: ParsedFile, name: ast.Name) -> ast.expr | None:
    """What a name is bound to by the statement that is nearest above, in no branch of its own."""
    above = [
        b for b in bindings(source, name.id, name) if b.position is None and b.value.lineno < name.lineno
    ]
    if not above or any(isinstance(source.parents.get(b.node), ast.If) for b in above):
        return None
    changed = [
        c
        for c in source.calls_in(source.function_of(name) or source.nodes[0])
        if dotted(c.func) == f"{name.id}.sort_values" and keyword(c, "inplace") is not None
    ]
    return above[-1].value if not changed else None


def _by_time(call: ast.Call) -> bool:
    given = call.args[0] if call.args else keyword(call, "by")
    return given is not None and any(tells_time(word) for word in words_of(given))


def _is_falling(call: ast.Call) -> bool:
    """`ascending=False`, or of the last of several keys."""
    rising = keyword(call, "ascending")
    return is_false(rising.elts[-1] if isinstance(rising, ast.List | ast.Tuple) and rising.elts else rising)


def _last_is_taken(source: ParsedFile, gathered: ast.Call) -> bool:
    """Whether the function cuts lists at their ends, and turns none round."""
    around = next((o for o in source.around(gathered) if isinstance(o, Function)), source.nodes[0])
    cuts = source.within(around, ast.Subscript)
    if any(isinstance(c.slice, ast.Slice) and number(c.slice.step) == -1 for c in cuts):
        return False
    if any(called_name(c) in ("reversed", "reverse", "flip") for c in source.calls_in(around)):
        return False
    firsts = any(
        number(c.slice) == 0 or (isinstance(c.slice, ast.Slice) and number(c.slice.lower) == 1) for c in cuts
    )
    return not firsts and any(
        number(c.slice) == -1 or (isinstance(c.slice, ast.Slice) and number(c.slice.upper) == -1)
        for c in cuts
    )


def _is_of_text(source: ParsedFile, call: ast.Call) -> bool:
    """Whether a table was read with all columns, or those of time, as text, and nothing made numbers of them."""
    table = call.func.value if isinstance(call.func, ast.Attribute) else None
    for step in [*_steps(source, table), *_read(source, table)]:
        kind = keyword(step, "dtype") if called_name(step) in READS else None
        if kind is not None and (dotted(kind) in TEXT or getattr(kind, "value", "") in TEXT):
            casts = source.calls_named("astype", "to_numeric", "to_datetime")
            return not casts
    return False


def _read(source: ParsedFile, node: ast.expr | None) -> list[ast.Call]:
    values = [b.value for b in bindings(source, node.id, node)] if isinstance(node, ast.Name) else []
    return [value for value in values if isinstance(value, ast.Call) and called_name(value) in READS]


RULE = Rule(kind=KIND, run=histories_lose_their_order)
