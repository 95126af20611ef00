"""Whether more or less of a value is better, by the names of metrics and losses, and by what was added up for a mean."""

import ast
import re
from collections.abc import Iterable

from diagnosis.rules.codebase import Codebase
from diagnosis.rules.definitions import returns
from diagnosis.rules.source import ParsedFile
from diagnosis.rules.values import How, bindings
from diagnosis.syntax import called_name, dotted

LARGER = {
    "ndcg",
    "hr",
    "hit",
    "hits",
    "hitrate",
    "recall",
    "auc",
    "map",
    "mrr",
    "precision",
    "accuracy",
    "acc",
    "ndcgs",
    "gain",
    "f1",
}
SMALLER = {"loss", "losses", "rmse", "mae", "mse", "error", "nll", "perplexity", "ppl", "bce", "logloss"}
_PIECE = re.compile(r"[A-Z]+1?(?![a-z])|[A-Z]?[a-z]+1?")
DEEPEST = 6
# Calls that hand a number on, or make the sum or mean of numbers.
_HANDS_ON = {
    "float", "item", "mean", "sum", "fmean", "average", "nanmean", "detach", "cpu", "numpy", "stack", "tolist", "tensor", "array", "asarray",
    "data", "clone", "cat", "all_reduce", "round",
}  # fmt: skip


def said_by(texts: Iterable[str]) -> int:
    """1 where all names are of metrics that are better when larger, -1 for losses and errors, 0 for anything else."""
    senses = set()
    for text in texts:
        pieces = {piece.lower() for piece in _PIECE.findall(text)}
        senses.add(-1 if pieces & SMALLER else 1 if pieces & LARGER else 0)
    return senses.pop() if len(senses) == 1 else 0


def averaged(repo: Codebase, file: ParsedFile, node: ast.expr, depth: int = 0) -> int:
    """The sense of a mean or sum by what was added up: `float(total) / len(batches)` after `total += loss.detach()`.

    0 where that is nothing known, of both senses, or has its sign turned.
    """
    if depth > DEEPEST:
        return 0
    if isinstance(node, ast.Name | ast.Attribute):
        return said_by([dotted(node).rpartition(".")[2]]) or _of_name(repo, file, node, depth)
    if isinstance(node, ast.BinOp):
        return _of_operation(repo, file, node, depth)
    if isinstance(node, ast.List | ast.ListComp | ast.GeneratorExp):
        parts = node.elts if isinstance(node, ast.List) else [node.elt]
        return _agreed([averaged(repo, file, part, depth + 1) for part in parts])
    if isinstance(node, ast.Call):
        return _of_call(repo, file, node, depth)
    return 0


def _of_operation(repo: Codebase, file: ParsedFile, node: ast.BinOp, depth: int) -> int:
    left, right = (averaged(repo, file, part, depth + 1) for part in (node.left, node.right))
    if isinstance(node.op, ast.Div):
        return left if right == 0 else 0
    if isinstance(node.op, ast.Mult | ast.Add):
        return left if right in (0, left) else right if left == 0 else 0
    return 0


def _of_call(repo: Codebase, file: ParsedFile, call: ast.Call, depth: int) -> int:
    name = called_name(call)
    if name in _HANDS_ON:
        of_module = isinstance(call.func, ast.Attribute) and dotted(call.func.value) not in file.imports
        given = (
            call.func.value
            if of_module and isinstance(call.func, ast.Attribute)
            else (call.args or [None])[0]
        )
        return averaged(repo, file, given, depth + 1) if given is not None else 0
    reached = repo.callee(file, call)
    found = returns(reached) if reached is not None else []
    return _agreed([averaged(repo, reached.file, value, depth + 1) for value in found]) if reached else 0


def _of_name(repo: Codebase, file: ParsedFile, node: ast.Name | ast.Attribute, depth: int) -> int:
    """By all that is assigned and added to a name, and appended to it; what it begins with tells nothing."""
    name = dotted(node)
    made = bindings(file, name, node)
    if not name or any(b.position is not None or b.how in (How.ITERATED, How.ENTERED) for b in made):
        return 0
    scope = file.function_of(node) or file.nodes[0]
    joined = [
        call.args[0]
        for call in file.calls_in(scope)
        if called_name(call) == "append" and call.args and dotted(call.func) == f"{name}.append"
    ]
    told = [b.value for b in made if not _begins(b.value)] + joined
    return _agreed([averaged(repo, file, value, depth + 1) for value in told])


def _begins(value: ast.expr) -> bool:
    """`0.0`, `[]`, `torch.zeros(())`"""
    if isinstance(value, ast.Call):
        return called_name(value) in ("zeros", "tensor", "list", "new_zeros", "zeros_like") and not any(
            isinstance(part, ast.Name) and said_by([part.id]) for part in ast.walk(value)
        )
    return isinstance(value, ast.Constant) or (isinstance(value, ast.List) and not value.elts)


def _agreed(senses: list[int]) -> int:
    return senses[0] if senses and len(set(senses)) == 1 else 0
