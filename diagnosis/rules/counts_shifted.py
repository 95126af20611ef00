"""Static rule: counts by id keep the place of padding and lose the last item, so that each weight is of the item before."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.places_from import number
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, ParsedFile, keyword
from diagnosis.symptoms import WEAK
from diagnosis.syntax import called_name

KIND = FindingKind(
    code="weights-of-the-item-before",
    found_by=FoundBy.RULE,
    title="Items have the weights of those before them",
    why="Each item is drawn, and corrected for, as often as the item with the id before it was chosen.",
    definition="The counts of ids from 0 to n are cut at their end, and what is drawn by them, moves by one as "
    "if padding had been cut off.",
    roles=(Role.NEGATIVES,),
    explains=("correction-wrong", *WEAK),
)
DRAWS = {"searchsorted", "choice", "multinomial", "choices"}


def weights_of_the_item_before(source: ParsedFile) -> Iterator[RuleHit]:
    """`np.bincount(items, minlength=n_items + 1)[:-1]` where what is drawn by it gets `+ 1`."""
    for cut in source.within(source.nodes[0], ast.Subscript):
        if not _loses_last(cut) or not _counts_padding(cut.value):
            continue
        scope = next((o for o in source.around(cut) if isinstance(o, ast.ClassDef)), None)
        scope = scope or next((o for o in source.around(cut) if isinstance(o, Function)), source.nodes[0])
        if _moves_by_one(source, scope):
            yield source.hit(
                KIND.code,
                cut,
                "keeps the count of padding and loses that of the last item: cut the first off, [1:]",
            )


def _loses_last(cut: ast.Subscript) -> bool:
    index = cut.slice
    return (
        isinstance(index, ast.Slice)
        and index.lower is None
        and index.step is None
        and index.upper is not None
        and number(index.upper) == -1
    )


def _counts_padding(node: ast.expr) -> bool:
    """`bincount(ids, minlength=n + 1)`"""
    least = (
        keyword(node, "minlength") if isinstance(node, ast.Call) and called_name(node) == "bincount" else None
    )
    return (
        isinstance(least, ast.BinOp)
        and isinstance(least.op, ast.Add)
        and 1 in (number(least.left), number(least.right))
    )


def _moves_by_one(source: ParsedFile, scope: ast.AST) -> bool:
    """Whether a draw gets `+ 1`, which makes the first weight that of item 1."""
    return any(
        isinstance(total.op, ast.Add)
        and 1 in (number(total.left), number(total.right))
        and any(called_name(call) in DRAWS for call in source.within(total, ast.Call))
        for total in source.within(scope, ast.BinOp)
    )


RULE = Rule(kind=KIND, run=weights_of_the_item_before)
