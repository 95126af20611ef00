"""Static rule: dropout on the logits of an attention, which sets what is masked to 0, and so lets it be seen."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.codebase import Codebase
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.made_from import REARRANGES, Value, endings
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile
from diagnosis.rules.tensor_calls import Operation, operation
from diagnosis.symptoms import WEAK

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
        if done is not None and done.name in MASKS:
            return True
        inner = end.node
        if isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.Add):  # logits + mask
            inner = inner.left
        if isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.Div | ast.Mult):
            sides = (inner.left, inner.right)
            if any(
                (isinstance(p, ast.BinOp) and isinstance(p.op, ast.MatMult))
                or (
                    isinstance(p, ast.Call)
                    and (made := operation(repo, end.file, p)) is not None
                    and made.name in PRODUCTS
                )
                for p in sides
            ):
                return True
    return False


RULE = Rule(kind=KIND, run=dropout_before_softmax)
