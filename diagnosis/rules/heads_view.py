"""Static rule: attention heads that are cut from, or joined across, the axis of time."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.codebase import Codebase
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.made_from import Value, endings
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile
from diagnosis.rules.tensor_calls import Operation, operation, whole
from diagnosis.rules.values import bindings
from diagnosis.symptoms import WEAK
from diagnosis.syntax import dotted

KIND = FindingKind(
    code="view-for-transpose",
    found_by=FoundBy.RULE,
    title="A view where axes should change places",
    why="`view` keeps the order of the numbers: a head then holds pieces of several events, the future's among them.",
    definition="A view of (batch, time, width) as (batch, heads, time, size), or of (batch, heads, time, size) as (batch, "
    "time, width), with no transpose.",
    roles=(Role.ENCODER,),
    explains=("mixed-heads", "future-visible", "history-window", "history-holes", "more-padding", *WEAK),
)
VIEWS = {"view", "reshape"}
TURNS = {"transpose", "permute", "swapaxes", "movedim"}


def heads_view(source: ParsedFile) -> Iterator[RuleHit]:
    """Views that give the second axis of a tensor to the third place, and views of turned heads that join them."""
    repo = source.repo
    for call in source.calls_named(*VIEWS) if repo else ():
        done = operation(repo, source, call)
        if repo is None or done is None or done.name not in VIEWS or not done.values:
            continue
        sizes = _sizes(done)
        if len(sizes) == 4 and _cuts_time(repo, source, done.values[0], sizes):
            yield source.hit(
                KIND.code,
                call,
                "cuts heads from the axis of time: view as (batch, time, heads, size), then transpose(1, 2)",
            )
        elif len(sizes) == 3 and _joins_heads(repo, source, done.values[0], sizes):
            yield source.hit(
                KIND.code,
                call,
                "joins heads without bringing time back to the second axis: transpose(1, 2) first",
            )


def _sizes(done: Operation) -> list[ast.expr]:
    given = list(done.values[1:])
    if len(given) == 1 and isinstance(given[0], ast.Tuple | ast.List):
        return given[0].elts
    return given


def _cuts_time(repo: Codebase, source: ParsedFile, tensor: ast.expr, sizes: list[ast.expr]) -> bool:
    first, second, third = (_axis(source, size) for size in sizes[:3])
    if third is None or third[1] != 1 or second is not None or whole(sizes[1]) is not None:
        return False
    if (first is not None and first[1] != 0) or third[0] not in _names(source, tensor):
        return False
    return not any(_is_turned(repo, end) for end in endings(repo, source, tensor, frozenset(("contiguous",))))


def _names(source: ParsedFile, tensor: ast.expr) -> set[str]:
    """The names of tensors that have the shape of a tensor: its own, and of what a layer makes it of."""
    if isinstance(tensor, ast.Name):
        values = [b.value for b in bindings(source, tensor.id, tensor)]
        return {tensor.id}.union(*(_names(source, v) for v in values if isinstance(v, ast.Call)))
    if isinstance(tensor, ast.Call) and len(tensor.args) == 1 and isinstance(tensor.args[0], ast.Name):
        return {tensor.args[0].id}
    return set()


def _axis(source: ParsedFile, size: ast.expr) -> tuple[str, int] | None:
    """(a tensor, its axis) whose size an expression is: `x.size(1)`, `x.shape[1]`, or a name for one of these."""
    if (
        isinstance(size, ast.Call)
        and isinstance(size.func, ast.Attribute)
        and size.func.attr == "size"
        and size.args
    ):
        return _named(size.func.value, whole(size.args[0]))
    if (
        isinstance(size, ast.Subscript)
        and isinstance(size.value, ast.Attribute)
        and size.value.attr == "shape"
    ):
        return _named(size.value.value, whole(size.slice))
    if isinstance(size, ast.Name):
        found = {_bound_axis(source, b.value, b.position) for b in bindings(source, size.id, size)}
        return found.pop() if len(found) == 1 else None
    return None


def _named(tensor: ast.expr, axis: int | None) -> tuple[str, int] | None:
    return (dotted(tensor), axis) if axis is not None else None


def _bound_axis(source: ParsedFile, value: ast.expr, position: int | None) -> tuple[str, int] | None:
    if position is None:
        return _axis(source, value) if not isinstance(value, ast.Name) else None
    if isinstance(value, ast.Attribute) and value.attr == "shape":
        return _named(value.value, position)
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and value.func.attr == "size":
        return _named(value.func.value, position) if not value.args else None
    if isinstance(value, ast.Subscript) and isinstance(value.slice, ast.Slice) and value.slice.lower is None:
        return _bound_axis(source, value.value, position)
    return None


def _is_turned(repo: Codebase, end: Value) -> bool:
    done = operation(repo, end.file, end.node) if isinstance(end.node, ast.Call) else None
    return done is not None and (done.name in TURNS or done.name == "einsum" or done.name in VIEWS)


def _joins_heads(repo: Codebase, source: ParsedFile, tensor: ast.expr, sizes: list[ast.expr]) -> bool:
    last = sizes[2]
    joins = isinstance(last, ast.BinOp) and isinstance(last.op, ast.Mult)
    if not joins and whole(last) != -1 and not isinstance(last, ast.Name | ast.Attribute):
        return False
    ends = endings(repo, source, tensor, frozenset(("contiguous", "dropout")))
    return bool(ends) and all(_is_of_turned_heads(repo, end) for end in ends)


def _is_of_turned_heads(repo: Codebase, end: Value) -> bool:
    """Whether a value is a product with values whose heads were cut by a view and brought to the second axis."""
    node = end.node
    inner: ast.expr | None = None
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        inner = node.right
    elif isinstance(node, ast.Call):
        done = operation(repo, end.file, node)
        if done is not None and done.name == "matmul" and len(done.values) > 1:
            inner = done.values[1]
        elif done is not None and done.name == "scaled_dot_product_attention" and len(done.values) > 2:
            inner = done.values[2]
    if inner is None:
        return False
    value = Value(file=end.file, node=inner, calls=end.calls)
    ends = endings_of(repo, value)
    return bool(ends) and all(_is_cut(repo, origin) for origin in ends)


def endings_of(repo: Codebase, value: Value) -> list[Value]:
    """As `endings`, of a value that was reached through calls."""
    return endings(repo, value.file, value.node, frozenset(("contiguous", "dropout")), value.calls)


def _is_cut(repo: Codebase, end: Value) -> bool:
    """`x.view(b, -1, h, d).transpose(1, 2)`."""
    done = operation(repo, end.file, end.node) if isinstance(end.node, ast.Call) else None
    if done is None or done.name not in ("transpose", "swapaxes", "permute") or len(done.values) < 3:
        return False
    axes = [whole(v) for v in done.values[1:]]
    turned = sorted(a for a in axes if a is not None) == [1, 2] or axes == [0, 2, 1, 3]
    inner = operation(repo, end.file, done.values[0]) if isinstance(done.values[0], ast.Call) else None
    return turned and inner is not None and inner.name in VIEWS and len(_sizes(inner)) == 4


RULE = Rule(kind=KIND, run=heads_view)
