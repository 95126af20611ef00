"""Static rule: a discount of NDCG that does not begin with log2(2) = 1 at the first place."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.places_beside import first_beside
from diagnosis.rules.places_from import first_value, number
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, ParsedFile, keyword
from diagnosis.rules.values import bindings, names_in, same, words_of
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="discount-off-by-one",
    found_by=FoundBy.RULE,
    title="Discount off by one",
    why="NDCG divides the first place by log2(2) = 1; another start gives figures that compare with no paper's.",
    definition="A division by the logarithm of a place that is counted from 0 or 1, in which the first place is not 2, or the "
    "second, where the first counts as it is, not 3.",
    sources=("Järvelin and Kekäläinen, 2002", "github.com/kuandeng/LightGCN/issues/1"),
)

FIRST = 2
PLACES = ("rank", "place", "position", "pos")
SOFTENS = {"max", "maximum", "where", "clip", "clamp"}


def discount_off_by_one(source: ParsedFile) -> Iterator[RuleHit]:
    """Divisions such as `1 / log2(i + 3)` with `i` from 0."""
    for call in logarithms(source):
        first = first_value(source, call.args[0])
        if first is None:
            first = first_beside(source, call)
        right = FIRST + _left_out(source, call)
        if (
            right == FIRST + 1
            and first == FIRST
            and _is_of_ndcg(source, call)
            and not _is_chosen(source, call)
        ):
            yield source.hit(
                KIND.code,
                statement_of(source, call),
                "discounts the second place by log2(2) = 1, as if it were the first: begin with log2(3)",
            )
        alone = first == FIRST - 1 and (_first_by_itself(source, call) or _is_kept_from_zero(source, call))
        if alone and (_is_of_ndcg(source, call) or _becomes_ndcg(source, call)):
            yield source.hit(
                KIND.code,
                statement_of(source, call),
                "leaves the second place whole as well as the first, by log2(2) = 1: log2(3) is its discount",
            )
            continue
        if first is None and _is_natural_of_place(source, call):
            yield source.hit(
                KIND.code,
                call,
                "discounts the first place by ln(2) = .69 where NDCG has log2(2) = 1: use log2",
            )
            continue
        if (
            first == right == FIRST
            and _is_natural(call)
            and is_divisor(source, call)
            and _is_whole_gain(source, call)
        ):
            yield source.hit(
                KIND.code,
                statement_of(source, call),
                "discounts the first place by ln(2) = .69 where NDCG has log2(2) = 1: use log2",
            )
        if (
            right != FIRST
            or first is None
            or first == FIRST
            or not is_divisor(source, call)
            or _is_guarded(source, call)
        ):
            continue
        yield source.hit(
            KIND.code,
            statement_of(source, call),
            f"discounts the first place by log2({first}) where NDCG has log2(2) = 1: "
            f"{'add' if first < FIRST else 'take off'} {abs(FIRST - first)}",
        )


def _left_out(source: ParsedFile, call: ast.Call) -> int:
    """How many of the first places a discounted sum leaves to a term of its own: 1 of `r[0] + (r[1:] / log2(places)).sum()`."""
    divided = next((o for o in source.around(call) if isinstance(o, ast.BinOp)), None)
    if divided is None or not isinstance(divided.op, ast.Div) or not isinstance(divided.left, ast.Subscript):
        return 0
    cut = divided.left.slice
    start = number(cut.lower) if isinstance(cut, ast.Slice) and cut.upper is None and cut.lower else None
    around = source.function_of(call) or source.nodes[0]
    alone = [
        part
        for part in source.within(around, ast.Subscript)
        if same(part.value, divided.left.value) and number(part.slice) == 0
    ]
    return 1 if start == 1 and alone else 0


def _first_by_itself(source: ParsedFile, call: ast.Call) -> bool:
    """Whether the first place alone has no discount: `1 if place == 0 else 1 / log2(place + 1)`."""
    for outer in source.around(call):
        if isinstance(outer, Function):
            return False
        test = outer.test if isinstance(outer, ast.If | ast.IfExp) else None
        if isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.Eq):
            place, asked = first_value(source, test.left), number(test.comparators[0])
            later = outer.orelse if isinstance(outer, ast.If | ast.IfExp) else []
            inside = later if isinstance(later, list) else [later]
            return place is not None and place == asked and call in source.calls_in(*inside)
    return False


def _is_kept_from_zero(source: ParsedFile, call: ast.Call) -> bool:
    """Whether a logarithm that is 0 at the first place counts as 1 there: `log2(rank + 1).clamp(min=1)`, `np.maximum(np.log2(rank + 1), 1)`."""
    outer = source.parents.get(call)
    if isinstance(outer, ast.Attribute):
        outer = source.parents.get(outer)
    if not isinstance(outer, ast.Call) or called_name(outer) not in SOFTENS - {"where"}:
        return False
    least = [keyword(outer, "min"), keyword(outer, "a_min"), *outer.args]
    return any(part is not None and number(part) == 1 for part in least)


def _becomes_ndcg(source: ParsedFile, call: ast.Call) -> bool:
    """Whether the gain is what a dictionary, a keyword or a name calls NDCG, at once or under a name of the same function."""
    around = source.function_of(call) or source.nodes[0]
    statement = next((o for o in source.around(call) if isinstance(o, ast.stmt)), call)
    kept = {dotted(t) for t in getattr(statement, "targets", [])} - {""}
    for node in source.within(around, ast.Dict, ast.Call, ast.Assign):
        if isinstance(node, ast.Dict):
            pairs = [(key, value) for key, value in zip(node.keys, node.values) if key is not None]
        elif isinstance(node, ast.Call):
            pairs = [(ast.Constant(value=k.arg or ""), k.value) for k in node.keywords]
        else:
            pairs = [(target, node.value) for target in node.targets]
        for key, value in pairs:
            named = any("ndcg" in word.lower() for word in words_of(key))
            if named and (call in source.calls_in(value) or kept & {dotted(n) for n in names_in(value)}):
                return True
    return False


def _is_of_ndcg(source: ParsedFile, call: ast.Call) -> bool:
    """Whether the gain becomes NDCG, in its author's words: its function is called so, or one that is called so calls it."""
    function = source.function_of(call)
    if function is None:
        return False
    callers = [source.function_of(c) for c in source.calls_named(function.name)]
    return any("ndcg" in one.name.lower() for one in (function, *callers) if one is not None)


