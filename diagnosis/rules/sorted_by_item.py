"""Where a user's events are put in the order of their items' ids, in programs that read them as sequences."""

import ast
import re
from collections.abc import Iterator

from diagnosis.rules.codebase import Codebase, once
from diagnosis.rules.places_from import number
from diagnosis.rules.sorted_records import is_user
from diagnosis.rules.source import Function, ParsedFile, keyword
from diagnosis.rules.ties_by_item import is_item, puts_items_within_days
from diagnosis.rules.time_unsorted import gathers_lists
from diagnosis.rules.timestamps import tells_time
from diagnosis.rules.values import How, bindings, words_of
from diagnosis.syntax import called_name, dotted

SORTS = ("argsort", "lexsort", "sort_values", "sorted", "sort")
# What reads events one after the other, and is of no use where their order is that of ids.
READ_IN_ORDER = ("GRU", "LSTM", "RNN", "GRUCell", "LSTMCell", "MultiheadAttention", "TransformerEncoder", "TransformerEncoderLayer",
                 "pack_padded_sequence", "pad_sequence", "tril", "triu", "scaled_dot_product_attention")  # fmt: skip
OF_SEQUENCES = ("seq", "seqs", "sequence", "sequences", "session", "sessions", "sequential", "next")


def sorted_by_item(source: ParsedFile) -> Iterator[ast.Call]:
    """`np.lexsort((items, users))`; `sorted(zip(users, items, times))`, gathered into a list for each user."""
    repo = source.repo
    if repo is None or not repo.whole:
        return
    for call in source.calls_named("lexsort"):
        if (
            puts_items_within_days(source, call)
            and _is_read_in_order(repo, source, call)
            and _orders_items(source, call)
        ):
            yield call
        if (
            _puts_items_before_time(call)
            and _is_read_in_order(repo, source, call)
            and not _sorts_by_time(repo)
            and _orders_items(source, call)
        ):
            yield call
    for call in source.calls_named("sorted"):
        function = source.function_of(call)
        if (
            function is not None
            and _is_of_columns_with_item_first(call)
            and _is_gathered(source, function, call)
        ):
            yield call


def distinct_by_id(source: ParsedFile) -> Iterator[ast.Call]:
    """`self.train[u] = sorted(set(items))`, where `train[u][-n:]` is read anywhere in the repo."""
    repo = source.repo
    for call in source.calls_named("sorted", "list", "tolist") if repo is not None and repo.whole else ():
        if repo is not None and _is_of_set(call) and _holders(source, call) & _read_from_their_ends(repo):
            yield call


def _puts_items_before_time(call: ast.Call) -> bool:
    """Whether the keys are users, then items: the last of `lexsort` counts first."""
    given = call.args[0] if call.args else keyword(call, "keys")
    keys = list(given.elts)[::-1] if isinstance(given, ast.Tuple | ast.List) else []
    return (
        len(keys) > 1
        and is_user(keys[0])
        and is_item(keys[1])
        and not any(tells_time(w) for w in words_of(keys[1]))
    )


def _is_read_in_order(repo: Codebase, source: ParsedFile, call: ast.Call) -> bool:
    """Whether sequences are read in the repo, or items beside those that follow them, `item[:-1]` and `item[1:]`, where they are sorted."""
    around = source.function_of(call) or source.nodes[0]
    cuts = [
        part
        for part in source.within(around, ast.Subscript)
        if isinstance(part.slice, ast.Slice) and is_item(part.value)
    ]
    later = {
        dotted(part.value) for part in cuts if number(part.slice.lower) == 1 and part.slice.upper is None
    }
    before = {
        dotted(part.value) for part in cuts if number(part.slice.upper) == -1 and part.slice.lower is None
    }
    return bool(later & before) or _reads_in_order(repo)


@once
def _reads_in_order(repo: Codebase) -> bool:
    """Whether a model of the repo reads sequences, by its layers and by what functions and classes are called."""
    if next(repo.calls(*READ_IN_ORDER), None) is not None:
        return True
    names = [*repo.functions, *repo.classes]
    return any(piece.lower() in OF_SEQUENCES for name in names for piece in re.findall("[A-Z]?[a-z]+", name))


@once
def _sorts_by_time(repo: Codebase) -> bool:
    """Whether anything in the repo is sorted by a time."""
    for made in repo.calls(*SORTS):
        given = [*made.call.args, *(k.value for k in made.call.keywords)]
        if isinstance(made.call.func, ast.Attribute):
            given.append(made.call.func.value)
        if any(tells_time(word) for one in given for word in words_of(one)):
            return True
    return False


