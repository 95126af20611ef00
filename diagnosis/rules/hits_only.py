"""Static rule: a metric is averaged over the users who got a hit, and those who got none are left out."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy
from diagnosis.rules.evaluating import is_count_above
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.metric_sense import said_by
from diagnosis.rules.places_from import first_value, number
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile
from diagnosis.rules.values import How, bindings, same
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="misses-left-out",
    found_by=FoundBy.RULE,
    title="Users without a hit are left out",
    why="A mean over hits alone grows when the model misses more users, and compares with no figure that counts them as 0.",
    definition="A value is appended only where the target is in the list, or its place below k, and the mean of what was "
    "appended is taken; or the figures above 0 alone are kept or averaged, in a function that speaks of metrics.",
)

MEANS = {"mean", "average", "nanmean", "fmean"}


def misses_left_out(source: ParsedFile) -> Iterator[RuleHit]:
    """`if target in top: gains.append(1 / log2(...))` with `np.mean(gains)`; `gains[rank < k].mean()`; `total / hits`."""
    for test in source.within(source.nodes[0], ast.If):
        if _asks_for_hit(source, test.test):
            yield from _appended(source, test)
            yield from _divided_by_hits(source, test)
        elif (
            isinstance(test.test, ast.Compare) and _is_nothing(test.test) and _speaks_of_metrics(source, test)
        ):
            yield from _appended(source, test, _base(test.test.left))
    for call in source.calls_named(*MEANS):
        own = call.func.value if isinstance(call.func, ast.Attribute) else None
        for part in (own, *call.args[:1]):
            if isinstance(part, ast.Subscript) and _asks_for_hit(source, part.slice):
                yield source.hit(KIND.code, call, "is a mean over hits alone: leave the others in, as 0")
            elif part is not None and _is_above_nothing(part) and _speaks_of_metrics(source, call):
                yield source.hit(
                    KIND.code, call, "is a mean over figures above 0 alone: leave the others in, as 0"
                )


def _is_above_nothing(node: ast.expr) -> bool:
    """`[x for x in values if x > 0]`, or `values[values > 0]`; a pair's figure, `row[0] > 0`, stands for the row."""
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Compare):
        return same(node.slice.left, node.value) and _is_nothing(node.slice)
    if not isinstance(node, ast.ListComp | ast.GeneratorExp) or len(node.generators) != 1:
        return False
    loop = node.generators[0]
    if len(loop.ifs) != 1 or not isinstance(loop.ifs[0], ast.Compare):
        return False
    test, name = loop.ifs[0], dotted(loop.target)
    asked = test.left.value if isinstance(test.left, ast.Subscript) else test.left
    kept = node.elt.value if isinstance(node.elt, ast.Subscript) else node.elt
    return name != "" and dotted(asked) == name == dotted(kept) and _is_nothing(test)


def _is_nothing(test: ast.Compare) -> bool:
    return (
        len(test.ops) == 1
        and isinstance(test.ops[0], ast.Gt | ast.NotEq)
        and number(test.comparators[0]) == 0
    )


def _base(node: ast.expr) -> str:
    """The row of `row[0] > 0`"""
    return dotted(node.value if isinstance(node, ast.Subscript) else node)


def _speaks_of_metrics(source: ParsedFile, call: ast.AST) -> bool:
    """Whether the function names metrics of ranking, as it would where the figures are those of users."""
    function = source.function_of(call)
    if function is None:
        return False
    words = [function.name, *(n.id for n in source.within(function, ast.Name))]
    words += [c.value for c in source.within(function, ast.Constant) if isinstance(c.value, str)]
    senses = {said_by([word]) for word in words}
    return 1 in senses and -1 not in senses


def _appended(source: ParsedFile, test: ast.If, asked: str = "") -> Iterator[RuleHit]:
    """What is appended for hits alone, and averaged. asked: the name that the condition asks, where only that is meant."""
    for call in source.calls_in(*test.body):
        name = dotted(call.func.value) if isinstance(call.func, ast.Attribute) else ""
        if called_name(call) != "append" or not name or not _stands_in(source, call, test):
            continue
        if asked and not (call.args and _base(call.args[0]) == asked):
            continue
        if _is_filled_once(source, call, name) and _is_averaged(source, call, name):
            yield source.hit(
                KIND.code,
                call,
                f"leaves out who got no hit, so that the mean of {name} is one over hits: append 0",
            )