def _is_chosen(source: ParsedFile, call: ast.Call) -> bool:
    """Whether whoever calls the function chooses this form of the gain, which some papers use."""
    return any(isinstance(outer, ast.If) for outer in source.around(call))


def _is_natural(call: ast.Call) -> bool:
    return called_name(call) == "log" and len(call.args) == 1


def _is_natural_of_place(source: ParsedFile, call: ast.Call) -> bool:
    """`hit / np.log(rank + 2)` for NDCG, beside no other logarithm that might make it whole again."""
    inner = call.args[0]
    function = source.function_of(call)
    if not _is_natural(call) or not isinstance(inner, ast.BinOp) or not isinstance(inner.op, ast.Add):
        return False
    added = {number(inner.left), number(inner.right)}
    place = any(word.lower().startswith(PLACES) for word in words_of(inner))
    if not place or not added & {1, 2} or function is None or not is_divisor(source, call):
        return False
    others = [c for c in source.calls_in(function) if called_name(c) in ("log", "log2") and c is not call]
    named = next((o for o in source.around(call) if isinstance(o, ast.Dict | ast.stmt)), None)
    words = list(words_of(named)) if named is not None else []
    words += [w for key in getattr(named, "keys", []) for w in words_of(key) if key is not None]
    return not others and any("ndcg" in word.lower() for word in [*words, function.name])


def _is_whole_gain(source: ParsedFile, call: ast.Call) -> bool:
    """Whether the gain of one target is NDCG itself, which no other logarithm of the function normalises."""
    function = source.function_of(call)
    if function is None:
        return False
    others = [c for c in source.calls_in(function) if called_name(c) in ("log", "log2") and c is not call]
    divided = [
        p
        for p in source.within(function, ast.BinOp)
        if isinstance(p.op, ast.Div) and call in source.calls_in(p)
    ]
    if (
        others
        or len(divided) > 1
        or any(number(p.left) is None for p in divided if _holds(source, p.right, call))
    ):
        return False
    return _is_called_ndcg(source, call, function)


def _holds(source: ParsedFile, node: ast.expr, call: ast.Call) -> bool:
    return call in source.calls_in(node)


