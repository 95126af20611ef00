"""Static rule: negatives are drawn from the more popular items alone."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.draws import is_draw
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.judging import judges
from diagnosis.rules.repeated import repeated, repo_of
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile
from diagnosis.rules.values import How, bindings, words_of
from diagnosis.symptoms import WEAK
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="negatives-of-the-popular",
    found_by=FoundBy.RULE,
    title="Only popular items are negatives",
    why="Nothing ever pushes the other items down, so that their scores stay where they began, before items that users want.",
    definition="What training draws from is the items whose count is at least the median, mean or a quantile of all counts, or the front "
    "half of the items by their counts.",
    roles=(Role.NEGATIVES,),
    explains=("untrained-rows", *WEAK),
)
MIDDLES = {"median", "mean", "quantile", "percentile", "nanmedian", "average"}
PLACES = {"flatnonzero", "nonzero", "where", "argwhere"}
COUNTS = ("count", "popular", "freq", "degree", "pop")


def negatives_of_the_popular(source: ParsedFile) -> Iterator[RuleHit]:
    """`pool = np.flatnonzero(popularity >= np.median(popularity))` and `rng.choice(pool, size)`."""
    repo = repo_of(source)
    feeding, judging = repeated(repo), judges(repo)
    for function in source.functions:
        if function not in feeding or function in judging:
            continue
        draws = [call for call in source.calls_in(function) if is_draw(source, call)]
        drawn = [call for call in draws if call.args and _is_popular(source, _pool(source, call), 0)]
        if drawn and len(drawn) == len(draws):
            yield source.hit(
                KIND.code,
                drawn[0],
                "draws from the more popular items alone, so that nothing pushes the others down: draw from all",
            )


def _pool(source: ParsedFile, call: ast.Call) -> ast.expr:
    """What is drawn from: the argument, or what the drawn places index: `pool[rng.integers(0, len(pool), n)]`."""
    outer = source.parents.get(call)
    return outer.value if isinstance(outer, ast.Subscript) and outer.slice is call else call.args[0]


def _is_popular(source: ParsedFile, node: ast.expr, depth: int) -> bool:
    """Whether a value is the places of the counts that are above their middle."""
    if isinstance(node, ast.Name | ast.Attribute):
        made = bindings(source, dotted(node), node)
        return (
            depth < 3
            and bool(made)
            and all(
                b.how is How.ASSIGNED and b.position is None and _is_popular(source, b.value, depth + 1)
                for b in made
            )
        )
    if isinstance(node, ast.Subscript):
        return _is_front_half(node) or (
            not isinstance(node.slice, ast.Slice) and _is_above(source, node.slice)
        )
    if not isinstance(node, ast.Call):
        return False
    if called_name(node) in PLACES:
        inner = (
            node.args[0] if node.args else node.func.value if isinstance(node.func, ast.Attribute) else None
        )
        return inner is not None and _is_above(source, inner)
    if called_name(node) in (
        "squeeze",
        "flatten",
        "ravel",
        "numpy",
        "tolist",
        "asarray",
        "array",
        "as_tensor",
    ):
        inner = (
            node.func.value
            if isinstance(node.func, ast.Attribute) and not node.args
            else (node.args or [None])[0]
        )
        return inner is not None and _is_popular(source, inner, depth)
    return False


def _is_above(source: ParsedFile, node: ast.expr) -> bool:
    """`popularity >= np.median(popularity)`"""
    if isinstance(node, ast.Name):
        made = bindings(source, node.id, node)
        return (
            len(made) == 1
            and made[0].how is How.ASSIGNED
            and isinstance(made[0].value, ast.Compare)
            and _is_above(source, made[0].value)
        )
    if not isinstance(node, ast.Compare) or len(node.ops) != 1:
        return False
    more, less = node.left, node.comparators[0]
    if isinstance(node.ops[0], ast.Lt | ast.LtE):
        more, less = less, more
    elif not isinstance(node.ops[0], ast.Gt | ast.GtE):
        return False
    values = [less]
    if isinstance(less, ast.Name):
        values = [b.value for b in bindings(source, less.id, less)]
    middles = [v for v in values if isinstance(v, ast.Call) and called_name(v) in MIDDLES]
    counted = any(word in one.lower() for one in words_of(more) for word in COUNTS)
    return counted and bool(middles) and all(set(words_of(more)) & set(words_of(v)) for v in middles)


def _is_front_half(node: ast.Subscript) -> bool:
    """`np.argsort(-counts)[: n // 2]`, `counts.argsort()[n // 2 :]`"""
    order, index = node.value, node.slice
    if not isinstance(order, ast.Call) or called_name(order) != "argsort" or not isinstance(index, ast.Slice):
        return False
    if not any(word in one.lower() for one in words_of(order) for word in COUNTS) or index.step is not None:
        return False
    falling = any(isinstance(p, ast.UnaryOp) and isinstance(p.op, ast.USub) for p in ast.walk(order))
    bound, other = (index.upper, index.lower) if falling else (index.lower, index.upper)
    return other is None and isinstance(bound, ast.BinOp) and isinstance(bound.op, ast.FloorDiv)


RULE = Rule(kind=KIND, run=negatives_of_the_popular)