def _divided_by_hits(source: ParsedFile, test: ast.If) -> Iterator[RuleHit]:
    """`total / hits`, where both grow for hits alone."""
    sums = [s for s in test.body if isinstance(s, ast.AugAssign) and isinstance(s.op, ast.Add)]
    counts = {dotted(s.target) for s in sums if number(s.value) == 1} - {""}
    totals = {dotted(s.target) for s in sums if number(s.value) is None} - {""}
    around = source.function_of(test) or source.nodes[0]
    grown = [dotted(s.target) for s in source.within(around, ast.AugAssign)]
    for part in source.within(around, ast.BinOp):
        one, other = dotted(part.left), dotted(part.right)
        if isinstance(part.op, ast.Div) and one in totals and other in counts and grown.count(other) == 1:
            yield source.hit(
                KIND.code,
                part,
                f"divides by the hits, so that users without one are left out of the mean of {one}",
            )


def _stands_in(source: ParsedFile, call: ast.Call, test: ast.If) -> bool:
    """Whether nothing but the condition decides about the call: it stands in the body itself."""
    statement = source.parents.get(call)
    return isinstance(statement, ast.Expr) and statement in test.body


def _asks_for_hit(source: ParsedFile, test: ast.expr) -> bool:
    """`target in top[:k]`, `rank < k`, `(top == target).any()`"""
    if isinstance(test, ast.Call):
        own = test.func.value if isinstance(test.func, ast.Attribute) else (test.args or [None])[0]
        return called_name(test) == "any" and isinstance(own, ast.Compare) and isinstance(own.ops[0], ast.Eq)
    if not isinstance(test, ast.Compare) or len(test.ops) != 1:
        return False
    if isinstance(test.ops[0], ast.In):
        return _is_ranked(source, test.comparators[0])
    is_below = isinstance(test.ops[0], ast.Lt | ast.LtE)
    return is_below and _counts(source, test.left) and first_value(source, test.left) is not None


def _counts(source: ParsedFile, node: ast.expr) -> bool:
    """Whether a value is the place of a target: a count of better ones, or where it was found."""
    values = [node]
    if isinstance(node, ast.Name):
        values = [b.value for b in bindings(source, node.id, node) if b.how is How.ASSIGNED]
    return any(
        is_count_above(call) or called_name(call) in ("index", "nonzero", "where", "argsort", "flatnonzero")
        for value in values
        for call in source.calls_in(value)
    )


def _is_ranked(source: ParsedFile, node: ast.expr) -> bool:
    """Whether a list is the best of a ranking: cut at k, or made by a call that ranks."""
    values = [node]
    if isinstance(node, ast.Name):
        values += [b.value for b in bindings(source, node.id, node)]
    for value in values:
        if any(
            called_name(c) in ("topk", "argsort", "argpartition", "nlargest") for c in source.calls_in(value)
        ):
            return True
        cut = value.slice if isinstance(value, ast.Subscript) else None
        cut = cut.elts[-1] if isinstance(cut, ast.Tuple) and cut.elts else cut
        if isinstance(cut, ast.Slice) and cut.lower is None and cut.upper is not None:
            return True
    return False


def _is_filled_once(source: ParsedFile, call: ast.Call, name: str) -> bool:
    """Whether nothing else is appended to the list."""
    around = source.function_of(call) or source.nodes[0]
    fills = [
        c
        for c in source.calls_in(around)
        if called_name(c) in ("append", "extend", "insert")
        and isinstance(c.func, ast.Attribute)
        and dotted(c.func.value) == name
    ]
    return fills == [call]


def _is_averaged(source: ParsedFile, call: ast.Call, name: str) -> bool:
    around = source.function_of(call) or source.nodes[0]
    for mean in source.calls_in(around):
        own = [mean.func.value] if isinstance(mean.func, ast.Attribute) else []
        if called_name(mean) in MEANS and any(_is(given, name) for given in (*mean.args[:1], *own)):
            return True
    for part in source.within(around, ast.BinOp):
        left, right = part.left, part.right
        if isinstance(part.op, ast.Div) and isinstance(left, ast.Call) and isinstance(right, ast.Call):
            summed = called_name(left) == "sum" and left.args and _is(left.args[0], name)
            if summed and called_name(right) == "len" and right.args and _is(right.args[0], name):
                return True
    return False


def _is(node: ast.expr, name: str) -> bool:
    while (
        isinstance(node, ast.Call)
        and called_name(node) in ("array", "asarray", "tensor", "Tensor")
        and node.args
    ):
        node = node.args[0]
    return dotted(node) == name


RULE = Rule(kind=KIND, run=misses_left_out)
