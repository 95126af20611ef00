"""Cuts that keep the oldest events: of what `score` is asked for, whose newest event stands last, and of what is put at the end of a row."""

import ast
from collections.abc import Iterator

from diagnosis.rules.codebase import Codebase, Defined, once
from diagnosis.rules.places_from import number
from diagnosis.rules.source import Function, ParsedFile
from diagnosis.rules.values import How, bindings, parameters
from diagnosis.syntax import called_name, dotted

ASKED = ["self", "users", "histories"]  # the parameters of `score`, by the contract with programs
DEEPEST = 3  # functions to which histories are handed on
# What lays histories out anew and leaves their events where they are.
AS_THEY_ARE = {
    "asarray",
    "array",
    "as_tensor",
    "tensor",
    "from_numpy",
    "LongTensor",
    "to",
    "long",
    "astype",
    "cpu",
    "numpy",
    "copy",
    "clone",
}
SIZES = {"shape", "len", "size", "max", "sum", "count_nonzero"}


def oldest_served(source: ParsedFile) -> Iterator[ast.expr]:
    """`np.asarray(histories)[:, :width]`, `[h[:most] for h in histories]`, `row[row > 0][:width]` where `score` hands them in."""
    repo = source.repo
    if repo is None:
        return
    for function in source.functions:
        given = _given(repo).get(function)
        if not given or _turns(source, function):
            continue
        tables, rows = _names(source, function, given)
        for part in source.within(function, ast.Subscript):
            if isinstance(part.ctx, ast.Load) and _keeps_head(source, part, tables, rows):
                yield part


@once
def _given(repo: Codebase) -> dict[ast.AST, set[str]]:
    """Function -> its parameters that are the histories of `score`, as they were handed in."""
    found: dict[ast.AST, set[str]] = {}
    waiting: list[tuple[Defined, str]] = []
    for one in repo.functions.get("score", []):
        if isinstance(one.node, Function) and parameters(one.node)[:3] == ASKED:
            waiting.append((one, "histories"))
    for _ in range(DEEPEST + 1):
        following: list[tuple[Defined, str]] = []
        for place, name in waiting:
            if name in found.setdefault(place.node, set()):
                continue
            found[place.node].add(name)
            following += list(_handed_on(repo, place, name))
        waiting = following
    return found


def _handed_on(repo: Codebase, place: Defined, name: str) -> Iterator[tuple[Defined, str]]:
    for call in place.file.calls_in(place.node):
        at = [
            number for number, one in enumerate(call.args) if _laid_out(place.file, one, {name}, place.node)
        ]
        reached = repo.callee(place.file, call) if at else None
        if reached is None or not isinstance(reached.node, Function):
            continue
        names = parameters(reached.node)
        names = names[1:] if names[:1] == ["self"] else names
        yield from ((reached, names[number]) for number in at if number < len(names))


def _names(source: ParsedFile, function: Function, given: set[str]) -> tuple[set[str], set[str]]:
    """The names of a function that hold all histories, and those that hold one at a time."""
    tables, rows = set(given), set[str]()
    for statement in source.within(function, ast.Assign):
        if _laid_out(source, statement.value, tables, function):
            tables |= {dotted(target) for target in statement.targets} - {""}
    for loop in source.within(function, ast.For, ast.comprehension):
        target, over = loop.target, loop.iter
        if (
            isinstance(over, ast.Call)
            and called_name(over) in ("zip", "enumerate")
            and isinstance(target, ast.Tuple)
        ):
            first = 1 if called_name(over) == "enumerate" else 0
            pairs = list(zip(target.elts[first:], over.args))
        else:
            pairs = [(target, over)]
        rows |= {dotted(one) for one, value in pairs if _laid_out(source, value, tables, function)} - {""}
    return tables, rows


def _laid_out(source: ParsedFile, node: ast.expr, tables: set[str], function: ast.AST) -> bool:
    """Whether an expression is all histories, perhaps as another kind of array."""
    while isinstance(node, ast.Call) and called_name(node) in AS_THEY_ARE:
        own = node.func.value if isinstance(node.func, ast.Attribute) else None
        inner = node.args[0] if node.args and _laid_out(source, node.args[0], tables, function) else own
        if inner is None:
            return False
        node = inner
    return isinstance(node, ast.Name) and node.id in tables


