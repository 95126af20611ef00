"""Static rule: a reciprocal rank that is not 1 at the first place."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy
from diagnosis.rules.evaluating import evaluators
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.places_from import first_value, number
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, ParsedFile
from diagnosis.rules.values import same, words_of

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
        bound = _first_by_its_bound(source, part) if first is None else None
        first = bound if first is None else first
        if (
            first is None
            or first == FIRST
            or not _is_reciprocal_rank(source, part, bounded=bound is not None)
        ):
            continue
        yield source.hit(
            KIND.code,
            part,
            f"gives the first place {'1 / ' + str(first) if first else 'no number'} where the reciprocal rank has 1: "
            f"{'add' if first < FIRST else 'take off'} {abs(FIRST - first)}",
        )


def _first_by_its_bound(source: ParsedFile, part: ast.BinOp) -> int | None:
    """What a quotient divides by at the first place, where only a bound beside it tells where places begin: of `rank <= k` they
    are 1 to k, of `rank < k` 0 to k - 1."""
    added, place = 0, part.right
    if isinstance(place, ast.BinOp) and isinstance(place.op, ast.Add) and number(place.right) is not None:
        added, place = int(number(place.right) or 0), place.left
    for outer in source.around(part):
        if isinstance(outer, ast.stmt) and not isinstance(outer, ast.If):
            bounds = [node for node in ast.walk(outer) if isinstance(node, ast.Compare)]
        elif isinstance(outer, ast.If):
            bounds = [node for node in ast.walk(outer.test) if isinstance(node, ast.Compare)]
        else:
            continue
        for bound in bounds:
            cut = bound.comparators[0]
            if same(bound.left, place) and isinstance(cut, ast.Name | ast.Attribute) and len(bound.ops) == 1:
                begins = {ast.LtE: 1, ast.Lt: 0}.get(type(bound.ops[0]))
                return None if begins is None else begins + added
        if isinstance(outer, ast.For | ast.While | Function):
            return None
    return None


def _is_reciprocal_rank(source: ParsedFile, part: ast.BinOp, *, bounded: bool) -> bool:
    """Whether the quotient is a reciprocal rank in its author's words: of the function, or of what keeps it.

    bounded: it is a place that a bound beside it cuts, so that the function need not rank itself.
    """
    function = source.function_of(part)
    if function is not None and _says(function.name):
        return True
    for outer in source.around(part):
        if isinstance(outer, ast.Assign | ast.AugAssign | ast.Expr | ast.Return):
            kept = outer.targets if isinstance(outer, ast.Assign) else [outer]
            judges = bounded or function in evaluators(source)
            return judges and any(_says(w) for node in kept for w in words_of(node))
    return False


def _says(name: str) -> bool:
    return any(piece.rstrip("s") in WORDS for piece in name.lower().split("_"))


RULE = Rule(kind=KIND, run=reciprocal_rank_off_by_one)
