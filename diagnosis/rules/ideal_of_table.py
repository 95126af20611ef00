"""Where the discounts of all k places are kept, and their sum is taken for an ideal gain."""

import ast
from collections.abc import Iterator

from diagnosis.rules.discount import logarithms
from diagnosis.rules.evaluating import summed
from diagnosis.rules.ideal_places import (
    COUNTS,
    counts_nothing,
    is_bounded,
    is_cut,
    is_length_of_list,
    is_one_over,
    places_counted,
)
from diagnosis.rules.source import ParsedFile
from diagnosis.rules.values import bindings, origins, same, words_of
from diagnosis.syntax import called_name, dotted

HOLDS = {"array", "asarray", "tensor", "as_tensor", "FloatTensor", "to", "float", "list", "tuple"}
SUMS = ("sum", "fsum")
HITS = ("hit", "gain", "correct", "dcg", "ndcg", "ideal")  # how names of hits and of their gains begin
RELEVANT = {"rel", "rels", "relevance", "relevances", "relevant"}


def sums_of_table(source: ParsedFile) -> Iterator[ast.Call]:
    """`discount.sum()` of `discount = 1 / np.log2(np.arange(k) + 2)`, by which `(hits * discount).sum()` is divided, at once or
    under a name.
    """
    for made, stop in _tables(source):
        names = {dotted(target) for target in made.targets} - {""}
        for total in source.calls_named(*SUMS):
            table, cut = _summed_table(total)
            if table is None or dotted(table) not in names or not _is_only(source, table, made):
                continue
            if cut is not None and not is_cut(source, cut):
                continue
            places = stop if cut is None else cut
            for division in _divisions(source, total):
                if (
                    _is_gain_of(source, division.left, names)
                    and (
                        is_cut(source, places)
                        or is_length_of_list(source, stop)
                        or _is_of_hits(division, stop)
                    )
                    and not is_bounded(source, division, places)
                    and not is_bounded(source, total, places)
                    and not _is_compared(source, total, places)
                ):
                    yield total
                    break


def ends_of_table(source: ParsedFile) -> Iterator[ast.Subscript]:
    """`ideal[k - 1]` of `ideal = np.cumsum(discounts)`, by which a gain is divided: the sum of all k places."""
    if not {"cumsum"} & source.called_names:
        return
    tables = {dotted(t) for made, _ in _tables(source) for t in made.targets} - {""}
    kept = {
        dotted(target)
        for call in source.calls_named("cumsum")
        if isinstance(made := source.parents.get(call), ast.Assign) and dotted(summed(call) or call) in tables
        for target in made.targets
    } - {""}
    for part in source.within(source.nodes[0], ast.Subscript):
        index = part.slice
        last = (
            isinstance(index, ast.BinOp)
            and isinstance(index.op, ast.Sub)
            and isinstance(index.right, ast.Constant)
        )
        if not last or not isinstance(index, ast.BinOp) or dotted(part.value) not in kept:
            continue
        if (
            is_cut(source, index.left)
            and not is_bounded(source, part, index.left)
            and any(_divisions(source, part))
        ):
            yield part


def _tables(source: ParsedFile) -> Iterator[tuple[ast.Assign, ast.expr]]:
    """The statements that keep one over the logarithm of each place, and how many places there are."""
    for call in logarithms(source):
        made = next((o for o in source.around(call) if isinstance(o, ast.stmt)), None)
        if not isinstance(made, ast.Assign):
            continue
        value = made.value
        while isinstance(value, ast.Call) and called_name(value) in HOLDS and not is_one_over(value, call):
            inner = value.args[0] if value.args and called_name(value) not in ("to", "float") else None
            if inner is None and isinstance(value.func, ast.Attribute):
                inner = value.func.value
            if inner is None:
                break
            value = inner
        if isinstance(value, ast.ListComp | ast.GeneratorExp):
            (first, *more) = value.generators
            counted = [first.iter] if not more and not first.ifs else []
            value = value.elt
        else:
            counted = list(ast.walk(call))
        stop = next((s for part in counted if (s := places_counted(part)) is not None), None)
        if stop is not None and is_one_over(value, call):
            yield made, stop


