"""Static rule: a share that a whole-number division makes 0 wherever it is not 1."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile
from diagnosis.rules.values import bindings
from diagnosis.symptoms import WEAK
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="share-floored",
    found_by=FoundBy.RULE,
    title="A share in whole numbers",
    why="How many of a number there are, divided by that number without a rest, is 0 unless all are.",
    definition="A count of those that meet a condition, divided by `//` by how many there are.",
    explains=("nothing-pushed-down", "term-without-weight", *WEAK),
)
COUNTS = {"sum", "count_nonzero"}
KEEPS = {"int", "item", "long", "to", "tolist", "cpu", "numpy"}


def share_floored(source: ParsedFile) -> Iterator[RuleHit]:
    """`(slack > 0).sum(1) // slack.size(1)`, `hits.sum() // len(hits)`"""
    for part in source.within(source.nodes[0], ast.BinOp):
        if not isinstance(part.op, ast.FloorDiv):
            continue
        size = _size_of(source, part.right)
        counted = _counted(source, part.left) if size else ""
        if counted and counted == size:
            yield source.hit(
                KIND.code, part, "is 0 unless all are counted, as `//` keeps no fraction: divide by `/`"
            )


def _size_of(source: ParsedFile, node: ast.expr, depth: int = 0) -> str:
    """The name of what a number is the size of: `len(x)`, `x.size(1)`, `x.shape[1]`, `x.numel()`; "" of other numbers."""
    if isinstance(node, ast.Call) and called_name(node) == "len" and len(node.args) == 1:
        return dotted(node.args[0])
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("size", "numel")
    ):
        return dotted(node.func.value)
    if (
        isinstance(node, ast.Subscript)
        and isinstance(node.value, ast.Attribute)
        and node.value.attr == "shape"
    ):
        return dotted(node.value.value)
    if isinstance(node, ast.Attribute) and node.attr == "size":
        return dotted(node.value)
    made = bindings(source, node.id, node) if isinstance(node, ast.Name) and depth < 2 else []
    return _size_of(source, made[0].value, depth + 1) if len(made) == 1 and made[0].position is None else ""


def _counted(source: ParsedFile, node: ast.expr, depth: int = 0) -> str:
    """The name of what a count was made of, by a comparison: `(x > 0).sum(1)`, `hits.sum()` of `hits = ranks < k`."""
    if isinstance(node, ast.Name):
        made = bindings(source, node.id, node) if depth < 3 else []
        return (
            _counted(source, made[0].value, depth + 1) if len(made) == 1 and made[0].position is None else ""
        )
    if not isinstance(node, ast.Call):
        return ""
    name = called_name(node)
    library = source.full_name(node).startswith(("torch.", "numpy."))
    own = node.func.value if isinstance(node.func, ast.Attribute) and not library else None
    value = own if own is not None else (node.args or [None])[0]
    if value is None:
        return ""
    if name in KEEPS:
        return _counted(source, value, depth + 1)
    if name not in COUNTS:
        return ""
    if isinstance(value, ast.Compare):
        return dotted(value.left)
    made = bindings(source, value.id, value) if isinstance(value, ast.Name) else []
    if made and all(b.position is None and isinstance(b.value, ast.Compare) for b in made):
        return dotted(value)
    return ""


RULE = Rule(kind=KIND, run=share_floored)
