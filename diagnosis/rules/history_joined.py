"""Histories that an evaluation joins of all parts, the one that it asks for included: `{u: train[u] + valid[u] + test[u] for u in users}`."""

import ast
from collections.abc import Iterator

from diagnosis.rules.codebase import Codebase, Defined
from diagnosis.rules.parts_of_data import Part, parts_named
from diagnosis.rules.places_from import number
from diagnosis.rules.repeated import callee
from diagnosis.rules.source import Function, ParsedFile
from diagnosis.rules.values import parameters
from diagnosis.syntax import dotted


def joined_with_target(repo: Codebase, source: ParsedFile) -> Iterator[tuple[ast.Assign, str]]:
    """(statement, part): tables by user that are joined with a part, and handed, beside this very part, to a function that reads the newest
    events of the table: `rank(model, past, test)` with `window(past[u])`, which is `items[-n:]`.
    """
    for statement in source.within(source.nodes[0], ast.Assign):
        made = statement.value
        if not isinstance(made, ast.DictComp) or len(statement.targets) != 1:
            continue
        parts = list(_joined(made.value))
        name, held = dotted(statement.targets[0]), parts[-1] if len(parts) > 1 else ""
        if not name or not held or Part.TRAIN in parts_named([held]) or not parts_named([held]):
            continue
        for call in source.calls_in(source.function_of(statement) or source.nodes[0]):
            given = [dotted(one) for one in call.args]
            if name not in given or held not in given:
                continue
            reached = callee(repo, source, call)
            word = _parameter(reached, given.index(name)) if reached is not None else ""
            if reached is not None and word and _reads_newest(repo, reached, word):
                yield statement, held
                break


def _joined(value: ast.expr) -> Iterator[str]:
    """The names of lists by user that are added: train, valid and test of `train[u] + valid[u] + [test[u]]`."""
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add):
        yield from _joined(value.left)
        yield from _joined(value.right)
        return
    if isinstance(value, ast.List) and len(value.elts) == 1:
        value = value.elts[0]
    yield dotted(value.value) if isinstance(value, ast.Subscript) else ""


def _parameter(function: Defined, place: int) -> str:
    names = parameters(function.node) if isinstance(function.node, Function) else []
    names = names[1:] if names[:1] == ["self"] else names
    return names[place] if place < len(names) else ""


def _reads_newest(repo: Codebase, function: Defined, word: str, *, of_user: bool = True) -> bool:
    """Whether a function cuts the newest events of what a parameter holds of a user: `past[u][-n:]`, itself or by a function that it calls."""
    file = function.file
    for part in file.within(function.node, ast.Subscript):
        window = part.slice
        if isinstance(window, ast.Slice) and window.upper is None and _is_negative(window.lower):
            inner = part.value.value if of_user and isinstance(part.value, ast.Subscript) else part.value
            if dotted(inner) == word and (not of_user or inner is not part.value):
                return True
    for call in file.calls_in(function.node) if of_user else ():
        for place, given in enumerate(call.args):
            if isinstance(given, ast.Subscript) and dotted(given.value) == word:
                reached = callee(repo, file, call)
                inside = _parameter(reached, place) if reached is not None else ""
                if reached is not None and inside and _reads_newest(repo, reached, inside, of_user=False):
                    return True
    return False


def _is_negative(node: ast.expr | None) -> bool:
    return isinstance(node, ast.UnaryOp) or (node is not None and (number(node) or 0) < 0)
