"""Static rule: weights that are normalised along one axis and summed along another."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.codebase import Codebase
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.made_from import Value, endings
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile
from diagnosis.rules.tensor_calls import Operation, operation, whole
from diagnosis.symptoms import WEAK
from diagnosis.syntax import called_name

KIND = FindingKind(
    code="weights-summed-elsewhere",
    found_by=FoundBy.RULE,
    title="Softmax over another axis than the sum",
    why="Weights add up to one along the axis of their softmax; a sum along another axis is no average.",
    definition="A softmax whose result is multiplied and summed, by matmul or `sum`, along another axis.",
    roles=(Role.ENCODER,),
    explains=(
        "softmax-axis",
        "batch-companions",
        "more-padding",
        "padding-attended",
        "future-visible",
        *WEAK,
    ),
)
KEEPS = frozenset(
    (
        "dropout",
        "clone",
        "contiguous",
        "to",
        "float",
        "type_as",
        "nan_to_num",
        "masked_fill",
        "identity",
        "detach",
    )
)
SOFTMAXES = {"softmax", "log_softmax"}


def softmax_axis(source: ParsedFile) -> Iterator[RuleHit]:
    """Products of a softmax with something, whose summed axis is not that of the softmax."""
    repo = source.repo
    if repo is None:
        return
    for call in source.calls:
        done = operation(repo, source, call)
        if done is not None and done.name in ("matmul", "bmm", "mm") and len(done.values) > 1:
            yield from _product(repo, source, done.values[0])
        elif done is not None and done.name == "sum" and done.values:
            yield from _summed(repo, source, done)
    for node in source.within(source.nodes[0], ast.BinOp):
        if isinstance(node.op, ast.MatMult):
            yield from _product(repo, source, node.left)


def _softmaxes(repo: Codebase, source: ParsedFile, node: ast.expr) -> Iterator[tuple[Value, Operation, int]]:
    """The softmaxes that an expression is on every way, with the axis of each; nothing where one is unknown."""
    found = []
    for end in endings(repo, source, node, KEEPS):
        done = operation(repo, end.file, end.node) if isinstance(end.node, ast.Call) else None
        axis = whole(done.option("dim", 1)) if done is not None and done.name in SOFTMAXES else None
        if done is None or axis is None or not done.values:
            return
        found.append((end, done, axis))
    yield from found


def _product(repo: Codebase, source: ParsedFile, weights: ast.expr) -> Iterator[RuleHit]:
    """`softmax(...) @ values` sums over the last axis of the weights."""
    for value, done, axis in _softmaxes(repo, source, weights):
        if done.name == "softmax" and (
            axis in (-2, -3, -4) or (axis in (0, 1) and _has_many_axes(repo, value, done))
        ):
            yield value.file.hit(
                KIND.code,
                value.node,
                f"normalises over axis {axis}, but the product sums over the last: use dim=-1",
            )


def _has_many_axes(repo: Codebase, value: Value, done: Operation) -> bool:
    """Whether what the softmax is taken of has more than two axes for sure: a batch of products, or of heads."""
    for end in endings(repo, value.file, done.values[0], KEEPS):
        node: ast.AST = end.node
        while isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div | ast.Mult | ast.Add | ast.Sub):
            node = node.left
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
            inner: ast.expr | None = node.right
        else:
            product = operation(repo, end.file, node) if isinstance(node, ast.Call) else None
            if product is not None and product.name == "bmm":
                continue
            if product is None or product.name != "matmul" or len(product.values) < 2:
                return False
            inner = product.values[1]
        turned = operation(repo, end.file, inner) if isinstance(inner, ast.Call) else None
        if (
            turned is None
            or turned.name not in ("transpose", "permute", "swapaxes")
            or len(turned.values) < 3
        ):
            return False
        axes = {whole(v) for v in turned.values[1:]}
        if not (axes == {-1, -2} or max((a or 0) for a in axes) >= 2):
            return False
        if axes == {-1, -2} and not _is_of_heads(repo, end, turned.values[0]):
            return False
    return True


def _is_of_heads(repo: Codebase, end: Value, node: ast.expr) -> bool:
    """Whether a tensor was given four axes by a view, or came as a parameter beside a `size(-1)` of heads."""
    for origin in endings(repo, end.file, node, frozenset(("transpose", "contiguous"))):
        done = operation(repo, origin.file, origin.node) if isinstance(origin.node, ast.Call) else None
        is_view = done is not None and done.name in ("view", "reshape") and len(done.values) >= 4
        if not is_view and not isinstance(origin.node, ast.Name):
            return False
    return True


def _summed(repo: Codebase, source: ParsedFile, done: Operation) -> Iterator[RuleHit]:
    """`(softmax(w, a).unsqueeze(-1) * x).sum(b)`, and `(log_softmax(x, a) * t).sum(b)`."""
    along = whole(done.option("dim", 1))
    if along is None:
        along = whole(done.option("axis", 1))
    node = done.values[0]
    if along is None:
        return
    for end in endings(repo, source, node, frozenset(("neg",))):
        product = end.node.operand if isinstance(end.node, ast.UnaryOp) else end.node
        if not isinstance(product, ast.BinOp) or not isinstance(product.op, ast.Mult) or end.file != source:
            continue
        for side in (product.left, product.right):
            yield from _beside(repo, source, side, along, done.call)


def _beside(
    repo: Codebase, source: ParsedFile, side: ast.expr, along: int, total: ast.Call
) -> Iterator[RuleHit]:
    inner, added = side, 0
    done = operation(repo, source, side) if isinstance(side, ast.Call) else None
    if done is not None and done.name == "unsqueeze":
        if whole(done.option("dim", 1)) != -1 or not done.values:
            return
        inner, added = done.values[0], 1
    elif isinstance(side, ast.Subscript) and _is_new_last_axis(side.slice):
        inner, added = side.value, 1
    if along < 0:
        along += added
        if along >= 0:
            return
    for value, softmax, axis in _softmaxes(repo, source, inner):
        apart = (axis >= 0) == (along >= 0) and axis != along
        crossed = {axis, along} == {0, -1} or (axis == 0 and along == -2)
        many = (
            min(axis, along) < -1
            or _is_batched(repo, value, softmax.values[0])
            or _is_averaged(source, total)
        )
        if (apart or crossed) and many:
            yield value.file.hit(
                KIND.code,
                value.node,
                f"normalises over axis {axis}, but its products are summed over another, {along}: use the same axis",
            )


def _is_batched(repo: Codebase, value: Value, node: ast.expr) -> bool:
    """Whether a tensor has two axes or more for sure: a layer or a view with several sizes made it."""
    for end in endings(repo, value.file, node, KEEPS | {"squeeze", "tanh", "relu", "leaky_relu"}):
        done = operation(repo, end.file, end.node) if isinstance(end.node, ast.Call) else None
        if done is None and _is_met_by_column(end):
            continue
        sized = done is not None and done.name in ("expand", "view", "reshape") and len(done.values) > 2
        if not sized and (
            done is None or done.name not in ("linear", "embedding", "expand_as", "bmm", "einsum")
        ):
            return False
    return True


def _is_met_by_column(end: Value) -> bool:
    """Whether the same function puts a column beside a name, and so reads it as rows: `pos.unsqueeze(1) - neg`."""
    around = end.file.function_of(end.node)
    if not isinstance(end.node, ast.Name) or around is None:
        return False
    for part in end.file.within(around, ast.BinOp):
        for one, other in ((part.left, part.right), (part.right, part.left)):
            named = isinstance(one, ast.Name) and one.id == end.node.id
            turned = (
                isinstance(other, ast.Call)
                and called_name(other) == "unsqueeze"
                and other.args
                and whole(other.args[0]) in (1, -1)
            )
            if named and (turned or (isinstance(other, ast.Subscript) and _is_new_last_axis(other.slice))):
                return True
    return False


def _is_averaged(source: ParsedFile, total: ast.Call) -> bool:
    """Whether a mean is taken of the sums, so that there are several."""
    outer = source.parents.get(total)
    while isinstance(outer, ast.UnaryOp | ast.Attribute):
        outer = source.parents.get(outer)
    return isinstance(outer, ast.Call) and called_name(outer) == "mean"


def _is_new_last_axis(node: ast.expr) -> bool:
    """`[..., None]` and `[:, :, None]`."""
    parts = node.elts if isinstance(node, ast.Tuple) else []
    return (
        bool(parts)
        and isinstance(parts[-1], ast.Constant)
        and parts[-1].value is None
        and all(
            isinstance(p, ast.Slice) or (isinstance(p, ast.Constant) and p.value is ...) for p in parts[:-1]
        )
    )


RULE = Rule(kind=KIND, run=softmax_axis)
