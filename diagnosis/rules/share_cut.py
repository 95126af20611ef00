"""Static rule: a share of the largest value is cut to a whole number before it is multiplied, and is 0 for all."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile
from diagnosis.rules.values import How, bindings
from diagnosis.symptoms import WEAK
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="share-cut-to-zero",
    found_by=FoundBy.RULE,
    title="Cut to a whole number too early",
    why="A number between 0 and 1 is 0 as a whole number: all items get the same bucket, and the feature tells nothing.",
    definition="A value that is divided by the largest one, or by the range, is cast to whole numbers or floored, and multiplied afterwards.",
    roles=(Role.ENCODER,),
    explains=WEAK,
)
CASTS = {"int", "long", "int64", "int32", "floor", "trunc", "floor_"}
INTEGERS = ("int", "long", "int64", "int32", "int16", "uint8", "intp")
LARGEST = {"max", "nanmax", "amax", "ptp", "maximum"}


def share_cut_to_zero(source: ParsedFile) -> Iterator[RuleHit]:
    """`(price / price.max()).astype(int) * n_buckets`"""
    for product in source.within(source.nodes[0], ast.BinOp):
        if not isinstance(product.op, ast.Mult):
            continue
        for side in (product.left, product.right):
            value = _cast(side)
            if value is not None and _is_share(source, value, 0):
                yield source.hit(
                    KIND.code,
                    product,
                    "cuts a share between 0 and 1 to a whole number, which is 0, before it is multiplied: multiply first",
                )
                break


def _cast(node: ast.expr) -> ast.expr | None:
    """What is made a whole number: `x.astype(int)`, `x.long()`, `int(x)`, `np.floor(x)`; None for all else."""
    if not isinstance(node, ast.Call):
        return None
    name = called_name(node)
    own = node.func.value if isinstance(node.func, ast.Attribute) else None
    if name in ("astype", "to", "type") and own is not None:
        return own if any(_last(part) in INTEGERS for part in node.args) else None
    if name not in CASTS:
        return None
    if node.args:
        return node.args[0]
    return own


def _last(node: ast.expr) -> str:
    return str(node.value) if isinstance(node, ast.Constant) else dotted(node).rpartition(".")[2]


def _is_share(source: ParsedFile, node: ast.expr, depth: int) -> bool:
    """Whether a value lies between 0 and 1, because it was divided by the largest value or the range."""
    if isinstance(node, ast.Name) and depth < 3:
        made = bindings(source, node.id, node)
        return bool(made) and all(
            b.how is How.ASSIGNED and b.position is None and _is_share(source, b.value, depth + 1)
            for b in made
        )
    if isinstance(node, ast.Call) and called_name(node) in (
        "nan_to_num",
        "clip",
        "asarray",
        "array",
        "squeeze",
    ):
        inner = node.args[0] if node.args else None
        return inner is not None and _is_share(source, inner, depth + 1)
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Div) or depth > 4:
        return False
    divided = {dotted(part) for part in ast.walk(node.left)} - {""}
    return _is_largest_of(source, node.right, divided, 0)


def _is_largest_of(source: ParsedFile, node: ast.expr, divided: set[str], depth: int) -> bool:
    """Whether a divisor is the largest of the divided values, or their range; a little may be added to it."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        return _is_largest_of(source, node.left, divided, depth)
    if isinstance(node, ast.Name) and depth < 2:
        made = bindings(source, node.id, node)
        return bool(made) and all(
            b.how is How.ASSIGNED
            and b.position is None
            and _is_largest_of(source, b.value, divided, depth + 1)
            for b in made
        )
    if not isinstance(node, ast.Call) or called_name(node) not in LARGEST:
        return False
    given = {dotted(part) for part in ast.walk(node)} - {""}
    return bool(given & divided - {"np", "torch", "self"})


RULE = Rule(kind=KIND, run=share_cut_to_zero)
