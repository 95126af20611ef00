"""Static rule: weights are zeroed by a mask after their softmax, which has counted what was masked."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.codebase import Codebase
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.made_from import endings
from diagnosis.rules.masks import mask_of
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, ParsedFile
from diagnosis.rules.tensor_calls import amount, operation
from diagnosis.rules.values import How, bindings, names_in, words_of
from diagnosis.symptoms import WEAK
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="masked-after-softmax",
    found_by=FoundBy.RULE,
    title="Masked after the softmax",
    why="What is masked keeps its share of the softmax, so that the weights that are left hang on it: on padding, and on later events.",
    definition="A softmax of scores that no mask has touched is multiplied by a mask, or filled with 0, and its weights are summed up "
    "without being divided by their sum.",
    roles=(Role.ENCODER,),
    explains=(
        "future-visible",
        "padding-attended",
        "more-padding",
        "softmax-axis",
        "batch-companions",
        *WEAK,
    ),
)
THROUGH = frozenset(
    (
        "dropout",
        "identity",
        "unsqueeze",
        "squeeze",
        "to",
        "float",
        "contiguous",
        "transpose",
        "view",
        "reshape",
        "type_as",
        "nan_to_num",
    )
)
WORDS = ("mask", "allowed", "valid", "causal", "tril", "visible", "not_pad", "nonpad", "is_pad", "padding")
MASKS = {"masked_fill", "masked_fill_", "where", "masked_softmax", "triu", "triu_"}
SUMS = {"matmul", "bmm", "einsum", "mm"}


def masked_after_softmax(source: ParsedFile) -> Iterator[RuleHit]:
    """`weights = dropout(softmax(logits, -1) * allowed)`, then `weights @ values`."""
    repo = source.repo
    if repo is None or not any("softmax" in name.lower() for name in source.called_names):
        return
    for node in source.within(source.nodes[0], ast.BinOp, ast.Call):
        weights = _masked(repo, source, node)
        function = source.function_of(node)
        if weights is None or not isinstance(function, Function):
            continue
        scores = _scores(repo, source, function, weights)
        if scores is None or _is_masked(source, function, scores) or _is_divided(source, function):
            continue
        if _is_summed(repo, source, function, node):
            yield source.hit(
                KIND.code,
                node,
                "masks weights after their softmax: what is masked keeps its share. Set its scores to -inf before",
            )


def _masked(repo: Codebase, source: ParsedFile, node: ast.expr) -> ast.expr | None:
    """The weights of `weights * mask` and `weights.masked_fill(mask, 0)`; None for all else."""
    if isinstance(node, ast.BinOp):
        if isinstance(node.op, ast.Mult):
            for weights, mask in ((node.left, node.right), (node.right, node.left)):
                if _is_mask(repo, source, mask) and not _is_mask(repo, source, weights):
                    return weights
        return None
    if (
        isinstance(node, ast.Call)
        and called_name(node) in ("masked_fill", "masked_fill_")
        and len(node.args) == 2
    ):
        own = node.func.value if isinstance(node.func, ast.Attribute) else None
        return own if amount(node.args[1]) == 0 else None
    return None


def _is_mask(repo: Codebase, source: ParsedFile, node: ast.expr) -> bool:
    inner = node
    while isinstance(inner, ast.Subscript | ast.Call):
        if isinstance(inner, ast.Subscript):
            inner = inner.value
        elif isinstance(inner.func, ast.Attribute) and called_name(inner) in (
            *THROUGH,
            "int",
            "bool",
            "expand",
        ):
            inner = inner.func.value
        else:
            break
    name = dotted(inner).rpartition(".")[2].lower()
    return any(word in name for word in WORDS) or (
        isinstance(node, ast.Name | ast.Call | ast.Compare | ast.UnaryOp)
        and mask_of(repo, source, node) is not None
    )


def _scores(repo: Codebase, source: ParsedFile, function: Function, weights: ast.expr) -> ast.expr | None:
    """What the softmax is taken of, where the weights are a softmax of this function on every way; else None."""
    found = None
    for end in endings(repo, source, weights, THROUGH):
        done = operation(repo, end.file, end.node) if isinstance(end.node, ast.Call) else None
        if done is None or done.name != "softmax" or not done.values or end.file.path != source.path:
            return None
        if source.function_of(end.node) is not function:
            return None
        found = done.values[0]
    return found


def _is_masked(source: ParsedFile, function: Function, scores: ast.expr) -> bool:
    """Whether the scores may have been masked: by a fill, by adding a mask, or in place."""
    waiting, seen = [scores], set[ast.AST]()
    names: set[str] = set()
    while waiting:
        node = waiting.pop()
        if node in seen:
            continue
        seen.add(node)
        if any(called_name(call) in MASKS for call in source.within(node, ast.Call)):
            return True
        if any(word in one.lower() for one in words_of(node) for word in (*WORDS, "inf")):
            return True
        for name in names_in(node):
            names.add(dotted(name))
            if source.function_of(name) is function:
                waiting += [
                    b.value
                    for b in bindings(source, dotted(name), name)
                    if b.how in (How.ASSIGNED, How.CHANGED)
                ]
    stored = [
        t for s in source.within(function, ast.Assign) for t in s.targets if isinstance(t, ast.Subscript)
    ]
    in_place = [
        call.func.value
        for call in source.calls_in(function)
        if called_name(call) in MASKS and isinstance(call.func, ast.Attribute)
    ]
    return any(dotted(t.value) in names for t in stored) or any(
        dotted(o) in names for o in in_place if dotted(o)
    )


def _is_divided(source: ParsedFile, function: Function) -> bool:
    """Whether anything is divided by a sum, as weights that shall add up to one again."""
    divisions = [b.right for b in source.within(function, ast.BinOp) if isinstance(b.op, ast.Div)]
    divisions += [b.value for b in source.within(function, ast.AugAssign) if isinstance(b.op, ast.Div)]
    for divisor in divisions:
        values = [divisor]
        for name in names_in(divisor):
            values += [b.value for b in bindings(source, dotted(name), name)]
        if any(
            called_name(c) in ("sum", "norm", "clamp", "clamp_min")
            for v in values
            for c in source.within(v, ast.Call)
        ):
            return True
    return any(called_name(call) in ("normalize", "div", "div_") for call in source.calls_in(function))


def _is_summed(repo: Codebase, source: ParsedFile, function: Function, node: ast.expr) -> bool:
    """Whether the masked weights are the weights of a sum: `weights @ values`, `(weights[..., None] * values).sum(1)`."""
    sides: list[ast.expr] = [
        b.left for b in source.within(function, ast.BinOp) if isinstance(b.op, ast.MatMult)
    ]
    for call in source.calls_in(function):
        if called_name(call) in SUMS:
            sides += call.args
            sides += [call.func.value] if isinstance(call.func, ast.Attribute) else []
        elif called_name(call) == "sum" and isinstance(call.func, ast.Attribute):
            product = call.func.value
            if isinstance(product, ast.BinOp) and isinstance(product.op, ast.Mult) and product is not node:
                sides += [product.left, product.right]
    return any(end.node is node for side in sides for end in endings(repo, source, side, THROUGH))


RULE = Rule(kind=KIND, run=masked_after_softmax)
