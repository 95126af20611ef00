"""Static rule: an ideal gain of NDCG that counts k hits, however few relevant items there are."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy
from diagnosis.rules.discount import is_divisor, logarithms, statement_of
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.ideal_of_table import ends_of_table, sums_of_table
from diagnosis.rules.ideal_places import (
    counts_relevant,
    is_bounded,
    is_cut,
    is_length_of_list,
    is_one_over,
    places_counted,
)
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, ParsedFile
from diagnosis.rules.values import origins
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="ideal-gain-of-k-hits",
    found_by=FoundBy.RULE,
    title="Ideal gain counts too many hits",
    why="A user with fewer than k relevant items can never reach an NDCG of 1, so that the figure is too low.",
    definition="The DCG is divided by an unconditional sum of the discounts of k places, or by the DCG of a list of k hits, where "
    "no `min` with the number of relevant items bounds k.",
    sources=("Järvelin and Kekäläinen, 2002",),
)


def ideal_gain_of_k_hits(source: ParsedFile) -> Iterator[RuleHit]:
    """Sums such as `sum(1 / log2(i + 2) for i in range(k))` by which the gain of the first k places is divided."""
    yield from _gains_of_hits(source)
    yield from _sums_by_helper(source)
    for total in (*sums_of_table(source), *ends_of_table(source)):
        yield source.hit(
            KIND.code,
            statement_of(source, total),
            "the ideal gain sums all k places: sum min(k, number of relevant items) of them",
        )
    for call in logarithms(source):
        if not is_divisor(source, call):
            continue
        whole = _unconditional_sum(source, call)
        if whole is None or not _divides_a_gain(source, whole[0]):
            continue
        cut = (
            is_cut(source, whole[1])
            or is_length_of_list(source, whole[1])
            or counts_relevant(source, whole[1])
        )
        if cut and not is_bounded(source, whole[0], whole[1]):
            yield source.hit(
                KIND.code,
                statement_of(source, call),
                "the ideal gain sums all k places: sum min(k, number of relevant items) of them",
            )


def _gains_of_hits(source: ParsedFile) -> Iterator[RuleHit]:
    """`dcg(np.ones(k), k)` by which a DCG of the same function is divided."""
    discounting = {f.name for call in logarithms(source) if (f := source.function_of(call)) is not None}
    for call in source.calls:
        size = _of_hits(source, call.args[0]) if call.args and called_name(call) in discounting else None
        if size is None or not _is_cut_at(source, size) or _is_one_of_two(source, call.args[0], size):
            continue
        around = source.function_of(call)
        if isinstance(around, Function) and _divided(source, around, call):
            yield source.hit(
                KIND.code,
                statement_of(source, call),
                "the ideal list has k hits: give it min(k, number of relevant items) of them",
            )


def _sums_by_helper(source: ParsedFile) -> Iterator[RuleHit]:
    """`sum(gain(p) for p in range(k))` of a function that gives the discount of a place, by which a gain is divided."""
    helpers = {
        f.name
        for call in logarithms(source)
        if (f := source.function_of(call)) is not None and _gives_discount(f, call)
    }
    for call in source.calls:
        given = call.args[0] if _is_sum(call) and call.args else None
        if not isinstance(given, ast.GeneratorExp | ast.ListComp) or not isinstance(given.elt, ast.Call):
            continue
        (first, *more) = given.generators
        stop = places_counted(first.iter)
        if called_name(given.elt) not in helpers or more or first.ifs or stop is None:
            continue
        cut = is_cut(source, stop) or is_length_of_list(source, stop)
        if cut and _divides_a_gain(source, call) and not is_bounded(source, call, stop):
            yield source.hit(
                KIND.code,
                statement_of(source, call),
                "the ideal gain sums as many places as the list has: sum min(k, number of relevant items) of them",
            )


def _gives_discount(function: Function, call: ast.Call) -> bool:
    """Whether a function is one over the logarithm of a place and nothing else."""
    last = function.body[-1]
    value = last.value if isinstance(last, ast.Return) else None
    if isinstance(value, ast.IfExp):
        value = value.orelse
    return is_one_over(value, call)


def _of_hits(source: ParsedFile, given: ast.expr) -> ast.expr | None:
    """How many hits a list has that holds nothing else: `np.ones(k)`, `[1] * k`."""
    for step in origins(source, given):
        if isinstance(step, ast.Call) and called_name(step) == "ones" and step.args:
            return step.args[0]
        if isinstance(step, ast.BinOp) and isinstance(step.op, ast.Mult) and isinstance(step.left, ast.List):
            return step.right
    return None


def _is_one_of_two(source: ParsedFile, given: ast.expr, size: ast.expr) -> bool:
    """Whether the list of k hits is made where there are more relevant items than k, and a shorter one otherwise."""
    if is_bounded(source, size, size):
        return True
    return any(
        isinstance(step, ast.BinOp) and isinstance(step.op, ast.Add) and _has_zeros(step)
        for step in origins(source, given)
    )


def _has_zeros(node: ast.expr) -> bool:
    """Whether a list is filled up with places that are no hits: `[1.0] * n + [0.0] * (k - n)`."""
    return any(
        isinstance(part, ast.List)
        and part.elts
        and isinstance(first := part.elts[0], ast.Constant)
        and not first.value
        for part in ast.walk(node)
    )


def _is_cut_at(source: ParsedFile, size: ast.expr) -> bool:
    """Whether the number of hits is a constant, or a parameter by which the function cuts its list or that is called k."""
    return is_cut(source, size)


def _unconditional_sum(source: ParsedFile, call: ast.Call) -> tuple[ast.AST, ast.expr] | None:
    """The node that sums the discounts of all places, and the number of places; None for any other logarithm."""
    for outer in source.around(call):
        if isinstance(outer, ast.GeneratorExp | ast.ListComp):
            (first, *more) = outer.generators
            if more or first.ifs or not is_one_over(outer.elt, call):
                return None
            summed = source.parents.get(outer)
            stop = places_counted(first.iter)
            return (summed, stop) if stop is not None and summed is not None and _is_sum(summed) else None
        if isinstance(outer, ast.Call) and called_name(outer) == "sum":
            stop = next((s for p in ast.walk(call) if (s := places_counted(p)) is not None), None)
            divided = outer.args[0] if outer.args else getattr(outer.func, "value", None)
            return (outer, stop) if stop is not None and is_one_over(divided, call) else None
        if isinstance(outer, ast.AugAssign):
            loop = source.parents.get(outer)
            if not isinstance(loop, ast.For) or not is_one_over(outer.value, call):
                return None
            stop = places_counted(loop.iter)
            if stop is None:
                stop = _length_of_hits(source, loop, call)
            return (outer, stop) if stop is not None else None
        if isinstance(outer, ast.stmt):
            return None
    return None


def _length_of_hits(source: ParsedFile, loop: ast.For, call: ast.Call) -> ast.expr | None:
    """Where the list of the best items is cut over which a loop adds up both gains, `for place, hit in enumerate(hits)`; None for others."""
    over = loop.iter
    if not isinstance(over, ast.Call) or called_name(over) != "enumerate" or not over.args:
        return None
    gains = [c for c in source.calls_in(*loop.body) if called_name(c) in ("log2", "log") and c is not call]
    if not gains:
        return None
    steps = [step for count, step in enumerate(origins(source, over.args[0])) if count < 4]
    cuts = [
        cut.upper
        for step in steps
        for cut in source.within(step, ast.Slice)
        if cut.lower is None and cut.upper is not None
    ]
    asked = any(isinstance(c.ops[0], ast.In) for step in steps for c in source.within(step, ast.Compare))
    asked = asked or any(
        isinstance(c.ops[0], ast.In) for s in loop.body for c in source.within(s, ast.Compare)
    )
    return cuts[0] if cuts and asked else None


def _is_sum(node: ast.AST | None) -> bool:
    return isinstance(node, ast.Call) and called_name(node) in ("sum", "fsum")


def _divides_a_gain(source: ParsedFile, whole: ast.AST) -> bool:
    """Whether the function divides by the sum, or returns it to a function that divides by it."""
    around = source.function_of(whole) or source.nodes[0]
    if _divided(source, around, whole):
        return True
    name = getattr(around, "name", "")
    calls = source.calls_named(name) if name else []
    return any(_divided(source, source.function_of(call) or source.nodes[0], call) for call in calls)


def _divided(source: ParsedFile, around: ast.AST, value: ast.AST) -> bool:
    taken = [
        outer for outer in (value, *source.around(value)) if isinstance(outer, ast.Assign | ast.AugAssign)
    ]
    names = {
        dotted(t) for s in taken[:1] for t in (s.targets if isinstance(s, ast.Assign) else [s.target])
    } - {""}
    for part in source.within(around, ast.BinOp, ast.AugAssign):
        if isinstance(part.op, ast.Div):
            right = part.right if isinstance(part, ast.BinOp) else part.value
            if any(inner is value or dotted(inner) in names for inner in ast.walk(right)):
                return True
    return False


RULE = Rule(kind=KIND, run=ideal_gain_of_k_hits)
