"""The losses that a repo trains on, and the terms that they are sums of."""

import ast
from collections.abc import Iterator

from diagnosis.rules.codebase import Codebase
from diagnosis.rules.made_from import REARRANGES, Value, endings
from diagnosis.rules.source import ParsedFile
from diagnosis.rules.tensor_calls import amount
from diagnosis.rules.values import How, bindings

GIVEN = 1  # an argument of `backward` itself is a loss, as in `accelerator.backward(loss)`
DEEPEST = 6
THROUGH = frozenset((*REARRANGES, "mean", "sum", "scale", "nanmean", "clamp"))


def losses(source: ParsedFile) -> Iterator[ast.expr]:
    """What `backward` is called on or given, and what a Lightning-like `training_step` returns."""
    for call in source.calls_named("backward"):
        if isinstance(call.func, ast.Attribute):
            yield call.args[0] if len(call.args) == GIVEN else call.func.value
    for function in source.functions:
        if function.name == "training_step":
            yield from (
                r.value
                for r in source.within(function, ast.Return)
                if r.value is not None and source.function_of(r) is function
            )


def terms(repo: Codebase, value: Value, depth: int = 0) -> list[Value]:
    """What a loss is the sum of, wherever in the repo that is added: expressions that are no sums themselves.

    A term keeps its factors: `0.1 * F.mse_loss(a, b)` is one term. What is added in place (`loss += term`) counts, too.
    """
    found: list[Value] = []
    for end in endings(repo, value.file, value.node, THROUGH, value.calls):
        node = end.node
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub) and depth < DEEPEST:
            parts = [node.left, node.right]
        else:
            parts = _added(end) if isinstance(node, ast.Name) and depth < DEEPEST else []
        for part in parts:
            found += terms(repo, Value(file=end.file, node=part, calls=end.calls), depth + 1)
        if not parts:
            found.append(end)
    return found


def _added(end: Value) -> list[ast.expr]:
    """What a name that is added to in place is bound to, and what is added; [] for other names, and where its binding is unknown."""
    name = end.node.id if isinstance(end.node, ast.Name) else ""
    bound = bindings(end.file, name, end.node)
    summed = [
        b for b in bound if isinstance(b.node, ast.AugAssign) and isinstance(b.node.op, ast.Add | ast.Sub)
    ]
    begun = [b for b in bound if b.how is How.ASSIGNED and b.position is None]
    if not summed or len(summed) + len(begun) < len(bound):
        return []
    return [b.value for b in (*begun, *summed)]


def factors(node: ast.expr) -> list[ast.expr]:
    """What a product is made of, signs and numbers apart; the numerator alone of a quotient."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        return [*factors(node.left), *factors(node.right)]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        return factors(node.left)
    if isinstance(node, ast.UnaryOp):
        return factors(node.operand)
    return [] if amount(node) is not None else [node]
