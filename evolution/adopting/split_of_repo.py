"""Whether a program holds out the last events of each user itself, so that it would not train on all that it is given."""

import ast

from diagnosis.syntax import dotted
from evolution.adopting.foreign_code import CodeUnit
from evolution.adopting.naming import words_of
from evolution.adopting.training import TrainingProgram, below_main

HELD = {
    "eval",
    "held",
    "holdout",
    "goal",
    "valid",
    "val",
    "test",
    "dev",
    "te",
    "target",
    "ans",
    "answer",
    "answers",
    "validation",
}
KEPT = {"train", "tr", "training"}


def held_out_by(program: TrainingProgram) -> tuple[int, str]:
    """(how many of a user's last events, where): 2 of `train[u] = items[:-2]` beside `test[u] = items[-1]`; (0, "") for none."""
    for unit in program.units:
        start = program.units[0]
        cut = (
            _cut_of(unit, start)
            or _ranked_of(unit, start)
            or _tail_of(unit, start)
            or _masked_of(unit, start)
        )
        if cut:
            return cut
    return 0, ""


def _cut_of(unit: CodeUnit, start: CodeUnit) -> tuple[int, str] | None:
    kept: list[tuple[str, int, int]] = []
    held: set[str] = set()
    # Of `[s[:-1] for s in sequences]` the whole is what is gone through.
    loops = {
        ast.unparse(n.target): ast.unparse(n.iter) for n in unit.nodes if isinstance(n, ast.comprehension)
    }
    for node in unit.nodes:
        if unit is not start and below_main(unit, node):
            continue
        if isinstance(node, ast.Assign):
            popped = (
                isinstance(node.value, ast.Call)
                and getattr(node.value.func, "attr", "") == "pop"
                and not node.value.args
            )
            if popped and _words(node.targets[0]) & HELD:
                return 1, f"{unit.file.path}:{node.lineno}"
            for target, value in _pairs(node):
                for inner in ast.walk(value):
                    if isinstance(inner, ast.Subscript):
                        _note(inner, _words(target), node.lineno, kept, held, loops)
                    elif isinstance(inner, ast.comprehension) and _words(target) & HELD:
                        held.add(ast.unparse(inner.iter))  # whole sequences, of which the last event is asked
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ("append", "extend", "add"):
            for inner in (one for arg in node.args for one in ast.walk(arg)):
                if isinstance(inner, ast.Subscript):
                    _note(inner, _words(node.func), node.lineno, kept, held, loops)
    for whole, number, line in kept:
        if whole in held:
            return number, f"{unit.file.path}:{line}"
    return next(
        (cut for node in unit.nodes if isinstance(node, ast.If) and (cut := _cut_of_mode(unit, node))), None
    )


def _cut_of_mode(unit: CodeUnit, branch: ast.If) -> tuple[int, str] | None:
    """Of `if mode == "train": inputs, targets = items[:-3], items[1:-2]` beside `elif mode == "valid":`: 2."""
    other = branch.orelse[0] if len(branch.orelse) == 1 else None
    if not _names_mode(branch.test, KEPT) or not (
        isinstance(other, ast.If) and _names_mode(other.test, HELD)
    ):
        return None
    inside = [node for part in branch.body for node in ast.walk(part)]
    made = {dotted(t) for node in inside if isinstance(node, ast.Assign) for t in node.targets}
    slices = [(dotted(n.value), n.slice, n.lineno) for n in inside if isinstance(n, ast.Subscript) and isinstance(n.slice, ast.Slice)]  # fmt: skip
    whole = {name for name, part, _ in slices if part.upper is None}
    ends = [
        (end, line)
        for name, part, line in slices
        if name not in made | whole and (end := _negative(part.upper))
    ]
    return (min(ends)[0], f"{unit.file.path}:{min(ends)[1]}") if ends else None


def _names_mode(test: ast.expr, words: set[str]) -> bool:
    """Whether a test compares something with a word such as "train"."""
    match test:
        case ast.Compare(ops=[ast.Eq()], comparators=[ast.Constant(value=str(told))]):
            return bool(set(words_of(told)) & words)
        case _:
            return False


def _ranked_of(unit: CodeUnit, start: CodeUnit) -> tuple[int, str] | None:
    """The same where events are numbered from the newest: `train = df[df["rank"] > 1]`, by `rank` from 1 or `cumcount` from 0."""
    firsts: dict[str, int] = {}
    for node in unit.nodes:
        if isinstance(node, ast.Assign) and not (unit is not start and below_main(unit, node)):
            for call in (one for one in ast.walk(node.value) if isinstance(one, ast.Call)):
                name = getattr(call.func, "attr", "")
                down = any(
                    w.arg == "ascending" and getattr(w.value, "value", None) is False for w in call.keywords
                )
                if name in ("rank", "cumcount") and down:
                    firsts[_column(node.targets[0])] = int(name == "rank")
    for node in unit.nodes:
        if not (firsts and isinstance(node, ast.Assign) and _words(node.targets[0]) & KEPT):
            continue
        for test in (one for one in ast.walk(node.value) if isinstance(one, ast.Compare)):
            first, bound = firsts.get(_column(test.left)), test.comparators[0]
            if first is not None and isinstance(bound, ast.Constant) and isinstance(bound.value, int):
                more = {ast.Gt: 1, ast.GtE: 0}.get(type(test.ops[0]))
                if more is not None and bound.value + more - first > 0:
                    return bound.value + more - first, f"{unit.file.path}:{node.lineno}"
    return None