def _keeps_head(source: ParsedFile, part: ast.Subscript, tables: set[str], rows: set[str]) -> bool:
    index, base = part.slice, part.value
    if isinstance(index, ast.Tuple):
        whole = (
            isinstance(index.elts[0], ast.Slice)
            and index.elts[0].lower is None
            and index.elts[0].upper is None
        )
        last = index.elts[-1]
        function = source.function_of(part) or part
        return (
            len(index.elts) == 2
            and whole
            and isinstance(last, ast.Slice)
            and _ends_by_setting(source, last)
            and _laid_out(source, base, tables, function)
        )
    if isinstance(base, ast.Subscript) and isinstance(base.slice, ast.Compare):
        base = base.value  # `row[row > 0]`
    return (
        isinstance(index, ast.Slice)
        and _ends_by_setting(source, index)
        and isinstance(base, ast.Name)
        and base.id in rows
    )


def _ends_by_setting(source: ParsedFile, cut: ast.Slice) -> bool:
    """`:width`, where the width is a setting and no size of what is there."""
    end = cut.upper
    if cut.step is not None or (cut.lower is not None and number(cut.lower) != 0) or end is None:
        return False
    if isinstance(end, ast.Constant):
        return (number(end) or 0) > 1
    if not isinstance(end, ast.Name | ast.Attribute):
        return False
    made = [b.value for b in bindings(source, end.id, end)] if isinstance(end, ast.Name) else []
    words = {
        part.attr if isinstance(part, ast.Attribute) else getattr(part, "id", "")
        for value in made
        for part in ast.walk(value)
    }
    looped = isinstance(end, ast.Name) and any(b.how is How.ITERATED for b in bindings(source, end.id, end))
    return not words & SIZES and not looped


def _turns(source: ParsedFile, function: Function) -> bool:
    """Whether a function turns something round, or takes an end as well."""
    if any(
        called_name(c) in ("flip", "fliplr", "flipud", "reversed", "roll", "sort", "argsort")
        for c in source.calls_in(function)
    ):
        return True
    return any(
        cut.step is not None or isinstance(cut.lower, ast.UnaryOp) for cut in source.within(function, ast.Slice)
    )  # fmt: skip


def put_at_the_end(source: ParsedFile) -> Iterator[ast.expr]:
    """`items = items[:width]`, then `row[-len(items):] = items` or `[0] * (width - len(items)) + items`."""
    for statement in source.within(source.nodes[0], ast.Assign):
        cut, target = statement.value, statement.targets[0]
        if (
            not isinstance(cut, ast.Subscript)
            or not isinstance(cut.slice, ast.Slice)
            or not isinstance(target, ast.Name)
        ):
            continue
        function = source.function_of(statement)
        if function is None or not _ends_by_setting(source, cut.slice) or _turns_at_all(source, function):
            continue
        end = dotted(cut.slice.upper) if cut.slice.upper is not None else ""
        if end and _is_put_last(source, function, target.id, end):
            yield cut


def _turns_at_all(source: ParsedFile, function: Function) -> bool:
    return any(cut.step is not None for cut in source.within(function, ast.Slice)) or any(
        called_name(c) in ("flip", "fliplr", "reversed", "sort", "sorted", "argsort")
        for c in source.calls_in(function)
    )


def _is_put_last(source: ParsedFile, function: Function, name: str, end: str) -> bool:
    """Whether what was cut fills the end of a row, by its own length or behind as much padding as is missing."""
    for part in source.within(function, ast.Subscript):
        if (
            not isinstance(part.ctx, ast.Store)
            or not isinstance(part.slice, ast.Slice)
            or part.slice.upper is not None
        ):
            continue
        stored = source.parents.get(part)
        if (
            isinstance(stored, ast.Assign)
            and dotted(stored.value) == name
            and _is_from_end(part.slice.lower, name, end)
        ):
            return True
    for total in source.within(function, ast.BinOp):
        if (
            isinstance(total.op, ast.Add)
            and dotted(total.right) == name
            and isinstance(total.left, ast.BinOp)
        ):
            filled = total.left
            if isinstance(filled.op, ast.Mult) and any(
                _is_from_end(side, name, end) for side in (filled.left, filled.right)
            ):
                return True
    return False


def _is_from_end(node: ast.expr | None, name: str, end: str) -> bool:
    """`-len(items)`, `width - len(items)`"""
    counted = node.operand if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) else None
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub) and dotted(node.left) == end:
        counted = node.right
    return (
        isinstance(counted, ast.Call)
        and called_name(counted) == "len"
        and bool(counted.args)
        and dotted(counted.args[0]) == name
    )