def _is_called_ndcg(source: ParsedFile, call: ast.Call, function: Function) -> bool:
    """Whether the statement around a call gives NDCG its value, in its author's words."""
    for outer in source.around(call):
        if isinstance(outer, ast.Assign | ast.AugAssign):
            kept = outer.targets if isinstance(outer, ast.Assign) else [outer.target]
            return "ndcg" in function.name.lower() or any(
                "ndcg" in word.lower() for node in kept for word in words_of(node)
            )
        if isinstance(outer, ast.Expr):
            return any("ndcg" in word.lower() for word in words_of(outer.value))
        if isinstance(outer, ast.Return):
            return "ndcg" in function.name.lower()
    return False


def logarithms(source: ParsedFile) -> Iterator[ast.Call]:
    """Calls of `log2(x)`, `log(x)` and `log(x, 2)`."""
    for call in source.calls_named("log2", "log"):
        base = call.args[1] if len(call.args) == 2 else None
        if call.args and (base is None or number(base) == FIRST):
            yield call


def is_divisor(source: ParsedFile, call: ast.expr) -> bool:
    """Whether something is divided by the value, at once or under a name of the same function."""
    inner: ast.AST = call
    for outer in source.around(call):
        if isinstance(outer, ast.BinOp):
            if (
                isinstance(outer.op, ast.Div)
                and outer.right is inner
                and not _is_log(outer.right, outer.left)
            ):
                return True
            if isinstance(outer.op, ast.Pow) and outer.left is inner:
                return (number(outer.right) or 0) < 0
        if isinstance(outer, ast.Call) and called_name(outer) == "reciprocal":
            return True
        if isinstance(outer, ast.Assign):
            return any(_divides(source, outer, target) for target in outer.targets)
        if isinstance(outer, ast.stmt):
            return False
        inner = outer
    return False


def statement_of(source: ParsedFile, node: ast.expr) -> ast.expr | ast.stmt:
    """The statement around an expression, or the expression where a compound statement holds it."""
    for outer in source.around(node):
        if isinstance(outer, ast.stmt):
            return node if hasattr(outer, "body") else outer
    return node


def _is_log(right: ast.expr, left: ast.expr) -> bool:
    """Whether both sides are logarithms: `log(x) / log(2)` only changes the base."""
    return all(isinstance(s, ast.Call) and called_name(s) in ("log", "log2") for s in (right, left)) and (
        isinstance(right, ast.Call) and bool(right.args) and number(right.args[0]) is not None
    )


def _divides(source: ParsedFile, statement: ast.Assign, name: ast.expr) -> bool:
    around = source.function_of(statement) or source.nodes[0]
    return any(
        isinstance(part.op, ast.Div) and any(same(_read(name), _read(p)) for p in ast.walk(part.right))
        for part in source.within(around, ast.BinOp)
    )


def _read(node: ast.AST) -> ast.AST | None:
    if isinstance(node, ast.Name):
        return ast.Name(id=node.id, ctx=ast.Load())
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return ast.Attribute(value=ast.Name(id=node.value.id, ctx=ast.Load()), attr=node.attr, ctx=ast.Load())
    return ast.Constant(value=id(node))


def _cuts_list(source: ParsedFile, call: ast.Call) -> bool:
    """`where(rank < k, ...)`, which cuts the list and does not treat its first place by itself."""
    test = call.args[0] if len(call.args) > 1 else None
    if isinstance(test, ast.Name):
        made = bindings(source, test.id, test)
        test = made[0].value if len(made) == 1 and made[0].position is None else None
    if not isinstance(test, ast.Compare):
        return False
    return all(
        isinstance(side, ast.Name | ast.Attribute) or (number(side) or 0) > 1
        for side in (test.left, *test.comparators)
    )


def _is_guarded(source: ParsedFile, call: ast.Call) -> bool:
    """Whether the first place may be treated by itself, as in the form of DCG that leaves it whole."""
    names = {part.id for part in ast.walk(call.args[0]) if isinstance(part, ast.Name)}
    for outer in source.around(call):
        if isinstance(outer, Function):
            return False
        if isinstance(outer, ast.Call) and called_name(outer) in SOFTENS:
            return not (called_name(outer) == "where" and _cuts_list(source, outer))
        if isinstance(outer, ast.If | ast.IfExp):
            tested = (part for part in ast.walk(outer.test) if isinstance(part, ast.Compare))
            for part in tested:
                sides = (part.left, *part.comparators)
                if any(isinstance(s, ast.Name) and s.id in names for s in sides) and any(
                    number(s) in (0, 1) for s in sides
                ):
                    return True
    return False


RULE = Rule(kind=KIND, run=discount_off_by_one)
