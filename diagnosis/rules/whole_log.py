"""What is still read of a log after it was divided: whether an expression is the whole log, the held-out events included."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from diagnosis.rules.codebase import Codebase, Defined
from diagnosis.rules.parts_of_data import Part, parts_in, parts_named
from diagnosis.rules.source import Function, ParsedFile
from diagnosis.rules.values import How, bindings, owner_of
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
DEEPEST = 4  # calls that hand a log on


@dataclass(frozen=True, kw_only=True, eq=False)
class Division:
    """A statement that divides a log: `train, valid, test = split(log)`. whole: the names that it divides."""

    node: ast.Assign
    whole: frozenset[str]


_KNOWN: "WeakKeyDictionary[ParsedFile, tuple[Division, ...]]" = WeakKeyDictionary()


def divisions(source: ParsedFile) -> tuple[Division, ...]:
    """The statements whose targets are named after training and after a held-out part, and whose value is a call on names."""
    if source not in _KNOWN:
        _KNOWN[source] = tuple(_divisions(source))
    return _KNOWN[source]


def _divisions(source: ParsedFile) -> Iterator[Division]:
    for statement in source.within(source.nodes[0], ast.Assign):
        if not isinstance(statement.value, ast.Call) or not isinstance(statement.targets[0], ast.Tuple):
            continue
        told = parts_in(*statement.targets)
        given = [*statement.value.args, *(k.value for k in statement.value.keywords)]
        whole = {dotted(one) for one in given if isinstance(one, ast.Name) and _may_be_log(one.id)}
        if isinstance(statement.value.func, ast.Attribute) and not statement.value.args:
            own = dotted(statement.value.func.value)
            whole |= {own} if own and "." not in own and _may_be_log(own) else set()
        kept = {name.id for name in ast.walk(statement.targets[0]) if isinstance(name, ast.Name)}
        if not _are_events(kept):
            continue
        if Part.TRAIN in told and told & HELD_OUT and whole - kept:
            yield Division(node=statement, whole=frozenset(whole - kept))


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
    return any(is_whole(repo, file, value, depth + 1) for file, value in given)