def _summed_table(total: ast.Call) -> tuple[ast.expr | None, ast.expr | None]:
    """The name whose values are summed, and where `table[:k].sum()` cuts it."""
    table = summed(total)
    if isinstance(table, ast.Subscript) and isinstance(table.slice, ast.Slice):
        cut = table.slice
        return (table.value, cut.upper) if cut.lower is None and cut.step is None else (None, None)
    return table, None


def _is_only(source: ParsedFile, table: ast.expr, made: ast.Assign) -> bool:
    """Whether a name means what one statement keeps, and nothing else may have bound it."""
    found = bindings(source, dotted(table), table)
    return len(found) == 1 and found[0].node is made


def _divisions(source: ParsedFile, total: ast.expr) -> Iterator[ast.BinOp]:
    """The divisions by a sum: `gain / table.sum()`, or `gain / ideal` where it is all that `ideal` means."""
    kept = source.parents.get(total)
    names = {dotted(target) for target in kept.targets} - {""} if isinstance(kept, ast.Assign) else set()
    around = source.function_of(total) or source.nodes[0]
    scope = source.nodes[0] if any("." in name for name in names) else around
    for division in source.within(scope, ast.BinOp):
        if isinstance(division.op, ast.Div):
            right = division.right
            if right is total or (
                dotted(right) in names and len(bindings(source, dotted(right), right)) == 1
            ):
                yield division


def _is_gain_of(source: ParsedFile, node: ast.expr, names: set[str]) -> bool:
    """Whether a value is the sum of discounts where the list has hits: a mean of prices, weighted by place, is another thing."""
    steps = list(origins(source, node))
    parts = [part for step in steps for part in ast.walk(step)]
    weighs = any(
        (isinstance(part, ast.BinOp) and isinstance(part.op, ast.Mult | ast.MatMult))
        or (isinstance(part, ast.Call) and called_name(part) in ("dot", "where", "sum", "mm", "matmul"))
        for part in parts
    )
    if not weighs or not any(dotted(part) in names for part in parts):
        return False
    words = [
        dotted(part).rpartition(".")[2].lower()
        for part in parts
        if isinstance(part, ast.Name | ast.Attribute)
    ]
    if any(_tells_hits(word) for word in words):
        return True
    asked = any(
        (isinstance(part, ast.Compare) and isinstance(part.ops[0], ast.In | ast.Eq))
        or (isinstance(part, ast.Call) and called_name(part) in ("isin", "in1d"))
        for part in parts
    )
    return asked and _is_called_gain(source, node)


def _tells_hits(word: str) -> bool:
    """Whether a name speaks of hits, gains or relevance."""
    return any(piece.startswith(HITS) or piece in RELEVANT for piece in word.split("_"))


def _is_called_gain(source: ParsedFile, node: ast.expr) -> bool:
    """Whether the function or the statement around a value calls it a gain: what is among the places may be a group of items too."""
    function = source.function_of(node)
    statement = next((outer for outer in source.around(node) if isinstance(outer, ast.stmt)), node)
    words = [*words_of(statement), getattr(function, "name", "")]
    return any("dcg" in word.lower() or "ideal" in word.lower() for word in words)


def _is_of_hits(division: ast.BinOp, stop: ast.expr) -> bool:
    """Whether the places are as many as the hits have: `(hits * d).sum(1) / d.sum()` of `torch.arange(hits.shape[1])`."""
    whose = next(
        (part for part in ast.walk(stop) if isinstance(part, ast.Name | ast.Attribute) and dotted(part)), None
    )
    if isinstance(whose, ast.Attribute) and whose.attr in ("shape", "size"):
        whose = whose.value
    return any(
        isinstance(part, ast.BinOp)
        and isinstance(part.op, ast.Mult | ast.MatMult)
        and any(same(side, whose) for side in (part.left, part.right))
        for part in ast.walk(division.left)
    )


def _is_compared(source: ParsedFile, total: ast.Call, stop: ast.expr) -> bool:
    """Whether the function leaves out those who have fewer relevant items than k: `if len(relevant) < k: continue`."""
    around = source.function_of(total) or source.nodes[0]
    for compare in source.within(around, ast.Compare):
        sides = (compare.left, *compare.comparators)
        counting = any(isinstance(s, ast.Call) and called_name(s) in COUNTS for s in sides)
        if counting and any(same(s, stop) and counts_nothing(source, s) for s in sides):
            return True
    return False
