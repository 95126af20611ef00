"""What is still read of a log after it was divided: whether an expression is the whole log, the held-out events included."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from diagnosis.rules.codebase import Codebase, Defined
from diagnosis.rules.parts_of_data import Part, parts_in, parts_named
from diagnosis.rules.source import Function, ParsedFile
from diagnosis.rules.values import How, bindings, names_in, owner_of
from diagnosis.syntax import called_name, dotted

HELD_OUT = {Part.TEST, Part.VALID}
# What a call is told beside the log that it divides: settings, sizes, generators, where the log lies.
BESIDE = {
    *("config", "cfg", "conf", "args", "arg", "opt", "opts", "options", "params", "hparams", "settings", "seed", "rng"),
    *("generator", "device", "logger", "model", "n", "num", "k", "size", "ratio", "frac", "fraction", "path", "dir", "file"),
}  # fmt: skip
LOADERS = {
    "loader",
    "loaders",
    "dataloader",
    "dl",
    "iter",
    "batches",
}  # are made of parts that were divided before
OF_USERS, OF_ITEMS = {"user", "users", "u", "uid", "uids"}, {"item", "items", "i", "iid", "iids"}
COUNTS = ("len", "max", "min", "int", "shape", "unique", "nunique", "sorted", "set", "print", "enumerate")
# Methods and functions that give all events of a log again, or a column of them.
HANDS_ON = (
    "to_numpy",
    "tolist",
    "numpy",
    "copy",
    "astype",
    "long",
    "to",
    "t",
    "transpose",
    "itertuples",
    "to_records",
)
# What a log is once more under another name; and who meets what in it, as the columns are called.
WHOLE = ("edges", "pairs", "events", "values", "t")
EVENTS, USER, ITEM = "events", "user", "item"
USERS = {
    "user",
    "u",
    "uid",
    "customer",
    "visitor",
    "session",
    "reviewer",
    "person",
    "member",
    "account",
    "listener",
    "reader",
}
ITEMS = {"item", "i", "iid", "movie", "song", "track", "artist", "product", "article", "book", "news", "video", "game", "poi",
         "place", "venue", "business", "asin", "sku"}  # fmt: skip
_TAIL = re.compile(r"(?<=[a-z])_?(?:ids?|idx|index|indices|nos?|codes?|s)$")
DEEPEST = 4  # calls that hand a log on


@dataclass(frozen=True, kw_only=True, eq=False)
class Division:
    """A statement that divides a log: `train, valid, test = split(log)`. whole: the names that it divides."""

    node: ast.Assign
    whole: frozenset[str]


_KNOWN: "WeakKeyDictionary[ParsedFile, tuple[Division, ...]]" = WeakKeyDictionary()


def divisions(source: ParsedFile) -> tuple[Division, ...]:
    """The statements whose targets are named after training and after a held-out part, and whose value is a call on names, or cuts
    of one name; and those that held out a part of what such a statement divides.
    """
    if source not in _KNOWN:
        found = [*_called(source), *_cut_apart(source), *_cut_by_user(source)]
        _KNOWN[source] = (*found, *_held_out_before(source, found))
    return _KNOWN[source]


def _called(source: ParsedFile) -> Iterator[Division]:
    """`train, valid, test = split(log)`"""
    for statement, whole, kept in _calls_on_names(source):
        told = parts_in(*statement.targets)
        if _are_events(kept) and Part.TRAIN in told and told & HELD_OUT and whole - kept:
            yield Division(node=statement, whole=frozenset(whole - kept))


def _held_out_before(source: ParsedFile, found: list[Division]) -> Iterator[Division]:
    """`before, test = last_out(log)`, which `train, valid = last_out(before)` follows."""
    for statement, whole, kept in _calls_on_names(source):
        told = parts_in(*statement.targets)
        if not told or told - HELD_OUT or not whole - kept or not _are_events(kept):
            continue
        rest = {name for name in kept if not parts_named([name])}
        function = source.function_of(statement)
        for later in found:
            if (
                later.whole & rest
                and source.function_of(later.node) is function
                and later.node.lineno > statement.lineno
            ):
                yield Division(node=statement, whole=frozenset(whole - kept))
                break


def _calls_on_names(source: ParsedFile) -> Iterator[tuple[ast.Assign, set[str], set[str]]]:
    """Calls whose results are taken apart: the statement, the logs that the call is given, the names that it binds."""
    for statement in source.within(source.nodes[0], ast.Assign):
        if not isinstance(statement.value, ast.Call) or not isinstance(statement.targets[0], ast.Tuple):
            continue
        given = [*statement.value.args, *(k.value for k in statement.value.keywords)]
        whole = {dotted(one) for one in given if isinstance(one, ast.Name) and _may_be_log(one.id)}
        if isinstance(statement.value.func, ast.Attribute) and not statement.value.args:
            own = dotted(statement.value.func.value)
            whole |= {own} if own and "." not in own and _may_be_log(own) else set()
        yield statement, whole, {n.id for n in ast.walk(statement.targets[0]) if isinstance(n, ast.Name)}


def _cut_apart(source: ParsedFile) -> Iterator[Division]:
    """`train, test = rows[:n], rows[n:]`, in one statement or in several of one function."""
    cuts: dict[tuple[Function | None, str], list[tuple[ast.Assign, str]]] = {}
    for statement in source.within(source.nodes[0], ast.Assign):
        (target, *more) = statement.targets
        pairs = [(target, statement.value)]
        if isinstance(target, ast.Tuple) and isinstance(statement.value, ast.Tuple):
            pairs = list(zip(target.elts, statement.value.elts))
        for name, value in pairs if not more else []:
            whole = _is_cut_of(value)
            if isinstance(name, ast.Name) and whole and _may_be_log(whole):
                cuts.setdefault((source.function_of(statement), whole), []).append((statement, name.id))
    for (_, whole), found in cuts.items():
        names = {name for _, name in found}
        told = parts_named(names)
        if (
            Part.TRAIN in told
            and told & HELD_OUT
            and whole not in names
            and _are_events(names)
            and _are_events({whole})
        ):
            yield Division(node=found[-1][0], whole=frozenset({whole}))


def _cut_by_user(source: ParsedFile) -> Iterator[Division]:
    """`train = {u: h[:-2] for u, h in log.items()}` beside `test = {u: h[-1] for u, h in log.items()}`."""
    cuts: dict[tuple[Function | None, str], list[ast.Assign]] = {}
    for statement in source.within(source.nodes[0], ast.Assign):
        made = statement.value
        if not isinstance(made, ast.DictComp) or len(made.generators) != 1:
            continue
        over = made.generators[0].iter
        owner = (
            over.func.value if isinstance(over, ast.Call) and isinstance(over.func, ast.Attribute) else None
        )
        by_user = (
            isinstance(over, ast.Call)
            and called_name(over) == "items"
            and isinstance(made.value, ast.Subscript)
        )
        if isinstance(owner, ast.Name) and by_user and _may_be_log(owner.id):
            cuts.setdefault((source.function_of(statement), owner.id), []).append(statement)
    for (_, whole), found in cuts.items():
        told = parts_in(*(target for statement in found for target in statement.targets))
        if Part.TRAIN in told and told & HELD_OUT:
            yield Division(node=found[-1], whole=frozenset({whole}))


def _is_cut_of(value: ast.expr) -> str:
    """The name that an expression takes some rows of: `rows[:n]`, `df[df.time < t]`, `df.loc[~held]`, `df.iloc[:n].copy()`; else ""."""
    while isinstance(value, ast.Call) and called_name(value) in ("copy", "reset_index"):
        value = getattr(value.func, "value", value.args[0] if value.args else ast.Constant(value=None))
    if not isinstance(value, ast.Subscript):
        return ""
    index, table = value.slice, value.value
    if isinstance(index, ast.Tuple) and index.elts:
        every = isinstance(index.elts[0], ast.Slice) and index.elts[0].lower is index.elts[0].upper is None
        index = index.elts[1] if every and len(index.elts) == 2 else index.elts[0]
        if every and isinstance(index, ast.Subscript) and isinstance(index.slice, ast.Slice):
            index = index.slice  # events are columns: `pairs[:, order[:n]]`
        elif every and not isinstance(index, ast.Slice):
            return ""
    rows = isinstance(index, ast.Slice) and (index.lower is not None or index.upper is not None)
    if not rows and not isinstance(index, ast.Compare | ast.UnaryOp | ast.Name | ast.BinOp):
        return ""
    if isinstance(index, ast.UnaryOp) and not isinstance(index.op, ast.Invert):
        return ""
    if isinstance(table, ast.Attribute) and table.attr in ("loc", "iloc"):
        table = table.value
    return dotted(table) if isinstance(table, ast.Name) else ""


def _may_be_log(name: str) -> bool:
    return not parts_named([name]) and not BESIDE & set(name.lower().split("_"))


def _are_events(targets: set[str]) -> bool:
    """Whether parts hold events, by their names, and are neither loaders nor groups of users or of items."""
    pieces = {piece for name in targets for piece in name.lower().split("_")}
    return not pieces & LOADERS and bool(pieces & OF_USERS) == bool(pieces & OF_ITEMS)


def takes_training(repo: Codebase, call: ast.Call) -> bool:
    """Whether the function or class of the repo that a call names takes the training part out of what it is given: `data.train`."""
    name = called_name(call)
    return any(
        Part.TRAIN in parts_named([part.attr])
        for place in (*repo.functions.get(name, []), *repo.classes.get(name, []))
        for part in place.file.within(place.node, ast.Attribute)
    )


def divided_names(source: ParsedFile, node: ast.AST) -> set[str]:
    """The names that a division before a node, in its function, has taken apart and nothing has rebound."""
    function = source.function_of(node)
    line = getattr(node, "lineno", 0)
    found: set[str] = set()
    for division in divisions(source):
        if source.function_of(division.node) is function and division.node.lineno < line:
            found |= {name for name in division.whole if not _rebound(source, name, division.node, line)}
    return found


def _rebound(source: ParsedFile, name: str, division: ast.Assign, line: int) -> bool:
    return any(
        division.lineno < getattr(binding.node, "lineno", 0) <= line
        for binding in bindings(source, name, division)
    )


def is_whole(repo: Codebase, source: ParsedFile, node: ast.expr, depth: int = 0) -> bool:
    """Whether an expression is a log that the repo divides, handed on by its calls: `Sampler(log, ...)` in a constructor."""
    if isinstance(node, ast.BoolOp):
        return any(is_whole(repo, source, part, depth) for part in node.values)
    if isinstance(node, ast.IfExp):
        return is_whole(repo, source, node.body, depth) or is_whole(repo, source, node.orelse, depth)
    if not isinstance(node, ast.Name) or depth > DEEPEST:
        return False
    if node.id in divided_names(source, node):
        return True
    bound = [b.value for b in bindings(source, node.id, node) if b.how is How.ASSIGNED]
    if bound:
        return (
            len(bound) == 1 and isinstance(bound[0], ast.Name) and is_whole(repo, source, bound[0], depth + 1)
        )
    owner = owner_of(source, node.id, node)
    if owner is None or not isinstance(owner, Function):
        return False
    given = repo.given(Defined(file=source, node=owner), node.id)
    if any(Part.TRAIN in parts_in(value) for _, value in given if isinstance(value, ast.Name)):
        return False  # is made of the training part, and once more of all events for what is to come
    return any(is_whole(repo, file, value, depth + 1) for file, value in given)


def reads_whole(repo: Codebase, source: ParsedFile, *nodes: ast.expr, one_side: bool = False) -> bool:
    """Whether expressions hand on the events of a log that was divided: `log`, `log.users, log.items`, `rows[:, 0], rows[:, 1]`.

    The users alone, or the items alone, tell of no event who met what. one_side: they count all the same, as degrees do.
    """
    names = [name for one in nodes for name in names_in(one) if isinstance(name, ast.Name)]
    found: set[str | int] = set()
    for name in names:
        handed = _handed_on(source, name)
        if handed and is_whole(repo, source, name):
            found |= handed
    numbered = [column for column in found if isinstance(column, int)]
    return EVENTS in found or {USER, ITEM} <= found or len(numbered) > 1 or (one_side and bool(found))


def _handed_on(source: ParsedFile, name: ast.Name) -> set[str | int]:
    """What of a log is handed over: its events, columns of them by kind or number; nothing where it is their number, or a part."""
    found: set[str | int] = _sides(name.id) or {EVENTS}
    inner: ast.AST = name
    outer = source.parents.get(name)
    while isinstance(outer, ast.Subscript | ast.Attribute) and outer.value is inner:
        if isinstance(outer, ast.Subscript):
            found = _columns(outer.slice)
        else:
            called = source.parents.get(outer)
            if isinstance(called, ast.Call) and called.func is outer:
                return found if outer.attr in HANDS_ON and _is_taken(source, called) else set()
            if outer.attr.lower() not in WHOLE:
                found = _sides(outer.attr)
        if not found:
            return found
        inner, outer = outer, source.parents.get(outer)
    return found if _is_taken(source, inner) else set()


def _is_taken(source: ParsedFile, node: ast.AST) -> bool:
    outer = source.parents.get(node)
    if isinstance(outer, ast.Call):
        return called_name(outer) not in COUNTS
    return isinstance(outer, ast.List | ast.Tuple | ast.keyword | ast.BoolOp | ast.Starred | ast.For)


def _columns(index: ast.expr) -> set[str | int]:
    """What a subscript takes of all events: `"user"`, `["user", "item"]`, `0`, `:, 0`, `:, :2`; nothing where it takes a part of them."""
    if isinstance(index, ast.Tuple) and len(index.elts) == 2:
        first, second = index.elts
        every = isinstance(first, ast.Slice) and first.lower is None and first.upper is None
        if not every or isinstance(second, ast.Name | ast.Compare):
            return set()
        return _columns(second) if isinstance(second, ast.Constant) else {EVENTS}
    if isinstance(index, ast.List):
        return {side for part in index.elts if isinstance(part, ast.Constant) for side in _columns(part)}
    if not isinstance(index, ast.Constant):
        return set()
    return {index.value} if isinstance(index.value, int) else _sides(str(index.value))


def _sides(word: str) -> set[str | int]:
    """Whether a name is of the users or of the items of events, and not of their number, features or kinds: `user_ids`, `movieId`."""
    stem = _TAIL.sub("", word.lower().strip("_"))
    return {USER} if stem in USERS else {ITEM} if stem in ITEMS else set()
