"""Static rule: the row that a table keeps for padding is that of an item, because the table has no row to spare."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.codebase import Codebase, Defined
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile, keyword
from diagnosis.rules.tensor_calls import whole
from diagnosis.rules.values import How, bindings, owner_of
from diagnosis.symptoms import WEAK
from diagnosis.syntax import called_name

KIND = FindingKind(
    code="padding-row-of-an-item",
    found_by=FoundBy.RULE,
    title="The row of padding is an item's",
    why="The row of padding stays zero and is masked, so that one item is never learned, and padding is read as that item.",
    definition="An nn.Embedding with padding_idx has as many rows as there are distinct ids, so that one of these is padding.",
    roles=(Role.ITEM_TABLE,),
    explains=("padding-is-an-item", "untrained-rows", *WEAK),
    sources=("github.com/jaywonchung/BERT4Rec-VAE-Pytorch/issues/3",),
)

DISTINCT = {"unique", "set"}
DEEPEST = 6


def padding_row_of_an_item(source: ParsedFile) -> Iterator[RuleHit]:
    """`nn.Embedding(df.item.nunique(), d, padding_idx=0)`, through names, attributes and arguments."""
    repo = source.repo
    for call in source.calls_named("Embedding") if repo else ():
        if not source.full_name(call).startswith("torch.nn."):
            continue
        padding = keyword(call, "padding_idx") or (call.args[2] if len(call.args) > 2 else None)
        rows = call.args[0] if call.args else keyword(call, "num_embeddings")
        if repo is None or rows is None or whole(padding) is None:
            continue
        if _counts_ids(repo, source, rows, 0):
            yield source.hit(
                KIND.code,
                call,
                "has one row for each id and none for padding: add a row, and number the ids from 1",
            )


def _counts_ids(repo: Codebase, file: ParsedFile, node: ast.expr, depth: int) -> bool:
    """Whether a number is that of distinct values, on every way that it may have come."""
    if depth > DEEPEST:
        return False
    if isinstance(node, ast.Call):
        name = called_name(node)
        if name == "int" and len(node.args) == 1:
            return _counts_ids(repo, file, node.args[0], depth + 1)
        return name == "nunique" or (name == "len" and bool(node.args) and _is_distinct(file, node.args[0]))
    before = _before(repo, file, node)
    return bool(before) and all(_counts_ids(repo, place, value, depth + 1) for place, value in before)


def _is_distinct(file: ParsedFile, node: ast.expr) -> bool:
    """`df.item.unique()`, `set(items)`, or a name that is one of these and is not added to."""
    if isinstance(node, ast.Name):
        found = bindings(file, node.id, node)
        grown = any(
            isinstance(c.func, ast.Attribute)
            and isinstance(c.func.value, ast.Name)
            and c.func.value.id == node.id
            and c.func.attr in ("add", "append", "insert", "update")
            for c in file.calls
        )
        return (
            len(found) == 1
            and not grown
            and found[0].how is How.ASSIGNED
            and _is_distinct(file, found[0].value)
        )
    return isinstance(node, ast.Call) and called_name(node) in DISTINCT


def _before(repo: Codebase, file: ParsedFile, node: ast.expr) -> list[tuple[ParsedFile, ast.expr]]:
    """What a name or an attribute of `self` stands for, one step back; [] where that is not known for sure."""
    if isinstance(node, ast.Name):
        found = bindings(file, node.id, node)
        if found:
            plain = [b for b in found if b.how is How.ASSIGNED and b.position is None]
            return [(file, b.value) for b in plain] if len(plain) == len(found) else []
        owner = owner_of(file, node.id, node)
        return repo.given(Defined(file=file, node=owner), node.id) if owner is not None else []
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        kind = repo.class_around(file, node) if node.value.id == "self" else repo.class_of(file, node.value)
        return repo.attribute(kind, node.attr) if kind is not None else []
    return []


RULE = Rule(kind=KIND, run=padding_row_of_an_item)