def _orders_items(source: ParsedFile, call: ast.Call) -> bool:
    """Whether the order is taken to lay out items: `items[order]`."""
    outer = source.parents.get(call)
    if isinstance(outer, ast.Subscript) and outer.slice is call:
        return is_item(outer.value)
    names = (
        {dotted(target) for target in outer.targets} - {""} if isinstance(outer, ast.Assign) else set[str]()
    )
    around = source.function_of(call) or source.nodes[0]
    return any(
        dotted(part.slice) in names and is_item(part.value) for part in source.within(around, ast.Subscript)
    )


def _is_of_columns_with_item_first(call: ast.Call) -> bool:
    """`sorted(zip(users, items, times))` without a key."""
    columns = call.args[0] if len(call.args) == 1 and not call.keywords else None
    if not isinstance(columns, ast.Call) or called_name(columns) != "zip" or len(columns.args) < 3:
        return False
    items = [place for place, column in enumerate(columns.args) if is_item(column)]
    times = [
        place for place, column in enumerate(columns.args) if any(tells_time(w) for w in words_of(column))
    ]
    return is_user(columns.args[0]) and items == [1] and bool(times)


def _is_gathered(source: ParsedFile, function: Function, call: ast.Call) -> bool:
    """Whether a list for each user is made of what is sorted, and nothing else in the function sorts."""
    if len([c for c in source.calls_named(*SORTS) if source.function_of(c) is function]) > 1:
        return False
    outer = source.parents.get(call)
    name = dotted(outer.targets[0]) if isinstance(outer, ast.Assign) else ""
    return bool(name) and gathers_lists(source, function, name)


def _is_of_set(call: ast.Call) -> bool:
    """`sorted(set(items))`, `list(set(items))`, `np.unique(items).tolist()`."""
    if called_name(call) == "tolist":
        inner: ast.expr | None = call.func.value if isinstance(call.func, ast.Attribute) else None
        return (
            isinstance(inner, ast.Call)
            and called_name(inner) == "unique"
            and len(inner.args) == 1
            and not inner.keywords
        )
    inner = (
        call.args[0]
        if len(call.args) == 1 and not call.keywords and isinstance(call.func, ast.Name)
        else None
    )
    made = (
        isinstance(inner, ast.Call)
        and isinstance(inner.func, ast.Name)
        and inner.func.id == "set"
        and len(inner.args) == 1
    )
    return made or isinstance(inner, ast.SetComp)


def _holders(source: ParsedFile, call: ast.Call) -> set[str]:
    """By what a table of such lists goes: `train` of `self.train[u] = ...`, `train = {u: ... for u, ...}`, `train.append(...)`."""
    outer = source.parents.get(call)
    if isinstance(outer, ast.Assign) and isinstance(outer.targets[0], ast.Subscript):
        return {dotted(outer.targets[0].value).rpartition(".")[2]} - {""}
    if isinstance(outer, ast.DictComp | ast.ListComp):
        kept = source.parents.get(outer)
        return (
            {dotted(target).rpartition(".")[2] for target in kept.targets} - {""}
            if isinstance(kept, ast.Assign)
            else set()
        )
    return set()


@once
def _read_from_their_ends(repo: Codebase) -> frozenset[str]:
    """The names of tables whose lists are read from their ends: `train` of `train[u][-n:]` and of `for items in train: items[:-1]`."""
    found: set[str] = set()
    for file in repo.files:
        for part in file.within(file.nodes[0], ast.Subscript):
            index = part.slice
            ends = (index.lower, index.upper) if isinstance(index, ast.Slice) else (index,)
            if not any(isinstance(end, ast.UnaryOp) and isinstance(end.op, ast.USub) for end in ends):
                continue
            found |= _tables_of(file, part.value)
    return frozenset(found - {""})


def _tables_of(file: ParsedFile, lists: ast.expr) -> set[str]:
    """The tables that a list may be of."""
    if isinstance(lists, ast.Subscript) and not isinstance(
        lists.slice, ast.Slice | ast.Constant | ast.UnaryOp
    ):
        return {dotted(lists.value).rpartition(".")[2]}
    if not isinstance(lists, ast.Name):
        return set()
    found: set[str] = set()
    for binding in bindings(file, lists.id, lists):
        value = binding.value
        if (
            binding.how is How.ASSIGNED
            and isinstance(value, ast.Subscript)
            and not isinstance(value.slice, ast.Slice | ast.Constant)
        ):
            found.add(dotted(value.value).rpartition(".")[2])
        if binding.how is How.ITERATED and binding.position in (None, 1):
            if (
                isinstance(value, ast.Call)
                and called_name(value) in ("items", "values")
                and isinstance(value.func, ast.Attribute)
            ):
                value = value.func.value
            found.add(dotted(value).rpartition(".")[2])
    return found
