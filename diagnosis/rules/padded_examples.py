"""Which targets of a repo's examples are filled up with zeros: rows of zeros that a part is written into, `[0] * n + items`, `pad_sequence`."""

import ast
from collections.abc import Iterator

from diagnosis.rules.codebase import Codebase, Defined, once
from diagnosis.rules.definitions import returns
from diagnosis.rules.feeding import evaluates_by_name
from diagnosis.rules.places_from import number
from diagnosis.rules.repeated import callee
from diagnosis.rules.source import Function, ParsedFile, keyword
from diagnosis.rules.values import How, bindings, words_of
from diagnosis.syntax import called_name, dotted

TARGETS = frozenset(
    ("target", "targets", "tgt", "tgts", "label", "labels", "y", "pos", "positive", "positives", "answer", "answers", "gold", "goal")
)  # fmt: skip
OTHERS = {"neg", "negs", "negative", "negatives", "emb", "embs", "embedding", "position", "positions"}
EMPTY = {"zeros", "zeros_like", "new_zeros", "full", "full_like", "new_full"}
# What hands an array on with the same values in the same places.
SAME = {
    "tensor", "as_tensor", "from_numpy", "LongTensor", "array", "asarray", "to", "long", "int", "cuda", "cpu", "astype", "stack", "vstack", "list", "tuple",
    "int64", "contiguous", "clone", "copy",
}  # fmt: skip
JUDGE = ("eval", "test", "valid", "predict", "score", "serve", "infer", "recommend", "metric", "rank")
DEEPEST = 4  # names and functions that one question passes


@once
def padded_targets(repo: Codebase) -> frozenset[str]:
    """The names of padded targets: of variables, keys and arguments in functions that make examples. None of an evaluation's."""
    found: set[str] = set()
    for file in repo.files:
        for function in (*file.functions, file.nodes[0]):
            if not _judges(file, function):
                found |= set(_named(repo, file, function))
    return frozenset(found)


@once
def pads_windows(repo: Codebase) -> bool:
    """Whether windows of one event more than the model reads are filled up with zeros: `pad(items, maxlen + 1)`."""
    for file in repo.files:
        for call in file.calls:
            longer = [
                given
                for given in call.args
                if isinstance(given, ast.BinOp) and isinstance(given.op, ast.Add) and number(given.right) == 1
            ]
            function = file.function_of(call)
            if not longer or (function is not None and _judges(file, function)):
                continue
            if pads(repo, file, call):
                return True
    return False


def is_target(node: ast.AST) -> bool:
    """Whether an expression speaks of targets, and of nothing that goes with them."""
    pieces = pieces_of(node)
    return bool(pieces & TARGETS) and not pieces & OTHERS


def pieces_of(node: ast.AST) -> set[str]:
    """The parts of all words of an expression: "pos" and "items" of `pos_items`."""
    return {piece for word in words_of(node) for piece in word.lower().split("_")}


def is_shifted_pair(pair: ast.Tuple) -> ast.expr | None:
    """The rows of `rows[:, :-1], rows[:, 1:]`; None for other pairs."""
    if len(pair.elts) != 2 or not all(isinstance(part, ast.Subscript) for part in pair.elts):
        return None
    first, second = pair.elts
    assert isinstance(first, ast.Subscript)
    assert isinstance(second, ast.Subscript)
    if not dotted(first.value) or dotted(first.value) != dotted(second.value):
        return None
    ends = [
        part.slice.elts[-1] if isinstance(part.slice, ast.Tuple) else part.slice for part in (first, second)
    ]
    if not all(isinstance(part.slice, ast.Tuple) for part in (first, second)):
        return None
    before, after = ends
    if not isinstance(before, ast.Slice) or not isinstance(after, ast.Slice):
        return None
    shifted = number(before.upper) == -1 and before.lower is None and number(after.lower) == 1
    return first.value if shifted and after.upper is None else None


def is_padded(repo: Codebase, file: ParsedFile, node: ast.expr, depth: int = 0) -> bool:
    """Whether a value is filled up with zeros, as far as the repo's text tells."""
    if depth > DEEPEST:
        return False
    if isinstance(node, ast.Name):
        return _is_filled_in(file, node) or any(
            b.how is How.ASSIGNED and _is_padded_by(repo, file, b.value, depth)
            for b in bindings(file, node.id, node)
        )
    return _is_padded_by(repo, file, node, depth)


def _is_padded_by(repo: Codebase, file: ParsedFile, node: ast.expr, depth: int) -> bool:
    if isinstance(node, ast.GeneratorExp | ast.ListComp):
        return is_padded(repo, file, node.elt, depth + 1)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        sides = (node.left, node.right)
        zeros = [side for side in sides if _is_run_of(side, 0)]
        return len(zeros) == 1 and not any(_is_run(side) for side in sides if side not in zeros)
    if isinstance(node, ast.Subscript):
        return isinstance(node.slice, ast.Tuple) and is_padded(repo, file, node.value, depth + 1)
    if not isinstance(node, ast.Call):
        return False
    if called_name(node) in SAME:
        method = (
            isinstance(node.func, ast.Attribute)
            and dotted(node.func.value).partition(".")[0] not in file.imports
        )
        inner = (
            node.func.value if method and isinstance(node.func, ast.Attribute) else (node.args or [None])[0]
        )
        return inner is not None and is_padded(repo, file, inner, depth + 1)
    return pads(repo, file, node, depth)


