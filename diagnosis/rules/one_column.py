"""Static rule: a contrastive loss whose targets say that the first vector of the batch is everybody's partner."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.codebase import Codebase
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.made_from import REARRANGES, Value, endings
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile
from diagnosis.rules.tensor_calls import operation, whole
from diagnosis.symptoms import WEAK
from diagnosis.syntax import called_name

KIND = FindingKind(
    code="one-column-for-all",
    found_by=FoundBy.RULE,
    title="One partner for the whole batch",
    why="Each row has its own partner in its own column; zeros pull every row to the first one's partner, and push its own away.",
    definition="A cross-entropy over the products of two matrices, (B, D) and (C, D) turned, whose targets are all 0.",
    roles=(Role.LOSS,),
    explains=("not-learning", "embedding-collapse", *WEAK),
    sources=("github.com/RUCAIBox/RecBole-DA/issues/6",),
)
ZEROS = {"zeros", "zeros_like", "new_zeros"}
PRODUCTS = {"matmul", "mm"}
THROUGH = frozenset((*REARRANGES, "long", "int", "clamp", "div", "mul"))
SCALES = (ast.Div, ast.Mult)


def one_column_for_all(source: ParsedFile) -> Iterator[RuleHit]:
    """`F.cross_entropy(a @ b.t() / tau, torch.zeros(len(a), dtype=torch.long))`"""
    repo = source.repo
    if repo is None or next(repo.calls("cross_entropy", "CrossEntropyLoss"), None) is None:
        return
    for call in source.calls:
        if len(call.args) + len(call.keywords) < 2 or _is_other(repo, call):
            continue
        done = operation(repo, source, call)
        if done is None or done.name != "cross_entropy" or len(done.values) < 2:
            continue
        targets = endings(repo, source, done.values[1], THROUGH)
        if not targets or not all(_are_zeros(end) for end in targets):
            continue
        logits = list(_unscaled(repo, source, done.values[0]))
        if logits and all(_is_product(end.file, end.node) for end in logits):
            place = targets[0] if targets[0].file is source else Value(file=source, node=call)
            yield source.hit(
                KIND.code,
                place.node,
                "makes the first column the target of every row: row i has its partner in column i, torch.arange(len(x))",
            )


def _is_other(repo: Codebase, call: ast.Call) -> bool:
    """Whether a call is of a function or class of the repo by that name, and so of no loss; looked at first, because it is cheap."""
    name = called_name(call)
    return name != "cross_entropy" and (name in repo.functions or name in repo.classes)


def _are_zeros(end: Value) -> bool:
    return isinstance(end.node, ast.Call) and called_name(end.node) in ZEROS


def _unscaled(repo: Codebase, source: ParsedFile, node: ast.expr) -> Iterator[Value]:
    """What made the logits, a temperature left out."""
    for end in endings(repo, source, node, THROUGH):
        inner = end.node
        while isinstance(inner, ast.BinOp) and isinstance(inner.op, SCALES):
            inner = inner.left
        yield from [end] if inner is end.node else endings(repo, end.file, inner, THROUGH, end.calls)


def _is_product(source: ParsedFile, node: ast.expr) -> bool:
    """`a @ b.t()`, of which one side is a matrix that is turned, so that all rows share the columns."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        return _is_turned(node.right)
    if isinstance(node, ast.Call) and called_name(node) in PRODUCTS and node.args:
        return _is_turned(node.args[-1])
    return False


def _is_turned(node: ast.expr) -> bool:
    if isinstance(node, ast.Attribute):
        return node.attr == "T"
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    if node.func.attr == "t":
        return True
    return node.func.attr == "transpose" and {whole(a) for a in node.args[-2:]} == {0, 1}


RULE = Rule(kind=KIND, run=one_column_for_all)
