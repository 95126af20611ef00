"""Static rule: events of one time are put in the order of their items' ids."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Nature
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.rule import Rule
from diagnosis.rules.sorted_records import by_item_within_time, is_day, is_user, records_sorted
from diagnosis.rules.source import ParsedFile, keyword
from diagnosis.rules.time_unsorted import only_counted, sorts_within_days
from diagnosis.rules.timestamps import tells_time
from diagnosis.rules.values import bound_to, words_of
from diagnosis.syntax import called_name

KIND = FindingKind(
    code="ties-broken-by-item",
    found_by=FoundBy.RULE,
    title="Ties in time are broken by item id",
    why="Which of two simultaneous events is last, and held out, then depends on their ids, which a model can learn.",
    definition="Events are sorted by time, and by item after it.",
    nature=Nature.ADVICE,  # what it costs depends on how many events share a time, and where few do it costs nothing
    sources=("github.com/yueqirex/LRURec/issues/1",),
)

ITEMS = ("item", "items", "iid", "itemid", "movie", "movieid", "asin", "sid", "product", "track", "book")
ROUNDS = ("floor", "floor_divide", "round", "trunc", "astype", "to", "int", "long")


def ties_broken_by_item(source: ParsedFile) -> Iterator[RuleHit]:
    """`np.lexsort((items, times, users))`, `df.sort_values(["user", "time", "item"])`, keys of `sorted`."""
    told = set(sorts_within_days(source))  # "histories lose the order of time" says it, and more
    for call in source.calls_named("sorted", "sort", "lexsort", "sort_values"):
        pair = sorted_pair(source, call)
        if pair is not None and _is_time(source, pair[0]) and any(map(is_item, pair[1:])):
            yield source.hit(
                KIND.code,
                call,
                "sorts pairs of time and item, which puts simultaneous events in the order of their items: sort by time alone",
            )
            continue
        if call in told:
            continue
        if any(map(by_item_within_time, records_sorted(source, call))) and not only_counted(source, call):
            yield source.hit(
                KIND.code,
                call,
                "compares whole records, which puts simultaneous events in the order of their items: sort by user and time alone",
            )
            continue
        keys = _keys(call)
        times = [place for place, key in enumerate(keys) if _is_time(source, key)]
        after = keys[times[0] + 1 :] if len(times) == 1 else []
        if any(is_item(key) for key in after):
            yield source.hit(
                KIND.code,
                call,
                "puts simultaneous events in the order of their items: keep the order of the log",
            )


def sorts_by_item(source: ParsedFile, call: ast.Call) -> bool:
    """Whether pairs of item and time are sorted without a key, so that the item decides, and nothing gathers them by item or sorts
    them again.
    """
    pair = sorted_pair(source, call)
    if pair is None or not is_item(pair[0]) or not any(_is_time(source, part) for part in pair[1:]):
        return False
    around = source.function_of(call) or source.nodes[0]
    return not any(
        called_name(c) == "groupby"
        or (called_name(c) in ("sorted", "sort") and any(k.arg == "key" for k in c.keywords))
        for c in source.calls_in(around)
    )


def sorted_pair(source: ParsedFile, call: ast.Call) -> list[ast.expr] | None:
    """`sorted(rows)` or `rows.sort()` without a key: the tuple that was appended to the rows, here or one name away."""
    if called_name(call) not in ("sorted", "sort") or any(k.arg == "key" for k in call.keywords):
        return None
    own = call.func.value if isinstance(call.func, ast.Attribute) and called_name(call) == "sort" else None
    given = own if own is not None else (call.args or [None])[0]
    around = source.function_of(call) or source.nodes[0]
    if given is None or not isinstance(given, ast.Name | ast.Subscript):
        return None
    names = {part.id for part in ast.walk(given) if isinstance(part, ast.Name)}
    for name in [n for n in ast.walk(given) if isinstance(n, ast.Name)]:
        names |= {
            part.id
            for value in bound_to(source, name)
            for part in ast.walk(value)
            if isinstance(part, ast.Name)
        }
    for fill in source.calls_in(around):
        pair = fill.args[0] if called_name(fill) in ("append", "add") and fill.args else None
        if not isinstance(pair, ast.Tuple) or len(pair.elts) < 2 or not isinstance(fill.func, ast.Attribute):
            continue
        if names & {part.id for part in ast.walk(fill.func.value) if isinstance(part, ast.Name)}:
            return pair.elts
    return None


def puts_items_within_days(source: ParsedFile, call: ast.Call) -> bool:
    """`np.lexsort((items, times // 86400, users))`, where the day may have a name."""
    keys = _keys(call)
    if called_name(call) != "lexsort" or len(keys) != 3 or not is_user(keys[0]) or not is_item(keys[2]):
        return False
    days = bound_to(source, keys[1]) if isinstance(keys[1], ast.Name) else [keys[1]]
    return len(days) == 1 and is_day(days[0])


def _keys(call: ast.Call) -> list[ast.expr]:
    """What a call sorts by, the first to count first; [] for calls that sort by one thing, or by none."""
    name = called_name(call)
    given: ast.expr | None = None
    if name == "lexsort":
        given = call.args[0] if call.args else keyword(call, "keys")
    elif name == "sort_values":
        given = call.args[0] if call.args else keyword(call, "by")
    elif name in ("sorted", "sort"):
        key = keyword(call, "key")
        given = key.body if isinstance(key, ast.Lambda) else None
    keys = list(given.elts) if isinstance(given, ast.Tuple | ast.List) else []
    return keys[::-1] if name == "lexsort" else keys


def _is_time(source: ParsedFile, key: ast.expr) -> bool:
    """Whether a key is a time, or was computed from one: `days = times // 86400`."""
    if any(tells_time(word) for word in words_of(key)):
        return True
    made = bound_to(source, key) if isinstance(key, ast.Name) and not is_item(key) else []
    return any(_reckons(value) and any(tells_time(w) for w in words_of(value)) for value in made)


def _reckons(value: ast.expr) -> bool:
    """Whether a value is made of numbers by reckoning or rounding, and not by taking some of them."""
    if isinstance(value, ast.BinOp):
        return True
    return isinstance(value, ast.Call) and called_name(value) in ROUNDS


def is_item(key: ast.expr) -> bool:
    """Whether a name of a key says item."""
    words = [word.lower().replace("-", "_") for word in words_of(key)]
    return any(piece in ITEMS for word in words for piece in word.split(":")[0].split("_"))


RULE = Rule(kind=KIND, run=ties_broken_by_item)
