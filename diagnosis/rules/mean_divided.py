"""Static rule: a loss that is a mean already, and is divided by the size of the batch once more."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.codebase import Codebase
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.made_from import endings
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile
from diagnosis.rules.tensor_calls import operation
from diagnosis.rules.values import bindings
from diagnosis.symptoms import UNTRAINED
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="mean-divided-again",
    found_by=FoundBy.RULE,
    title="A mean divided again",
    why="The gradient is as many times too small as the batch is large, and depends on its size.",
    definition="The loss on which `backward` is called is a mean over the batch divided by a size of the batch.",
    roles=(Role.LOSS,),
    explains=("learning-rate-too-low", *UNTRAINED),
)
MEANS = {
    "cross_entropy",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "nll_loss",
    "mse_loss",
    "l1_loss",
    "smooth_l1_loss",
    "margin_ranking_loss",
}


def mean_divided(source: ParsedFile) -> Iterator[RuleHit]:
    """Losses of `backward` that are quotients of a mean and a size."""
    repo = source.repo
    for call in source.calls_named("backward") if repo else ():
        if repo is None or not isinstance(call.func, ast.Attribute):
            continue
        for end in endings(repo, source, call.func.value, frozenset()):
            node = end.node
            divided = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)
            if (
                isinstance(node, ast.BinOp)
                and divided
                and _is_size(end.file, node.right)
                and _is_mean(repo, end.file, node.left)
            ):
                yield end.file.hit(
                    KIND.code, node, "divides a mean by the size of the batch again: leave one of them out"
                )


def _is_size(file: ParsedFile, node: ast.expr, depth: int = 0) -> bool:
    """`len(x)`, `x.size(0)`, `x.shape[0]`, `x.numel()`, or a name for one of these."""
    if isinstance(node, ast.Call):
        if called_name(node) in ("len", "numel") or (called_name(node) == "size" and node.args):
            return True
        return (
            called_name(node) in ("float", "int") and bool(node.args) and _is_size(file, node.args[0], depth)
        )
    if isinstance(node, ast.Subscript):
        return dotted(node.value).endswith(".shape")
    if isinstance(node, ast.Name) and depth < 2:
        found = bindings(file, node.id, node)
        return bool(found) and all(b.position is None and _is_size(file, b.value, depth + 1) for b in found)
    return False


def _is_mean(repo: Codebase, file: ParsedFile, node: ast.expr) -> bool:
    """Whether an expression is a mean on every way to it: `.mean()`, or a loss of torch with its usual reduction."""
    found = endings(repo, file, node, frozenset())
    return bool(found) and all(_ends_in_mean(repo, end.file, end.node) for end in found)


def _ends_in_mean(repo: Codebase, file: ParsedFile, node: ast.expr) -> bool:
    if isinstance(node, ast.UnaryOp):
        return _is_mean(repo, file, node.operand)
    if isinstance(node, ast.BinOp) and isinstance(
        node.op, ast.Add
    ):  # one of the terms of a sum is divided again
        return _is_mean(repo, file, node.left) or _is_mean(repo, file, node.right)
    done = operation(repo, file, node) if isinstance(node, ast.Call) else None
    if done is None:
        return False
    if done.name == "mean":
        return len(done.values) == 1 and not any(k.arg in ("dim", "axis") for k in done.call.keywords)
    reduction = next((k.value for k in done.options.keywords if k.arg == "reduction"), None)
    others = any(k.arg in ("size_average", "reduce", None) for k in done.options.keywords)
    return (
        done.name in MEANS and not others and (reduction is None or getattr(reduction, "value", "") == "mean")
    )


RULE = Rule(kind=KIND, run=mean_divided, crosses=True)
