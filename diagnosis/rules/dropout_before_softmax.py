"""Static rule: dropout on the logits of an attention, which sets what is masked to 0, and so lets it be seen."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.codebase import Codebase
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.made_from import REARRANGES, Value, endings
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile
from diagnosis.rules.tensor_calls import Operation, amount, operation
from diagnosis.symptoms import WEAK
from diagnosis.syntax import called_name

KIND = FindingKind(
    code="dropout-before-softmax",
    found_by=FoundBy.RULE,
    title="Dropout on the logits of an attention",
    why="A logit that is dropped becomes 0, which is far above a mask: in training, masked places are attended to.",
    definition="A softmax of what dropout made of masked logits, or of a scaled product of queries and keys.",
    roles=(Role.ENCODER,),
    explains=("future-visible", "padding-attended", *WEAK),
)
MASKS = {"masked_fill", "masked_fill_", "where"}
PRODUCTS = {"matmul", "bmm", "baddbmm", "einsum"}
TURNS = {"transpose", "permute", "swapaxes"}
FAR = -100  # below this a logit gets no weight
DROPS = {"dropout", "dropout_"}


def dropout_before_softmax(source: ParsedFile) -> Iterator[RuleHit]:
    """`F.dropout(logits.masked_fill(~mask, -1e9), p).softmax(-1)`"""
    repo = source.repo
    if repo is None or not source.calls_named("softmax", "attn_softmax", "Softmax"):
        return
    for call in source.calls_named("softmax", "attn_softmax"):
        done = operation(repo, source, call)
        if done is None or done.name != "softmax" or not done.values:
            continue
        for end in endings(repo, source, done.values[0], REARRANGES):
            dropped = _operation(repo, end)
            if (
                dropped is not None
                and dropped.name in DROPS
                and dropped.values
                and _are_logits(repo, end, dropped.values[0])
            ):
                yield end.file.hit(
                    KIND.code,
                    end.node,
                    "sets a share of the logits to 0, masked ones too, which the softmax then sees: drop its weights",
                )


def _operation(repo: Codebase, value: Value) -> Operation | None:
    return operation(repo, value.file, value.node) if isinstance(value.node, ast.Call) else None


def _are_logits(repo: Codebase, value: Value, node: ast.expr) -> bool:
    """Whether a value is masked, or a product that is divided by a number, at least on one way."""
    for end in endings(repo, value.file, node, REARRANGES, value.calls):
        done = _operation(repo, end)
        if done is not None and done.name in MASKS and any(map(_is_far_below, _arguments(end.node))):
            return True
        inner = end.node
        if isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.Add):  # logits + mask
            inner = inner.left
        if isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.Div | ast.Mult):
            sides = (inner.left, inner.right)
            if any(_is_of_queries(repo, end, p) for p in sides):
                return True
    return False


def _is_of_queries(repo: Codebase, value: Value, node: ast.expr) -> bool:
    """Whether a value is a product with what was turned for it, as keys are and weights of a gate are not."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        return _is_turned(node.right)
    if not isinstance(node, ast.Call) or (made := operation(repo, value.file, node)) is None:
        return False
    given = [a for a in node.args if not isinstance(a, ast.Constant)]
    return made.name in PRODUCTS and (made.name == "einsum" or any(map(_is_turned, given)))


def _is_turned(node: ast.expr) -> bool:
    if isinstance(node, ast.Attribute):
        return node.attr == "mT"
    return isinstance(node, ast.Call) and called_name(node) in TURNS


def _arguments(node: ast.expr) -> list[ast.expr]:
    return [*node.args, *(k.value for k in node.keywords)] if isinstance(node, ast.Call) else []


def _is_far_below(node: ast.expr) -> bool:
    """Whether a number is far below all logits."""
    told = amount(node)
    return told is not None and told < FAR


RULE = Rule(kind=KIND, run=dropout_before_softmax)
