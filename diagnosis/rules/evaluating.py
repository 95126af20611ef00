"""Which functions of a file rank items to judge a model, and which ones train."""

import ast
from weakref import WeakKeyDictionary

from diagnosis.rules.parts_of_data import Part, parts_named
from diagnosis.rules.source import Function, Loop, ParsedFile, is_backward
from diagnosis.rules.written_steps import moves_rows
from diagnosis.syntax import called_name, dotted

RANKS = {"topk", "argsort", "argpartition", "nlargest", "rankdata", "top_k"}
LENGTHS = {"len", "lens", "length", "lengths", "time", "times", "timestamp", "timestamps", "sizes"}
MOST_LEVELS = 4  # of calls between the function that ranks and its helpers
NOT_CALLS = {
    "forward",
    "__init__",
    "__call__",
    "append",
    "get",
    "update",
    "items",
    "join",
    "sum",
    "mean",
    "add",
    "eval",
    "train",
}
EVALUATES = ("eval", "metric", "ndcg", "recall", "hit")  # in names of what judges
FEEDS = {"__getitem__", "__iter__", "collate_fn", "training_step", "forward", "calculate_loss", "loss"}

_REACHED: "WeakKeyDictionary[ParsedFile, tuple[frozenset[Function], frozenset[Function]]]" = (
    WeakKeyDictionary()
)
_RANKING: "WeakKeyDictionary[ParsedFile, frozenset[Function]]" = WeakKeyDictionary()


def evaluators(source: ParsedFile) -> frozenset[Function]:
    """The functions that rank items and train nothing, those that call them, and the helpers of either.

    A function that training uses as well is none of them.
    """
    if source not in _REACHED:
        _REACHED[source] = _both(source)
    judging, training = _REACHED[source]
    return judging - training


def trainers(source: ParsedFile) -> frozenset[Function]:
    """The functions that call `backward` or move rows by a rate, make examples or a loss, and their helpers."""
    evaluators(source)
    return _REACHED[source][1]


def ranks(source: ParsedFile, function: Function) -> bool:
    """Whether the function itself ranks: it sorts scores, takes the best, or counts those above one."""
    return function in ranking_functions(source)


def ranking_functions(source: ParsedFile) -> frozenset[Function]:
    """The functions of a file that rank, themselves or in a function inside them."""
    if source not in _RANKING:
        found = [call for call in source.calls_named(*RANKS) if not _of_lengths(source, call)]
        found += [call for call in source.calls_named("sum", "count_nonzero") if is_count_above(call)]
        found += [call for call in source.calls_named("sort") if _sorts_scores(source, call)]
        _RANKING[source] = frozenset(
            outer for call in found for outer in source.around(call) if isinstance(outer, Function)
        )
    return _RANKING[source]


def _sorts_scores(source: ParsedFile, call: ast.Call) -> bool:
    """`torch.sort(scores, descending=True)`, `scores.sort(dim=1, descending=True)`"""
    if called_name(call) != "sort":
        return False
    falling = next((k.value for k in call.keywords if k.arg == "descending"), None)
    return isinstance(falling, ast.Constant) and falling.value is True and not _of_lengths(source, call)


def is_count_above(call: ast.Call) -> bool:
    """`(scores > score).sum()`, or `np.sum(scores > score)`."""
    if called_name(call) not in ("sum", "count_nonzero"):
        return False
    inner = summed(call)
    return (
        isinstance(inner, ast.Compare)
        and isinstance(inner.ops[0], ast.Gt | ast.GtE | ast.Lt | ast.LtE)
        and not isinstance(inner.comparators[0], ast.Constant)
    )


def _of_lengths(source: ParsedFile, call: ast.Call) -> bool:
    """Whether rows are put in order by their lengths or times, as batches are: `argsort((rows > 0).sum(1))`."""
    of_module = source.full_name(call).startswith(("torch.", "numpy."))
    own = call.func.value if isinstance(call.func, ast.Attribute) and not of_module else None
    value = own if own is not None else (call.args or [None])[0]
    parts = list(ast.walk(value)) if value is not None and called_name(call) in ("argsort", "sort") else []
    words = [
        dotted(part).rpartition(".")[2].lower()
        for part in parts
        if isinstance(part, ast.Name | ast.Attribute)
    ]
    return any(isinstance(part, ast.Call) and _counts_filled(part) for part in parts) or any(
        piece in LENGTHS for word in words for piece in word.split("_")
    )


