"""Static rule: a share that a whole-number division makes 0 wherever it is not 1."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile, keyword
from diagnosis.rules.tensor_calls import whole
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
OF_ONE_AXIS = ("hit", "rank", "correct", "found", "right")  # words of what has one value for each example
KEEPS = {"int", "item", "long", "to", "tolist", "cpu", "numpy"}


def share_floored(source: ParsedFile) -> Iterator[RuleHit]:
    """`(slack > 0).sum(1) // slack.size(1)`, `hits.sum() // len(hits)`"""
    for part in source.within(source.nodes[0], ast.BinOp):
        if not isinstance(part.op, ast.FloorDiv):
            continue
        size = _size_of(source, part.right)
        counted, axis = _counted(source, part.left) if size else ("", None)
        if counted and counted == size and _is_of_the_same(source, part.right, counted, axis):
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


def _is_of_the_same(source: ParsedFile, size: ast.expr, name: str, axis: int | None, depth: int = 0) -> bool:
    """Whether a size is that of all that was counted: of the axis that was summed over, or of all elements; the number of rows is another
    one where the elements of a table are counted, as for their mean in a row."""
    if isinstance(size, ast.Name) and depth < 2:
        made = bindings(source, size.id, size)
        return len(made) == 1 and _is_of_the_same(source, made[0].value, name, axis, depth + 1)
    if isinstance(size, ast.Call) and called_name(size) == "len":
        return axis == 0 or (axis is None and any(word in name.lower() for word in OF_ONE_AXIS))
    if isinstance(size, ast.Attribute) or (isinstance(size, ast.Call) and called_name(size) == "numel"):
        return axis is None
    told = size.slice if isinstance(size, ast.Subscript) else (getattr(size, "args", None) or [None])[0]
    return whole(told) == axis and axis is not None if told is not None else axis is None


def _counted(source: ParsedFile, node: ast.expr, depth: int = 0) -> tuple[str, int | None]:
    """The name of what a count was made of, by a comparison: `(x > 0).sum(1)`, `hits.sum()` of `hits = ranks < k`; and the axis."""
    if isinstance(node, ast.Name):
        made = bindings(source, node.id, node) if depth < 3 else []
        one = len(made) == 1 and made[0].position is None
        return _counted(source, made[0].value, depth + 1) if one else ("", None)
    if not isinstance(node, ast.Call):
        return "", None
    name = called_name(node)
    library = source.full_name(node).startswith(("torch.", "numpy."))
    own = node.func.value if isinstance(node.func, ast.Attribute) and not library else None
    value = own if own is not None else (node.args or [None])[0]
    if value is None:
        return "", None
    if name in KEEPS:
        return _counted(source, value, depth + 1)
    if name not in COUNTS:
        return "", None
    left = node.args if own is not None else node.args[1:]
    axis = whole(keyword(node, "dim") or keyword(node, "axis") or (left or [None])[0])
    if isinstance(value, ast.Compare):
        return dotted(value.left), axis
    made = bindings(source, value.id, value) if isinstance(value, ast.Name) else []
    if made and all(b.position is None and isinstance(b.value, ast.Compare) for b in made):
        return dotted(value), axis
    return "", None


RULE = Rule(kind=KIND, run=share_floored)
