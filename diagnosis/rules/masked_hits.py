"""Static rule: hits among sampled negatives that are masked by a number which a softmax still counts."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.codebase import Codebase
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.made_from import REARRANGES, endings
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile
from diagnosis.rules.tensor_calls import amount, operation
from diagnosis.rules.values import bindings
from diagnosis.symptoms import WEAK
from diagnosis.syntax import dotted

KIND = FindingKind(
    code="hits-masked-with-zero",
    found_by=FoundBy.RULE,
    title="Masked hits still count",
    why="A logit of 0 weighs exp(0) = 1 in a softmax: the user's own item is pushed down as a middling negative.",
    definition="Logits where ids are equal are set to more than -30 before a softmax or cross-entropy, by masked_fill, where or an index.",
    roles=(Role.LOSS,),
    explains=("popularity-reversed", *WEAK),
    sources=("github.com/tensorflow/recommenders/issues/334",),
)
SOFT = {"cross_entropy", "log_softmax", "logsumexp", "softmax"}
BIG = 30.0  # what is lower weighs nothing in a softmax
EQUALS = {"eq", "isin", "equal"}
THROUGH = frozenset((*REARRANGES, "fill_diagonal_", "bool", "logical_and", "clone"))


def hits_masked_with_zero(source: ParsedFile) -> Iterator[RuleHit]:
    """`same = t[:, None] == t; F.cross_entropy(logits.masked_fill(same, 0.0), arange)`"""
    repo = source.repo
    for call in source.calls if repo else ():
        done = operation(repo, source, call) if repo else None
        if repo is None or done is None or done.name not in SOFT or not done.values:
            continue
        for node, mask, value in _filled(repo, source, done.values[0]):
            if value is not None and value > -BIG and _is_of_equal_ids(repo, source, mask):
                yield source.hit(
                    KIND.code,
                    node,
                    f"leaves hits with a logit of {value:g}, which counts in the softmax: fill -inf",
                )


def _filled(
    repo: Codebase, source: ParsedFile, logits: ast.expr
) -> Iterator[tuple[ast.expr | ast.stmt, ast.expr, float | None]]:
    """Where logits are filled, under which mask, and with what."""
    for end in endings(repo, source, logits, THROUGH):
        done = operation(repo, end.file, end.node) if isinstance(end.node, ast.Call) else None
        if done is None or end.file is not source:
            continue
        if done.name in ("masked_fill", "masked_fill_") and len(done.values) > 2:
            yield end.node, done.values[1], amount(done.values[2])
        elif done.name == "where" and len(done.values) == 3:
            yield end.node, done.values[0], amount(done.values[1])
    name, function = dotted(logits), source.function_of(logits)
    for statement in source.within(function, ast.Assign) if name and function else ():
        for target in statement.targets:
            if isinstance(target, ast.Subscript) and dotted(target.value) == name:
                yield statement, target.slice, amount(statement.value)


def _is_of_equal_ids(repo: Codebase, source: ParsedFile, mask: ast.expr) -> bool:
    """Whether a mask is true where two tensors are equal, the diagonal taken out or not."""
    ends = endings(repo, source, mask, THROUGH)
    return bool(ends) and any(_are_equal(end.file, end.node) for end in ends)


def _are_equal(file: ParsedFile, node: ast.expr, depth: int = 0) -> bool:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitAnd | ast.Sub | ast.BitXor):
        return _are_equal(file, node.left, depth) or _are_equal(file, node.right, depth)
    if isinstance(node, ast.Name) and depth < 2:
        return any(_are_equal(file, b.value, depth + 1) for b in bindings(file, node.id, node))
    if isinstance(node, ast.Compare):
        sides = (node.left, *node.comparators)
        return isinstance(node.ops[0], ast.Eq) and not any(isinstance(side, ast.Constant) for side in sides)
    if (
        not isinstance(node, ast.Call)
        or not isinstance(node.func, ast.Attribute)
        or node.func.attr not in EQUALS
    ):
        return False
    return bool(node.args) and not isinstance(node.args[-1], ast.Constant)


RULE = Rule(kind=KIND, run=hits_masked_with_zero)