def _counts_filled(call: ast.Call) -> bool:
    """`(rows > 0).sum(1)`"""
    inner = summed(call) if called_name(call) in ("sum", "count_nonzero") else None
    return isinstance(inner, ast.Compare) and isinstance(inner.comparators[0], ast.Constant)


def summed(call: ast.Call) -> ast.expr | None:
    """What `x.sum(1)` or `np.sum(x, 1)` sums."""
    own = call.func.value if isinstance(call.func, ast.Attribute) else None
    return own if own is not None and not isinstance(own, ast.Name) else (call.args or [own])[0]


def _both(source: ParsedFile) -> tuple[frozenset[Function], frozenset[Function]]:
    steps = {
        outer
        for call in source.calls_named("backward")
        if is_backward(call)
        for outer in source.around(call)
        if isinstance(outer, Function)
    } | {function for function in source.functions if moves_rows(source, function)}
    feeds = {f for f in source.functions if f.name in FEEDS}
    if not steps and not feeds and not ranking_functions(source):
        return frozenset(), frozenset()
    methods = {f for f in source.functions if isinstance(source.parents.get(f), ast.ClassDef)}
    calls = {f: _called(source, f, methods) for f in source.functions}
    taught = {f: _called(source, f, methods, taught_calls(source, f)) for f in steps}
    training = _below(steps | feeds, calls | taught)
    ranking = set(ranking_functions(source)) - steps
    callers = _above(ranking, calls) - steps - _above(steps, calls)
    return frozenset(_below(ranking | callers, calls)), frozenset(training)


def taught_calls(source: ParsedFile, function: Function) -> list[ast.Call]:
    """The calls of a function with `backward` that belong to its training: not those behind its loop over batches, and none that its
    author names after evaluation, by which the same function judges what it has trained.
    """
    calls = source.calls_in(function)
    ends = [
        source.ends[source.places[loop]]
        for call in calls
        if is_backward(call) and (loop := _loop_in(source, function, call)) is not None
    ]
    last = max(ends, default=None)
    return [
        call
        for call in calls
        if (last is None or source.places[call] < last) and not _names_evaluation(called_name(call))
    ]


def _loop_in(source: ParsedFile, function: Function, node: ast.AST) -> Loop | None:
    """The innermost loop of a function around a node."""
    for outer in source.around(node):
        if outer is function:
            return None
        if isinstance(outer, Loop):
            return outer
    return None


def _names_evaluation(name: str) -> bool:
    return any(word in name.lower() for word in EVALUATES) or bool(
        parts_named([name]) & {Part.VALID, Part.TEST}
    )


def _called(
    source: ParsedFile, function: Function, methods: set[Function], calls: list[ast.Call] | None = None
) -> set[Function]:
    """The functions of this file that calls, all in a function unless some are given, may mean: `x.name()` means a method, `name()` none."""
    ways = {
        (called_name(call), isinstance(call.func, ast.Attribute))
        for call in (source.calls_in(function) if calls is None else calls)
        if _is_own(source, call)
    }
    return {f for f in source.functions if (f.name, f in methods) in ways}


def _is_own(source: ParsedFile, call: ast.Call) -> bool:
    """Whether a call may mean a function of this file, rather than one of a module that it imports."""
    head = dotted(call.func).partition(".")[0]
    name = called_name(call)
    return (name not in NOT_CALLS or dotted(call.func) == "self.update") and not (
        head in source.imports and isinstance(call.func, ast.Attribute)
    )


def _below(roots: set[Function], calls: dict[Function, set[Function]]) -> set[Function]:
    """The functions and those that they call, MOST_LEVELS deep."""
    found = set(roots)
    for _ in range(MOST_LEVELS):
        found |= {called for f in found for called in calls[f]}
    return found


def _above(roots: set[Function], calls: dict[Function, set[Function]]) -> set[Function]:
    """The functions that call one of the roots, MOST_LEVELS deep."""
    found = set(roots)
    for _ in range(MOST_LEVELS):
        found |= {f for f in calls if calls[f] & found}
    return found - roots
