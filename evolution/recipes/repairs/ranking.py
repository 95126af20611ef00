"""Repairs of evaluation in the loop: hits that are counted to the wrong place, and the worst items first."""

import libcst as cst

from evolution.recipes.code import argument, call_name, dotted
from evolution.recipes.repairs.repair import Changes, Place, Repair

BOUNDS = {cst.LessThanEqual: cst.LessThan, cst.LessThan: cst.LessThanEqual}
SORTS = ("argsort", "argpartition")


def _to_k(place: Place) -> Changes:
    """`rank < k` for `rank <= k`, and the other way round where places count from 1."""
    test = place.only(
        cst.Comparison,
        lambda node: len(node.comparisons) == 1 and type(node.comparisons[0].operator) in BOUNDS,
    )
    if test is None:
        return {}
    one = test.comparisons[0]
    other = BOUNDS[type(one.operator)]()
    return {test: [test.with_changes(comparisons=[one.with_changes(operator=other)])]}


def _best_first(place: Place) -> Changes:
    """`topk(scores, k)` for `topk(-scores, k)` and for `largest=False`; `argsort(-scores)` for `argsort(scores)`."""
    top = place.only(cst.Call, lambda node: call_name(node) == "topk")
    if top is not None:
        return _largest(top)
    order = place.only(cst.Call, lambda node: call_name(node) in SORTS)
    if order is None or not order.args or dotted(order.func).split(".")[0] not in ("np", "numpy", "torch"):
        return {}
    scores = order.args[0].value
    if isinstance(scores, cst.UnaryOperation) or not isinstance(scores, (cst.Name, cst.Attribute)):
        return {}
    return {scores: [cst.UnaryOperation(operator=cst.Minus(), expression=scores)]}


def _largest(top: cst.Call) -> Changes:
    flag = argument(top, "largest")
    if flag is not None:
        kept = [arg for arg in top.args if arg.value is not flag]
        return {
            top: [top.with_changes(args=[*kept[:-1], kept[-1].with_changes(comma=cst.MaybeSentinel.DEFAULT)])]
        }
    first = top.args[0].value if top.args else None
    if isinstance(first, cst.UnaryOperation) and isinstance(first.operator, cst.Minus):
        return {first: [first.expression]}
    return {}


TO_K = Repair(
    code="count-to-k",
    title="Count hits among the first k, and no further",
    rationale="A place that counts from 0 is among the first k where it is below k; one that counts from 1, where it is k or below.",
    triggers=frozenset({"cutoff-off-by-one"}),
    needs="one comparison of a place with the length of the list",
    note="The model is the same; its figures compare with others' now.",
    mend=_to_k,
    leaves_figures=True,
)
BEST_FIRST = Repair(
    code="best-first",
    title="Rank the highest scores first",
    rationale="The lists hold the items that the model likes least.",
    triggers=frozenset({"worst-ranked-first"}),
    needs="one `topk` or `argsort` of the scores",
    note="The scores are the same.",
    mend=_best_first,
    leaves_figures=True,
)
