"""Static rule: the largest value of a whole batch stands in the loss for that of each example."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, ParsedFile
from diagnosis.rules.values import bindings
from diagnosis.symptoms import WEAK
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="extreme-of-the-batch",
    found_by=FoundBy.RULE,
    title="One extreme for the whole batch",
    why="Only the one pair of the batch that is largest gets a gradient; all others of the loss teach nothing.",
    definition="In a loss, max() or min() without an axis of a tensor whose rows are examples, multiplied with or set against one "
    "value of each example.",
    roles=(Role.LOSS,),
    explains=("nothing-pushed-down", "term-without-weight", *WEAK),
)
EXTREMES = ("max", "min", "amax", "amin")


def extreme_of_batch(source: ParsedFile) -> Iterator[RuleHit]:
    """`(torch.log1p(rank) * slack.max()).mean()` where `rank` comes of `(slack > 0).sum(1)`"""
    for call in source.calls_named(*EXTREMES):
        name = _of_whole(source, call)
        function = source.function_of(call)
        if (
            not name
            or function is None
            or not _is_weighed(source, call)
            or _is_taken_off(source, function, name)
        ):
            continue
        if _has_rows(source, function, call, name) and _becomes_a_mean(source, function, call):
            yield source.hit(
                KIND.code,
                call,
                f"is the one extreme of the whole batch, so that one example gets a gradient: give {called_name(call)} an axis",
            )


def _of_whole(source: ParsedFile, call: ast.Call) -> str:
    """The name of a tensor whose extreme is taken over all axes."""
    if call.keywords:
        return ""
    if isinstance(call.func, ast.Attribute) and not call.args:
        return dotted(call.func.value)
    full = source.full_name(call)
    return dotted(call.args[0]) if full.startswith("torch.") and len(call.args) == 1 else ""


def _is_weighed(source: ParsedFile, call: ast.Call) -> bool:
    """Whether the extreme is a factor or a term beside a tensor; not what is taken off so that exp stays finite, nor a divisor."""
    outer = source.parents.get(call)
    beyond = source.parents.get(outer) if isinstance(outer, ast.BinOp) else None
    if isinstance(beyond, ast.BinOp) and _of_whole(source, call) in (
        dotted(beyond.left),
        dotted(beyond.right),
    ):
        return False  # what lifts some values above all others: `dist + dist.max() * same`
    if not isinstance(outer, ast.BinOp) or "detach" in {called_name(c) for c in source.calls_in(outer)}:
        return False
    other = outer.right if outer.left is call else outer.left
    if not any(isinstance(part, ast.Name) for part in ast.walk(other)):
        return False
    return isinstance(outer.op, ast.Mult | ast.Add) or (isinstance(outer.op, ast.Sub) and outer.left is call)


def _is_taken_off(source: ParsedFile, function: Function, name: str) -> bool:
    """Whether the extreme is the place that the tensor's own values are measured from, as in `x.max() + (x - x.max()).exp()`, in an age
    `times.max() - times` or in a cost `sim.max() - sim`."""
    return any(
        isinstance(part.op, ast.Sub)
        and any(dotted(side) == name for side in (part.left, part.right))
        and any(
            _of_whole(source, inner) == name
            for side in (part.left, part.right)
            if isinstance(side, ast.Call)
            for inner in source.calls_in(side)
            if called_name(inner) in EXTREMES
        )
        for part in source.within(function, ast.BinOp)
    )


def _has_rows(source: ParsedFile, function: Function, call: ast.Call, name: str) -> bool:
    """Whether the function takes another value of the tensor row by row: `slack.sum(1)`, `(slack > 0).sum(1)`, or made it by
    `unsqueeze(1)` or a product of a batch with its candidates."""
    for other in source.calls_in(function):
        if other is call or called_name(other) not in (
            "sum",
            "mean",
            "max",
            "min",
            "softmax",
            "logsumexp",
            "argmax",
            "topk",
        ):
            continue
        axis = [*other.args[-1:], *(k.value for k in other.keywords if k.arg in ("dim", "axis"))]
        reads = any(dotted(part) == name for part in ast.walk(other.func))
        if reads and any(_is_last(a) for a in axis):
            return True
    return any(
        called_name(inner) == "unsqueeze" and len(inner.args) == 1 and _is_last(inner.args[0])
        for binding in bindings(source, name, call)
        if binding.position is None
        for inner in source.calls_in(binding.value)
    )


def _is_last(node: ast.expr) -> bool:
    if isinstance(node, ast.UnaryOp):
        return isinstance(node.operand, ast.Constant) and node.operand.value == 1
    return isinstance(node, ast.Constant) and node.value == 1


def _becomes_a_mean(source: ParsedFile, function: Function, call: ast.Call) -> bool:
    """Whether the value is averaged or summed, which a loss is and one number need not be."""
    for outer in source.around(call):
        if isinstance(outer, ast.Call) and called_name(outer) in ("mean", "sum"):
            return True
        if isinstance(outer, ast.Attribute) and outer.attr in ("mean", "sum"):
            return True
        if isinstance(outer, ast.Assign):
            kept = {dotted(t) for t in outer.targets} - {""}
            return any(
                called_name(c) in ("mean", "sum")
                and not any(k.arg in ("dim", "axis") for k in c.keywords)
                and kept & {dotted(p) for p in ast.walk(c)}
                for c in source.calls_in(function)
                if source.places[c] > source.places[call]
            )
        if isinstance(outer, ast.stmt):
            return False
    return False


RULE = Rule(kind=KIND, run=extreme_of_batch)
