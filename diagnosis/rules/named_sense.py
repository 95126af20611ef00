"""Whether a figure is better the higher it is, or the lower, in its author's words: ndcg is, and val_loss is not."""

import ast
import re
from collections.abc import Iterable

from diagnosis.rules.codebase import Codebase, Defined
from diagnosis.rules.source import ParsedFile
from diagnosis.rules.tensor_calls import amount
from diagnosis.rules.values import bindings, owner_of
from diagnosis.syntax import called_name, dotted

HIGHER = {"ndcg", "recall", "hr", "hit", "hits", "hitrate", "mrr", "map", "auc", "gauc", "precision", "acc", "accuracy"}  # fmt: skip
LOWER = {"loss", "losses", "rmse", "mae", "mse", "logloss", "bce", "nll", "error", "err", "perplexity", "ppl"}
# Calls that hand a figure on as it is, or its mean.
KEEPS = {
    "float",
    "item",
    "mean",
    "round",
    "cpu",
    "numpy",
    "tensor",
    "nanmean",
    "average",
    "detach",
    "max",
    "abs",
}
DEEPEST = 4  # names that one question follows
_PIECE = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


def named_sense(repo: Codebase, file: ParsedFile, node: ast.AST, depth: int = 0) -> int:
    """1 where more is better, -1 where less is, 0 where the words do not say, or contradict each other."""
    if depth > DEEPEST:
        return 0
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -named_sense(repo, file, node.operand, depth)
    if isinstance(node, ast.BinOp):
        return _reckoned(repo, file, node, depth)
    if isinstance(node, ast.Call):
        return _called(repo, file, node, depth)
    if isinstance(node, ast.Subscript):
        key = node.slice
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            return sense_of_words([key.value])
        return named_sense(repo, file, node.value, depth + 1)
    if isinstance(node, ast.Name | ast.Attribute):
        return _named(repo, file, node, depth)
    return 0


def sense_of_words(words: Iterable[str]) -> int:
    """Of names as they are written: -1 where one speaks of a loss, as that of a metric does; 1 of a metric of ranking."""
    pieces = {piece.lower() for word in words for piece in _PIECE.findall(word)}
    return -1 if pieces & LOWER else 1 if pieces & HIGHER else 0


def _reckoned(repo: Codebase, file: ParsedFile, node: ast.BinOp, depth: int) -> int:
    left, right = (named_sense(repo, file, side, depth + 1) for side in (node.left, node.right))
    plain = [amount(side) for side in (node.left, node.right)]
    if isinstance(node.op, ast.Sub) and plain[0] is not None:
        return -right
    if isinstance(node.op, ast.Div) and plain[0] is not None:
        return 0
    if isinstance(node.op, ast.Add | ast.Mult) or plain[1] is not None:
        return left if left == right else left + right if 0 in (left, right) else 0
    return left if isinstance(node.op, ast.Div) else 0


def _called(repo: Codebase, file: ParsedFile, call: ast.Call, depth: int) -> int:
    name = called_name(call)
    if name not in KEEPS:
        return sense_of_words([name])
    of_module = file.full_name(call).startswith(("numpy.", "torch.", "statistics."))
    own = call.func.value if isinstance(call.func, ast.Attribute) and not of_module else None
    given = own if own is not None else call.args[0] if call.args else None
    return named_sense(repo, file, given, depth) if given is not None else 0


def _named(repo: Codebase, file: ParsedFile, node: ast.Name | ast.Attribute, depth: int) -> int:
    """What callers give for a parameter says more than its name, and a name more than what it was bound to."""
    name = dotted(node)
    owner = owner_of(file, name, node) if isinstance(node, ast.Name) else None
    if owner is not None and not bindings(file, name, node):
        given = {
            named_sense(repo, *one, depth + 1) for one in repo.given(Defined(file=file, node=owner), name)
        }
        if given - {0}:
            return given.pop() if len(given) == 1 else 0
    own = sense_of_words([name.rpartition(".")[2]])
    if own or not isinstance(node, ast.Name):
        return own
    bound = {
        named_sense(repo, file, b.value, depth + 1) for b in bindings(file, name, node) if b.position is None
    }
    return bound.pop() if len(bound) == 1 else 0