def pads(repo: Codebase, file: ParsedFile, call: ast.Call, depth: int = 0) -> bool:
    """Whether a call fills up with zeros: `pad_sequence(rows)`, or a function of the repo that returns what it filled."""
    if called_name(call) == "pad_sequence":
        return number(keyword(call, "padding_value")) in (None, 0) and len(call.args) < 3
    reached = callee(repo, file, call)
    if reached is None or isinstance(reached.node, ast.ClassDef):
        return False
    return any(is_padded(repo, reached.file, value, depth + 1) for value in returns(reached))


def _is_filled_in(file: ParsedFile, name: ast.Name) -> bool:
    """`rows = zeros(...)`, then `rows[k, -len(r):] = r`, or `rows[i] = item` with `i -= 1`."""
    made = [b for b in bindings(file, name.id, name) if b.how is How.ASSIGNED]
    if not any(_is_empty(b.value) for b in made):
        return False
    function = file.function_of(name) or file.nodes[0]
    moving = {
        dotted(s.target)
        for s in file.within(function, ast.AugAssign)
        if isinstance(s.op, ast.Sub) and number(s.value) == 1
    }
    rows = {name.id, *_rows_of(file, function, name.id)}
    for statement in file.within(function, ast.Assign):
        for target in statement.targets:
            if not isinstance(target, ast.Subscript) or dotted(target.value) not in rows:
                continue
            index = (
                target.slice.elts[-1]
                if isinstance(target.slice, ast.Tuple) and target.slice.elts
                else target.slice
            )
            part = isinstance(index, ast.Slice) and (index.lower is not None or index.upper is not None)
            if (part or dotted(index) in moving - {""}) and not isinstance(statement.value, ast.Constant):
                return True
    return False


def _rows_of(file: ParsedFile, function: ast.AST, name: str) -> set[str]:
    """What a loop calls the rows of an array, which writes into them: `row` of `for row, items in zip(rows, histories)`."""
    found: set[str] = set()
    for loop in file.within(function, ast.For):
        if dotted(loop.iter) == name:
            found.add(dotted(loop.target))
        if (
            isinstance(loop.iter, ast.Call)
            and called_name(loop.iter) == "zip"
            and isinstance(loop.target, ast.Tuple)
        ):
            pairs = zip(loop.iter.args, loop.target.elts, strict=False)
            found |= {dotted(target) for given, target in pairs if dotted(given) == name}
    return found - {""}


def _is_empty(node: ast.expr) -> bool:
    """`np.zeros(n)`, `torch.full((n, m), 0)`, `torch.zeros(n).long()`."""
    while (
        isinstance(node, ast.Call)
        and called_name(node) in SAME
        and isinstance(node.func, ast.Attribute)
        and not node.args[1:]
    ):
        inner = node.args[0] if node.args and isinstance(node.args[0], ast.Call) else node.func.value
        if inner is node:
            return False
        node = inner
    if not isinstance(node, ast.Call) or called_name(node) not in EMPTY:
        return False
    return (
        "zeros" in called_name(node)
        or number(node.args[-1] if len(node.args) > 1 else keyword(node, "fill_value")) == 0
    )


def _is_run(node: ast.expr) -> bool:
    """`[x] * n` of any constant."""
    return (
        isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Mult)
        and any(
            isinstance(side, ast.List) and len(side.elts) == 1 and isinstance(side.elts[0], ast.Constant)
            for side in (node.left, node.right)
        )
    )


def _is_run_of(node: ast.expr, value: int) -> bool:
    return _is_run(node) and any(
        isinstance(side, ast.List) and number(side.elts[0]) == value
        for side in (getattr(node, "left", None), getattr(node, "right", None))
    )


def _judges(file: ParsedFile, function: ast.AST) -> bool:
    """Whether a function or its class is called after what comes when all is learned."""
    names = [str(getattr(outer, "name", "")).lower() for outer in (function, *file.around(function))]
    kinds = [outer for outer in file.around(function) if isinstance(outer, ast.ClassDef)]
    return any(word in name for word in JUDGE for name in names) or any(
        evaluates_by_name(kind) for kind in kinds
    )


def _named(repo: Codebase, file: ParsedFile, function: ast.AST) -> Iterator[str]:
    """The names under which a function keeps padded targets, or hands them on."""
    own = function if isinstance(function, Function) else None
    for statement in file.within(function, ast.Assign):
        if file.function_of(statement) is not own:
            continue
        for target in statement.targets:
            for place, part in enumerate(target.elts if isinstance(target, ast.Tuple) else [target]):
                apart = (
                    statement.value.elts
                    if isinstance(statement.value, ast.Tuple) and isinstance(target, ast.Tuple)
                    else None
                )
                value = apart[place] if apart is not None and place < len(apart) else statement.value
                if (
                    isinstance(part, ast.Name)
                    and is_target(part)
                    and (
                        _is_padded_by(repo, file, value, 0)
                        or (_is_empty(value) and _is_filled_in(file, part))
                    )
                ):
                    yield part.id
    if own is None:
        return
    for given in returns(Defined(file=file, node=own)):
        for part in given.elts if isinstance(given, ast.Tuple) else ():
            if is_target(part) and is_padded(repo, file, part):
                yield from (word for word in words_of(part) if is_target(ast.Name(id=word)))
    for table in file.within(function, ast.Dict):
        for key, value in zip(table.keys, table.values, strict=True):
            if (
                key is not None
                and isinstance(key, ast.Constant)
                and is_target(key)
                and is_padded(repo, file, value)
            ):
                yield str(key.value)
