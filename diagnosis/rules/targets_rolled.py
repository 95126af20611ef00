"""Static rule: targets that are made by rolling the inputs round, so that the last place aims at the first event."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.places_from import number
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile, keyword
from diagnosis.symptoms import WEAK
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="targets-rolled-round",
    found_by=FoundBy.RULE,
    title="Targets come round from the other end",
    why="Where a sequence is rolled the last place aims at the first event, or at padding, which never follows it.",
    definition="Targets are `roll(x, -1)` of the inputs, and nothing sets, cuts off or masks the last place; or they are `roll(x, 1)`, each the event "
    "before.",
    roles=(Role.LOADER,),
    explains=("target-misplaced", "newest-never-target", "target-is-input", "padding-is-a-target", *WEAK),
)
TARGETS = {"y", "ys", "target", "targets", "label", "labels", "goal", "goals", "next", "pos", "positive", "positives", "answer", "tgt", "trg"}  # fmt: skip

OTHERS = {"neg", "negs", "negative", "negatives", "wrong", "shuffled", "corrupt", "corrupted", "mixed"}
ENDS = {"select", "narrow", "index_fill", "index_fill_", "take", "delete"}


def targets_rolled_round(source: ParsedFile) -> Iterator[RuleHit]:
    """`y = np.roll(x, -1, axis=1)` beside `x`, in a function that looks at no last place."""
    for statement in source.within(source.nodes[0], ast.Assign):
        call = statement.value
        if not isinstance(call, ast.Call) or called_name(call) != "roll":
            continue
        by, name = _by(source, call), dotted(statement.targets[0])
        if by not in (1, -1) or not _is_target(name) or _is_of_rows(source, call):
            continue
        around = source.function_of(statement) or source.nodes[0]
        if by == 1:
            yield source.hit(
                KIND.code,
                statement,
                "each target is the event before its place: roll by -1, and set the last place",
            )
        elif not _looks_at_the_end(source, around, call) and not _is_cut_elsewhere(source, name):
            yield source.hit(
                KIND.code,
                statement,
                "the target of the last place is the first event: take the event that follows, or mask the last place",
            )


def _by(source: ParsedFile, call: ast.Call) -> int | None:
    """By how many places a call rolls."""
    is_function = source.full_name(call).startswith(("torch.", "numpy."))
    given = call.args[1:2] if is_function else call.args[:1]
    shift = given[0] if given else keyword(call, "shifts") or keyword(call, "shift")
    if isinstance(shift, ast.Tuple | ast.List):
        moved = [number(part) for part in shift.elts]
        return moved[0] if len(moved) == 1 else None
    return number(shift)


def _is_of_rows(source: ParsedFile, call: ast.Call) -> bool:
    """Whether whole rows are moved, as to give each the target of another: `labels.roll(1, dims=0)`."""
    is_function = source.full_name(call).startswith(("torch.", "numpy."))
    given = call.args[2:3] if is_function else call.args[1:2]
    axis = given[0] if given else keyword(call, "dims") or keyword(call, "axis")
    return axis is not None and number(axis) == 0


def _is_target(name: str) -> bool:
    pieces = set(name.rpartition(".")[2].lower().split("_"))
    return bool(pieces & TARGETS) and not pieces & OTHERS


def _looks_at_the_end(source: ParsedFile, around: ast.AST, roll: ast.Call) -> bool:
    """Whether a function cuts, sets or reads a last place, rolls a second array to compare it, or counts from the lengths."""
    if any(called_name(c) == "roll" and c is not roll for c in source.calls_in(around)):
        return True
    for part in source.within(around, ast.Subscript):
        for place in _places(part):
            ends = (place.lower, place.upper) if isinstance(place, ast.Slice) else (place,)
            if any(_is_from_the_end(end) for end in ends if end is not None):
                return True
    if any(called_name(c) in ENDS for c in source.calls_in(around)):
        return True
    return any(isinstance(p.op, ast.Sub) and number(p.right) == 1 for p in source.within(around, ast.BinOp))


def _is_cut_elsewhere(source: ParsedFile, name: str) -> bool:
    """Whether another function of the file cuts the last place off what it calls by the same name: `labels[:, :-1]`."""
    last = name.rpartition(".")[2]
    return any(
        dotted(part.value).rpartition(".")[2] == last
        and any(
            isinstance(p, ast.Slice) and p.upper is not None and _is_from_the_end(p.upper)
            for p in _places(part)
        )
        for part in source.within(source.nodes[0], ast.Subscript)
    )


def _places(part: ast.Subscript) -> list[ast.expr]:
    return part.slice.elts if isinstance(part.slice, ast.Tuple) else [part.slice]


def _is_from_the_end(end: ast.expr) -> bool:
    """`-1`, `n - 1`, or a mask that a comparison makes."""
    if isinstance(end, ast.BinOp) and isinstance(end.op, ast.Sub):
        return number(end.right) == 1
    return (number(end) or 0) < 0 or isinstance(end, ast.Compare | ast.UnaryOp)


RULE = Rule(kind=KIND, run=targets_rolled_round)
