"""Whether a repo turns histories round anywhere, so that the newest event may come first in all of it."""

import ast

from diagnosis.rules.codebase import Codebase, once
from diagnosis.rules.places_from import number
from diagnosis.rules.source import ParsedFile, is_false, keyword
from diagnosis.rules.values import words_of
from diagnosis.syntax import called_name

TURNS = ("reversed", "flip", "flipud", "fliplr", "flip_", "reverse")
ORDERS = (
    "argsort",
    "argpartition",
    "sort",
    "lexsort",
    "sorted",
)  # of scores, whose end is turned to the front
TIMES = {"time", "times", "timestamp", "timestamps", "ts", "date", "datetime", "t", "unix"}


@once
def turns_histories(repo: Codebase) -> bool:
    """Whether anything in a repo turns a sequence round, `history[::-1]`, `reversed(seq)`, or sorts by time from the newest on."""
    return any(
        _turns(file)
        or any(
            is_false(keyword(call, "ascending")) and _pieces(call) & TIMES
            for call in file.calls_named("sort_values")
        )
        for file in repo.files
    )


def _turns(file: ParsedFile) -> bool:
    if any(not _is_of_order(file, call) for call in file.calls_named(*TURNS)):
        return True
    return any(
        isinstance(part.slice, ast.Slice)
        and part.slice.step is not None
        and number(part.slice.step) == -1
        and not _is_of_order(file, part)
        for part in file.within(file.nodes[0], ast.Subscript)
    )


def _is_of_order(file: ParsedFile, node: ast.AST) -> bool:
    """Whether an order of scores is turned: `np.argsort(scores)[::-1]`."""
    return any(called_name(call) in ORDERS for call in file.calls_in(node))


def _pieces(call: ast.Call) -> set[str]:
    return {piece for word in words_of(call) for piece in word.lower().split("_")}
