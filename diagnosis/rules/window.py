"""Static rule: a window of a history that holds the event to be predicted, or targets that are two ahead."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from weakref import WeakKeyDictionary

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.discount import statement_of
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.places_from import number
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, ParsedFile
from diagnosis.rules.tensor_calls import whole
from diagnosis.rules.values import parameters
from diagnosis.symptoms import WEAK
from diagnosis.syntax import dotted

HOLDS = FindingKind(
    code="window-holds-target",
    found_by=FoundBy.RULE,
    title="The input holds the target",
    why="The model is shown the answer, learns to copy it, and has no answer to copy when it serves.",
    definition="A slice `seq[:t + 1]` beside the element `seq[t]`, both kept, and no later element beside them; or `seq[:t]` and `seq[t - 1]` as "
    "an example, where nothing is read at `t`.",
    roles=(Role.LOADER,),
    explains=("target-is-input", *WEAK),
)
AHEAD = FindingKind(
    code="targets-two-ahead",
    found_by=FoundBy.RULE,
    title="Targets are shifted by more than one",
    why="The event that follows is skipped, so that the model learns to predict the one after it.",
    definition="Inputs `x[:-k]` beside targets `x[k:]` of the same sequence, with k of 2 or more.",
    roles=(Role.LOADER,),
    explains=("target-misplaced", *WEAK),
)

EARLY = FindingKind(
    code="window-ends-early",
    found_by=FoundBy.RULE,
    title="The event before the target is left out",
    why="Training never shows what happened just before the target, and serving weighs the newest event most.",
    definition="A slice `seq[:t - 1]` beside the element `seq[t]`, in one example of a loop over `t`, and nothing that is read in between.",
    roles=(Role.LOADER,),
    explains=("target-misplaced", "scores-differ-from-training", "order-ignored", *WEAK),
)

OF_GAPS = {"gap", "ahead", "horizon", "embargo", "purge", "purged", "delay", "delayed", "lag", "skip"}
FAR = 1_000_000  # the end of a slice that goes on for a number of events that is not written there
# Words by which a list of what is to be predicted is called.
OF_TARGETS = {"out", "outs", "output", "outputs", "target", "targets", "tgt", "label", "labels", "y", "ys", "answer", "answers"}  # fmt: skip
KEEPS = (
    ast.Call,
    ast.Tuple,
    ast.List,
    ast.Assign,
    ast.Dict,
    ast.Return,
    ast.Yield,
    ast.keyword,
    ast.AnnAssign,
)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Cut:
    """A part of a sequence around a moving place: `seq[:t + 1]` has the end 1, `seq[t]` begins at 0 and ends at 1.

    moved_by: the loop of the comprehension that moves the place, as it is written; "" where a statement moves it.
    """

    node: ast.Subscript
    moving: str
    begin: int | None  # None: before the place, or from the start
    end: int
    moved_by: str


def window_holds_target(source: ParsedFile) -> Iterator[RuleHit]:
    """`past = seq[: t + 1]` beside `goal.append(seq[t])`."""
    for function in source.functions:
        cuts = _cuts(source, function)
        for window in cuts:
            beside = [
                c for c in cuts if c is not window and c.moving == window.moving and _same_list(c, window)
            ]
            if window.begin is not None or any(c.begin is not None and c.begin >= window.end for c in beside):
                continue
            targets = [c for c in beside if c.begin is not None and 0 <= c.begin < window.end <= c.end]
            if (targets and not _has_own_targets(cuts, window)) or _asks_for_its_own_end(
                source, window, cuts
            ):
                yield source.hit(
                    HOLDS.code,
                    statement_of(source, window.node),
                    "the window ends after the event that is to be predicted: end it before",
                )


def window_ends_early(source: ParsedFile) -> Iterator[RuleHit]:
    """`(seq[: t - 1], seq[t]) for t in range(1, len(seq))`"""
    for function in source.functions:
        cuts = _cuts(source, function)
        for window in cuts if len(cuts) > 1 else ():
            later = [
                c for c in cuts if c is not window and c.moving == window.moving and _same_list(c, window)
            ]
            if window.begin is not None or window.end > 0 or not _is_counted(source, window):
                continue
            if _leaves_out_on_purpose(source, function, window):
                continue
            beside = [c for c in later if c.begin is not None and _beside(source, c.node, window.node)]
            ahead = [c for c in beside if c.begin is not None and c.begin > window.end]
            filled = [c for c in later if c.begin is not None and c.begin <= window.end < c.end]
            longer = [c for c in later if c.begin is None and c.end > window.end]
            if len(ahead) == 1 and len(beside) == 1 and not filled and not longer:
                yield source.hit(
                    EARLY.code,
                    statement_of(source, window.node),
                    "the window ends before the event that precedes the target: end it at the target",
                )


def _leaves_out_on_purpose(source: ParsedFile, function: Function, window: _Cut) -> bool:
    """Whether places are stepped over, as in rows that hold pairs, or the function says that it leaves a gap."""
    outer = [
        o
        for o in source.around(window.node)
        if isinstance(o, ast.For | ast.ListComp | ast.GeneratorExp | ast.SetComp)
    ]
    loops = [
        o.iter if isinstance(o, ast.For) else g.iter for o in outer for g in getattr(o, "generators", [o])
    ]
    strides = [
        call.args[2]
        for loop in loops
        for call in source.calls_in(loop)
        if dotted(call.func) == "range" and len(call.args) > 2
    ]
    words = {p for name in (function.name, *parameters(function)) for p in name.lower().split("_")}
    return any(whole(stride) != 1 for stride in strides) or bool(words & OF_GAPS)


def _is_counted(source: ParsedFile, window: _Cut) -> bool:
    """Whether a loop over numbers moves the place."""
    if window.moved_by:
        return "range" in window.moved_by
    return any(
        isinstance(outer, ast.For)
        and dotted(outer.target) == window.moving
        and any(dotted(c.func) == "range" for c in source.calls_in(outer.iter))
        for outer in source.around(window.node)
    )


def _has_own_targets(cuts: list[_Cut], window: _Cut) -> bool:
    """Whether the targets stand in a list of their own, which is read at the same place: `xs[: t + 1]`, `xs[t]` beside `ys[t]`."""
    return any(
        cut.moving == window.moving
        and cut.begin is not None
        and _list_of(cut.node) != _list_of(window.node)
        and any(word in OF_TARGETS for word in _list_of(cut.node).lower().replace(".", "_").split("_"))
        for cut in cuts
    )


def _asks_for_its_own_end(source: ParsedFile, window: _Cut, cuts: list[_Cut]) -> bool:
    """`return user, seq[t - n : t], seq[t - 1]`, where nothing reads what comes at `t`, in this list or one beside it."""
    statement = statement_of(source, window.node)
    if window.end != 0 or not isinstance(statement, ast.Return | ast.Expr) or window.begin is not None:
        return False
    here = [c for c in cuts if c.moving == window.moving and c is not window]
    newest = [
        c
        for c in here
        if c.begin == -1 and c.end == 0 and _same_list(c, window) and _beside(source, c.node, window.node)
    ]
    return bool(newest) and len(here) == len(newest) and not _is_read(source, window, newest)


def _beside(source: ParsedFile, one: ast.expr, other: ast.expr) -> bool:
    """Whether two parts are elements of one tuple, each perhaps within calls."""
    tuples = [
        next((o for o in source.around(part) if isinstance(o, ast.Tuple)), None) for part in (one, other)
    ]
    return tuples[0] is not None and tuples[0] is tuples[1]


def _is_read(source: ParsedFile, window: _Cut, newest: list[_Cut]) -> bool:
    """Whether the place is an index of something else, as of labels."""
    known = {window.node, *(c.node for c in newest)}
    function = source.function_of(window.node) or source.nodes[0]
    return any(
        part not in known
        and any(isinstance(n, ast.Name) and n.id == window.moving for n in ast.walk(part.slice))
        for part in source.within(function, ast.Subscript)
    )


def targets_two_ahead(source: ParsedFile) -> Iterator[RuleHit]:
    """`return full[:, :-2], full[:, 2:]`."""
    for pair in source.within(source.nodes[0], ast.Tuple):
        if len(pair.elts) == 2 and (steps := _shift(pair.elts[0], pair.elts[1])) > 1:
            yield _ahead(source, pair, steps)
    statements = source.within(source.nodes[0], ast.Assign)
    for first, second in pairwise(statements):
        beside = second.lineno == (first.end_lineno or 0) + 1 and source.parents.get(
            first
        ) is source.parents.get(second)
        if beside and (steps := _shift(first.value, second.value)) > 1:
            yield _ahead(source, second.value, steps)


def _ahead(source: ParsedFile, node: ast.expr, steps: int) -> RuleHit:
    return source.hit(
        AHEAD.code,
        statement_of(source, node),
        f"the targets are {steps} events ahead of their inputs: shift by one",
    )


_CUTS: "WeakKeyDictionary[ParsedFile, dict[Function, list[_Cut]]]" = WeakKeyDictionary()


def _cuts(source: ParsedFile, function: Function) -> list[_Cut]:
    """The parts that a function keeps, cut around a moving place; both rules on windows ask for them."""
    known = _CUTS.setdefault(source, {})
    if function not in known:
        found = [_cut(source, node, function) for node in source.within(function, ast.Subscript)]
        known[function] = [cut for cut in found if cut is not None]
    return known[function]


def _cut(source: ParsedFile, node: ast.Subscript, function: Function) -> _Cut | None:
    if source.function_of(node) is not function or not _list_of(node) or not _is_kept(source, node):
        return None
    if isinstance(node.value, ast.Attribute) and node.value.attr == "loc":
        return None  # pandas takes labels there, and the end with them
    index = node.slice
    if isinstance(index, ast.Slice):
        begin = _place(index.lower)
        end = _place(index.upper)
        if end is None and begin is not None and begin[1] >= 0:
            end = begin[0], FAR
        if end is None or index.step is not None:
            return None
        same = begin is not None and begin[0] == end[0] and begin[1] >= 0
        moved_by = _moved_by(source, node, end[0])
        return _Cut(
            node=node,
            moving=end[0],
            begin=begin[1] if same and begin else None,
            end=end[1],
            moved_by=moved_by,
        )
    place = _place(index)
    if place is None:
        return None
    moved_by = _moved_by(source, node, place[0])
    return _Cut(node=node, moving=place[0], begin=place[1], end=place[1] + 1, moved_by=moved_by)


def _is_kept(source: ParsedFile, node: ast.Subscript) -> bool:
    """Whether the part goes into an example, rather than into a comparison or an index."""
    inner: ast.AST = node
    for outer in source.around(node):
        if isinstance(outer, ast.Subscript):
            if outer.slice is inner and not isinstance(outer.ctx, ast.Store):
                return False
        elif isinstance(outer, ast.Compare | ast.If | ast.While | ast.comprehension | ast.AugAssign):
            return False
        elif isinstance(outer, KEEPS):
            return True
        inner = outer
    return False


def _place(node: ast.expr | None) -> tuple[str, int] | None:
    """(name, offset) of `t`, `t + 1`, `t - 2`."""
    if isinstance(node, ast.Name):
        return node.id, 0
    if (
        isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Add | ast.Sub)
        and isinstance(node.left, ast.Name)
    ):
        moved = number(node.right)
        if moved is not None:
            return node.left.id, moved if isinstance(node.op, ast.Add) else -moved
    return None


def _same_list(one: _Cut, other: _Cut) -> bool:
    return _list_of(one.node) == _list_of(other.node) and one.moved_by == other.moved_by


def _list_of(part: ast.Subscript) -> str:
    """What a part is cut from, as it is written: "seq", or "by_user[u]" where each user has a list; "" for anything else."""
    base = part.value
    if isinstance(base, ast.Subscript) and isinstance(base.slice, ast.Name) and dotted(base.value):
        return f"{dotted(base.value)}[{base.slice.id}]"
    return dotted(base)


def _moved_by(source: ParsedFile, node: ast.Subscript, moving: str) -> str:
    """What a comprehension around a part goes through, where it moves the place."""
    for outer in source.around(node):
        if isinstance(outer, ast.stmt):
            break
        for part in getattr(outer, "generators", ()):
            if any(isinstance(n, ast.Name) and n.id == moving for n in ast.walk(part.target)):
                return ast.dump(part.target) + ast.dump(part.iter)
    return ""


def _shift(inputs: ast.expr, targets: ast.expr) -> int:
    """k where one is `x[:-k]` and the other `x[k:]`, along the same axis; 0 for anything else."""
    ends, begins = _last_slice(inputs), _last_slice(targets)
    if ends is None or begins is None or ast.dump(ends[0]) != ast.dump(begins[0]):
        return 0
    cut, begin = number(ends[1].upper), number(begins[1].lower)
    whole = ends[1].lower is None and begins[1].upper is None
    return begin if whole and begin is not None and cut == -begin else 0


def _last_slice(node: ast.expr) -> tuple[ast.expr, ast.Slice] | None:
    if not isinstance(node, ast.Subscript):
        return None
    last = node.slice.elts[-1] if isinstance(node.slice, ast.Tuple) and node.slice.elts else node.slice
    return (node.value, last) if isinstance(last, ast.Slice) else None


RULE = Rule(kind=HOLDS, run=window_holds_target)
AHEAD_RULE = Rule(kind=AHEAD, run=targets_two_ahead)
EARLY_RULE = Rule(kind=EARLY, run=window_ends_early)
