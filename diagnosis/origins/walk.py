"""Everything that a value is made of, nearest first, each with what the code does there: draws, slices, stores, ..."""

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from diagnosis.origins.stores import put_in
from diagnosis.origins.ways import Value, back
from diagnosis.rules.codebase import Codebase
from diagnosis.rules.made_from import reaching
from diagnosis.rules.source import ParsedFile
from diagnosis.rules.values import How
from diagnosis.syntax import called_name, dotted

MOST = 1500  # expressions of one walk
DRAWS = {
    "randint", "integers", "random_integers", "choice", "choices", "sample", "multinomial", "rand", "random", "uniform",
    "random_sample", "randrange", "randint_like", "rand_like", "random_", "uniform_", "randn", "normal", "binomial",
}  # fmt: skip
ORDERS = {
    "permutation",
    "randperm",
    "shuffle",
    "argsort",
    "sort",
    "sorted",
    "lexsort",
    "sort_values",
    "flip",
    "flipud",
    "roll",
}
SEEDS = {
    "default_rng",
    "RandomState",
    "manual_seed",
    "seed",
    "Random",
    "Generator",
    "PRNGKey",
    "SeedSequence",
}


class Does(Enum):
    """What code does at a place, as far as it decides which values come out."""

    DRAWS = "draws"
    ORDERS = "orders"
    SEEDS = "seeds"
    SLICES = "slices"
    PICKS = "picks"
    COUNTS = "counts"
    SHIFTS = "shifts"
    STORES = "stores"
    FILTERS = "filters"
    JOINS = "joins"
    NAMES = "names"


@dataclass(frozen=True, kw_only=True, eq=False)
class Origin:
    """A place on the way back. depth: steps from where the walk began."""

    file: ParsedFile
    node: ast.AST
    does: Does
    depth: int

    @property
    def line(self) -> int:
        return int(getattr(self.node, "lineno", 1))

    @property
    def spot(self) -> tuple[str, int]:
        return self.file.path, self.line


def walk(
    repo: Codebase, starts: Iterable[Value], via: frozenset[tuple[str, int]] = frozenset()
) -> list[Origin]:
    """The places that a value came through, each once, nearest first.

    via: lines that the value is known to have come through when the program ran; of the ways back, those that pass most of
    them count alone.
    """
    passed: dict[object, int] = {}  # state of the walk -> lines of `via` on the way, there or further back
    before: dict[object, list[object]] = {}
    found: list[tuple[object, Origin]] = []
    level = [(value, frozenset[tuple[str, int]](), None) for value in starts]
    depth = 0
    while level and len(passed) < MOST:
        after = []
        for value, known, came_from in level:
            here = known | ({(value.file.path, value.node.lineno)} & via)
            state = (value.key, here)
            before.setdefault(state, []).append(came_from)
            if state in passed or len(passed) >= MOST:
                continue
            passed[state] = len(here)
            found += [
                (state, Origin(file=value.file, node=node, does=does, depth=depth))
                for node, does in _doings(value)
            ]
            after += [(earlier, here, state) for earlier in back(repo, value)]
        level, depth = after, depth + 1
    _tell_back(passed, before)
    most = max(passed.values(), default=0)
    kept: dict[tuple[ast.AST, Does], Origin] = {}
    for state, origin in found:
        if passed[state] == most:
            kept.setdefault((origin.node, origin.does), origin)
    return list(kept.values())


def _tell_back(passed: dict[object, int], before: Mapping[object, Sequence[object]]) -> None:
    """Give every state the most that is passed on the ways through it."""
    for state in sorted(passed, key=lambda one: -passed[one]):
        waiting = [state]
        while waiting:
            at = waiting.pop()
            for earlier in before.get(at, ()):
                if earlier is not None and passed[earlier] < passed[state]:
                    passed[earlier] = passed[state]
                    waiting.append(earlier)


def _doings(value: Value) -> Iterator[tuple[ast.AST, Does]]:
    node = value.node
    if isinstance(node, ast.Call):
        name = called_name(node)
        if name in DRAWS and not _is_own(value, node):
            yield node, Does.DRAWS
        elif name in SEEDS:
            yield node, Does.SEEDS
        elif name in ORDERS:
            yield node, Does.ORDERS
        elif name in ("range", "arange", "rfind", "len"):
            yield node, Does.COUNTS
        elif name in ("vstack", "hstack", "concatenate", "cat", "concat", "bmat", "block_diag", "append"):
            yield node, Does.JOINS
    elif isinstance(node, ast.Name):
        yield from ((put, Does.STORES) for put in put_in(value.file, node.id, node))
        yield from ((call, Does.SEEDS) for call in _seeded(value.file, node))
        yield from (
            (b.node, Does.NAMES) for b in reaching(value.file, node.id, node) if b.how is How.ASSIGNED
        )
    elif isinstance(node, ast.Subscript):
        slices = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        if any(isinstance(part, ast.Slice) and (part.lower or part.upper or part.step) for part in slices):
            yield node, Does.SLICES
        elif not isinstance(node.slice, ast.Constant):
            yield node, Does.PICKS
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        yield node, Does.SHIFTS
    elif any(part.ifs for part in getattr(node, "generators", ())):
        yield node, Does.FILTERS


def _seeded(file: ParsedFile, node: ast.Name) -> Iterator[ast.Call]:
    """Calls in the function around a node that set the state of the generator of this name."""
    around = file.function_of(node)
    for call in file.calls_in(around) if around is not None else ():
        function = call.func
        sets = isinstance(function, ast.Attribute) and function.attr in ("manual_seed", "seed", "set_state")
        if sets and dotted(getattr(function, "value", node)) == node.id:
            yield call


def _is_own(value: Value, call: ast.Call) -> bool:
    """Whether the name is a function of the repo, which is looked into instead."""
    repo = value.file.repo
    return bool(repo and repo.callee(value.file, call)) or not dotted(call.func)