def _tail_of(unit: CodeUnit, start: CodeUnit) -> tuple[int, str] | None:
    """The same of `test = df.groupby("user").tail(1)`."""
    for node in unit.nodes:
        if not isinstance(node, ast.Assign) or (unit is not start and below_main(unit, node)):
            continue
        for call in (one for one in ast.walk(node.value) if isinstance(one, ast.Call)):
            grouped = isinstance(call.func, ast.Attribute) and any(
                getattr(getattr(one, "func", None), "attr", "") == "groupby"
                for one in ast.walk(call.func.value)
            )
            if grouped and _words(node.targets[0]) & HELD:
                number = {"tail": 1, "last": 1}.get(getattr(call.func, "attr", ""), 0)
                given = call.args[0] if call.args else None
                if number and isinstance(given, ast.Constant) and isinstance(given.value, int):
                    number = given.value
                if number:
                    return number, f"{unit.file.path}:{node.lineno}"
    return None


def _masked_of(unit: CodeUnit, start: CodeUnit) -> tuple[int, str] | None:
    """The same of `train, test = rows[~last], rows[last]`, where `last` is where the next row is another user's.

    Or where no later row is of the same user: `~df.duplicated("user", keep="last")`.
    """
    masks = {
        target.id: node
        for node in unit.nodes
        if isinstance(node, ast.Assign) and _marks_the_last(node.value)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for name, made in masks.items():
        if unit is not start and below_main(unit, made):
            continue
        taken = [ast.unparse(one.slice) for one in unit.nodes if isinstance(one, ast.Subscript)]
        if name in taken and f"~{name}" in taken:
            return 1, f"{unit.file.path}:{made.lineno}"
    return None


def _marks_the_last(node: ast.expr) -> bool:
    for one in ast.walk(node):
        match one:
            case ast.Compare(
                left=ast.Subscript() as left, ops=[ast.NotEq()], comparators=[ast.Subscript() as right]
            ):
                ends = {_shift_of(left), _shift_of(right)}
                if ends == {(1, None), (None, -1)} and _column(left.value) == _column(right.value):
                    return True
            case ast.Call(func=ast.Attribute(attr="duplicated")):
                kept = any(
                    w.arg == "keep" and getattr(w.value, "value", None) == "last" for w in one.keywords
                )
                if kept and isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Invert):
                    return True
            case _:
                pass
    return False


def _shift_of(node: ast.Subscript) -> tuple[int | None, int | None]:
    """(1, None) of `a[1:]` and `a[1:, 0]`, (None, -1) of `a[:-1]`; the first axis alone is looked at."""
    part = node.slice.elts[0] if isinstance(node.slice, ast.Tuple) and node.slice.elts else node.slice
    if not isinstance(part, ast.Slice):
        return (0, 0)
    lower = part.lower.value if isinstance(part.lower, ast.Constant) else None
    return (lower if isinstance(lower, int) else None, -_negative(part.upper) or None)


def _column(node: ast.expr) -> str:
    """ "rank" of `df["rank"]`, `df.rank` and `rank`."""
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        return str(node.slice.value)
    return getattr(node, "attr", "") or getattr(node, "id", "")


def _note(
    node: ast.Subscript,
    words: set[str],
    line: int,
    kept: list[tuple[str, int, int]],
    held: set[str],
    loops: dict[str, str],
) -> None:
    whole = loops.get(ast.unparse(node.value), ast.unparse(node.value))
    if isinstance(node.slice, ast.Slice):
        end = _negative(node.slice.upper)
        if end and node.slice.lower is None and words & KEPT:
            kept.append((whole, end, line))
        elif _negative(node.slice.lower) and words & HELD:
            held.add(whole)
    elif _negative(node.slice) and words & HELD:
        held.add(whole)


def _pairs(node: ast.Assign) -> list[tuple[ast.expr, ast.expr]]:
    target = node.targets[0]
    if (
        isinstance(target, ast.Tuple)
        and isinstance(node.value, ast.Tuple)
        and len(target.elts) == len(node.value.elts)
    ):
        return list(zip(target.elts, node.value.elts))
    return [(target, node.value)]


def _words(node: ast.expr) -> set[str]:
    """The words of all names in a target: {"user", "train", "u"} of `user_train[u]`."""
    names = [getattr(one, "id", "") or getattr(one, "attr", "") for one in ast.walk(node)]
    strings = [str(one.value) for one in ast.walk(node) if isinstance(one, ast.Constant)]
    return {word for name in [*names, *strings, dotted(node)] for word in words_of(name)}


def _negative(node: ast.expr | None) -> int:
    """2 of `-2`, 0 of anything else."""
    match node:
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int(value))) if 0 < value < 10:
            return value
    return 0
