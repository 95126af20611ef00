"""Static rule: an ideal gain of NDCG that sorts the hits of the list itself, and so misses what the list missed."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy
from diagnosis.rules.codebase import Defined
from diagnosis.rules.discount import logarithms, statement_of
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile, keyword
from diagnosis.rules.values import origins, owner_of, same
from diagnosis.syntax import called_name

KIND = FindingKind(
    code="ideal-gain-of-own-list",
    found_by=FoundBy.RULE,
    title="Ideal gain is that of the list itself",
    why="What the list missed does not count: one hit in the first place is a perfect NDCG, whatever else was relevant.",
    definition="The DCG of the hits of a list that was cut to k is divided by the DCG of the same hits, sorted.",
    sources=("github.com/kuandeng/LightGCN/issues/1", "github.com/huangtinglin/NGCF-PyTorch/issues/8"),
)

CUTS = ("topk", "top_k", "nlargest", "argpartition", "islice")
STEPS = 4  # of values through calls


def ideal_gain_of_own_list(source: ParsedFile) -> Iterator[RuleHit]:
    """`dcg(hits) / dcg(sorted(hits, reverse=True))`, where `hits` are of a list that was cut."""
    if not any(True for _ in logarithms(source)):
        return
    for call in source.calls:
        hits = _sorted_down(source, call)
        if hits is None or not _divides_the_gain_of(source, call, hits) or not _is_cut(source, hits, STEPS):
            continue
        yield source.hit(
            KIND.code,
            statement_of(source, call),
            "the ideal gain sorts the hits of the list itself: take min(k, number of relevant items) hits",
        )


def _sorted_down(source: ParsedFile, call: ast.Call) -> ast.expr | None:
    """What is sorted, the largest first: `sorted(x, reverse=True)`, `np.sort(x)[::-1]`, `x.sort(descending=True)`."""
    if called_name(call) not in ("sorted", "sort", "msort"):
        return None
    method = isinstance(call.func, ast.Attribute) and not source.full_name(call).startswith(
        ("numpy.", "torch.")
    )
    value = call.func.value if method and isinstance(call.func, ast.Attribute) else (call.args or [None])[0]
    flag = keyword(call, "reverse") or keyword(call, "descending")
    if isinstance(flag, ast.Constant):
        return value if flag.value is True else None
    return value if any(_turns(outer) for outer in list(source.around(call))[:3]) else None


def _turns(outer: ast.AST) -> bool:
    if isinstance(outer, ast.Call):
        return called_name(outer) in ("flip", "reversed")
    part = outer.slice if isinstance(outer, ast.Subscript) else None
    step = part.step if isinstance(part, ast.Slice) else None
    return isinstance(step, ast.UnaryOp) and isinstance(step.op, ast.USub)


def _divides_the_gain_of(source: ParsedFile, call: ast.Call, hits: ast.expr) -> bool:
    """Whether a value made of the hits in their own order is divided by one made of the sorted ones."""
    around = source.function_of(call) or source.nodes[0]
    for division in source.within(around, ast.BinOp):
        if not isinstance(division.op, ast.Div):
            continue
        below, above = list(origins(source, division.right)), list(origins(source, division.left))
        by_sorted = any(part is call for step in below for part in ast.walk(step))
        of_hits = any(same(part, hits) for step in above for part in ast.walk(step))
        if by_sorted and of_hits and not any(part is call for step in above for part in ast.walk(step)):
            return True
    return False


def _is_cut(source: ParsedFile, hits: ast.expr, steps: int) -> bool:
    """Whether the hits are of the first k places of a list, and not of all that could be listed."""
    for step in origins(source, hits):
        for part in ast.walk(step):
            if (
                isinstance(part, ast.Slice)
                and part.lower is None
                and part.upper is not None
                and part.step is None
            ):
                return True
            if isinstance(part, ast.Call) and called_name(part) in CUTS:
                return True
            if isinstance(part, ast.Name) and steps and _given_cut(source, part, steps):
                return True
    return False


def _given_cut(source: ParsedFile, name: ast.Name, steps: int) -> bool:
    owner = owner_of(source, name.id, name)
    if owner is None or source.repo is None:
        return False
    given = source.repo.given(Defined(file=source, node=owner), name.id)
    return any(_is_cut(file, value, steps - 1) for file, value in given if file is not source)


RULE = Rule(kind=KIND, run=ideal_gain_of_own_list)
