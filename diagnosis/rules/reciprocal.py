"""Static rule: a reciprocal rank that is not 1 at the first place."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy
from diagnosis.rules.evaluating import evaluators
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.places_from import first_value, number
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile
from diagnosis.rules.values import words_of

KIND = FindingKind(
    code="reciprocal-rank-off-by-one",
    found_by=FoundBy.RULE,
    title="Reciprocal rank off by one",
    why="The reciprocal rank of the first place is 1; another start gives figures that compare with no paper's.",
    definition="1 divided by a place that counts from 0 without a 1 added, or from 1 with one, where a mean reciprocal rank "
    "is computed.",
)

WORDS = {"mrr", "rr", "reciprocal"}
FIRST = 1


def reciprocal_rank_off_by_one(source: ParsedFile) -> Iterator[RuleHit]:
    """`1 / (rank + 2)` or `1 / rank`, with `rank` the number of items above the target."""
    for part in source.within(source.nodes[0], ast.BinOp):
        if not isinstance(part.op, ast.Div) or number(part.left) != 1:
            continue
        first = first_value(source, part.right)
        if first is None or first == FIRST or not _is_reciprocal_rank(source, part):
            continue
        yield source.hit(
            KIND.code,
            part,
            f"gives the first place {'1 / ' + str(first) if first else 'no number'} where the reciprocal rank has 1: "
            f"{'add' if first < FIRST else 'take off'} {abs(FIRST - first)}",
        )


def _is_reciprocal_rank(source: ParsedFile, part: ast.BinOp) -> bool:
    """Whether the quotient is a reciprocal rank in its author's words: of the function, or of what keeps it."""
    function = source.function_of(part)
    if function is not None and _says(function.name):
        return True
    for outer in source.around(part):
        if isinstance(outer, ast.Assign | ast.AugAssign | ast.Expr | ast.Return):
            kept = outer.targets if isinstance(outer, ast.Assign) else [outer]
            return function in evaluators(source) and any(_says(w) for node in kept for w in words_of(node))
    return False


def _says(name: str) -> bool:
    return any(piece.rstrip("s") in WORDS for piece in name.lower().split("_"))


RULE = Rule(kind=KIND, run=reciprocal_rank_off_by_one)
