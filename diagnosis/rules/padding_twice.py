"""Static rule: an item column, which has a row for padding already, is given one more in front."""

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
    code="padding-row-twice",
    found_by=FoundBy.RULE,
    title="Room for padding twice",
    why="Every item is described by the features of the item before it.",
    definition="One entry is put in front of a column of `item_columns`, whose row 0 is that of padding already.",
    roles=(Role.ENCODER,),
    explains=("features-misaligned", *WEAK),
)
KEEPS = {
    "list",
    "array",
    "asarray",
    "tolist",
    "map",
    "tuple",
    "fillna",
    "tensor",
    "as_tensor",
    "to_numpy",
    "astype",
}
JOINS = {"concatenate", "cat", "hstack", "append"}


def padding_row_twice(source: ParsedFile) -> Iterator[RuleHit]:
    """`[""] + [name for name in data.item_columns.store]`, `np.insert(columns.price, 0, 0)`"""
    if not any(part.attr == "item_columns" for part in source.within(source.nodes[0], ast.Attribute)):
        return
    for node in source.within(source.nodes[0], ast.BinOp, ast.Call, ast.List, ast.Subscript):
        behind = _behind_one(node)
        if behind is not None and _is_column(source, behind, 0):
            yield source.hit(
                KIND.code,
                node,
                "puts one entry in front of a column whose row 0 is padding already: every item gets the row before its own",
            )


def _behind_one(node: ast.expr) -> ast.expr | None:
    """What stands behind a single constant entry."""
    if isinstance(node, ast.BinOp):
        return node.right if isinstance(node.op, ast.Add) and _is_one(node.left) else None
    if isinstance(node, ast.List):
        starred = (
            len(node.elts) == 2
            and isinstance(node.elts[0], ast.Constant)
            and isinstance(node.elts[1], ast.Starred)
        )
        return node.elts[1].value if starred and isinstance(node.elts[1], ast.Starred) else None
    if isinstance(node, ast.Subscript):
        parts = (
            node.slice.elts
            if dotted(node.value).endswith(".r_") and isinstance(node.slice, ast.Tuple)
            else []
        )
        return parts[1] if len(parts) == 2 and isinstance(parts[0], ast.Constant | ast.UnaryOp) else None
    if not isinstance(node, ast.Call):
        return None
    if called_name(node) == "insert" and len(node.args) == 3:
        return node.args[0] if getattr(node.args[1], "value", None) == 0 else None
    if called_name(node) in JOINS and node.args and isinstance(node.args[0], ast.Tuple | ast.List):
        parts = node.args[0].elts
        return parts[1] if len(parts) == 2 and _is_one(parts[0]) else None
    return None


def _is_one(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.List | ast.Tuple)
        and len(node.elts) == 1
        and isinstance(node.elts[0], ast.Constant | ast.UnaryOp)
    )


def _is_column(source: ParsedFile, node: ast.expr, depth: int) -> bool:
    """Whether a value has a row for each row of a column of `item_columns`."""
    if depth > 5:
        return False
    if isinstance(node, ast.Attribute) and _is_table(source, node.value, 0):
        return True
    if isinstance(node, ast.Subscript):
        return (
            isinstance(node.slice, ast.Constant)
            and isinstance(node.slice.value, str)
            and _is_table(source, node.value, 0)
        )
    if isinstance(node, ast.Name):
        made = bindings(source, node.id, node)
        return bool(made) and all(
            b.how is How.ASSIGNED and b.position is None and _is_column(source, b.value, depth + 1)
            for b in made
        )
    if isinstance(node, ast.ListComp | ast.GeneratorExp):
        first = node.generators[0]
        return len(node.generators) == 1 and not first.ifs and _is_column(source, first.iter, depth + 1)
    if isinstance(node, ast.Call) and called_name(node) in KEEPS:
        own = (
            node.func.value
            if isinstance(node.func, ast.Attribute) and dotted(node.func.value) not in source.imports
            else None
        )
        given = node.args[-1] if node.args and own is None else own
        return given is not None and _is_column(source, given, depth + 1)
    return False


def _is_table(source: ParsedFile, node: ast.expr, depth: int) -> bool:
    if isinstance(node, ast.Attribute):
        return node.attr == "item_columns"
    if isinstance(node, ast.Name) and depth < 3:
        made = bindings(source, node.id, node)
        return node.id == "item_columns" or (
            bool(made) and all(b.how is How.ASSIGNED and _is_table(source, b.value, depth + 1) for b in made)
        )
    return False


RULE = Rule(kind=KIND, run=padding_row_twice)
