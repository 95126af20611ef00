"""From which number a position counts: 0 for `enumerate(x)`, 1 for `enumerate(x, 1)`, through names and helpers."""

import ast
from weakref import WeakKeyDictionary

from diagnosis.rules.evaluating import is_count_above, summed
from diagnosis.rules.source import Loop, ParsedFile, keyword
from diagnosis.rules.values import Binding, How, arguments_of, bindings, origins, owner_of, returned_by
from diagnosis.syntax import called_name, dotted

DEEPEST = 8
# Calls that hand a number on as it is.
KEEPS = {
    "int",
    "float",
    "item",
    "tensor",
    "array",
    "asarray",
    "to",
    "astype",
    "long",
    "cpu",
    "numpy",
    "as_tensor",
    "double",
    "squeeze",
    "flatten",
    "ravel",
}
# What was found out: expression -> its value at the first position; None while it is being asked for, as in a recursion.
_KNOWN: "WeakKeyDictionary[ParsedFile, dict[ast.AST, int | None]]" = WeakKeyDictionary()
PLACES = {"index", "nonzero", "flatnonzero", "argwhere", "where"}


def first_value(source: ParsedFile, node: ast.expr, depth: int = 0) -> int | None:
    """The value of an expression at the first position; None where it is no position, or that cannot be told.

    A plain number is no position.
    """
    if depth > DEEPEST:
        return None
    known = _KNOWN.setdefault(source, {})
    if node not in known:
        known[node] = None
        known[node] = _first_value(source, node, depth)
    return known[node]


def _first_value(source: ParsedFile, node: ast.expr, depth: int) -> int | None:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        return _moved(source, node, depth)
    if isinstance(node, ast.Name | ast.Attribute):
        return _named(source, node, depth)
    if isinstance(node, ast.Subscript):
        if _is_order_of_order(node.value):
            return 0
        return first_value(source, node.value, depth + 1)
    if isinstance(node, ast.Call):
        return _called(source, node, depth)
    return None


def number(node: ast.expr | None) -> int | None:
    """The whole number that a constant is, its sign included."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = number(node.operand)
        return None if inner is None else -inner
    if (
        isinstance(node, ast.Constant)
        and isinstance(node.value, int | float)
        and node.value == int(node.value)
    ):
        return int(node.value)
    return None


def _moved(source: ParsedFile, node: ast.BinOp, depth: int) -> int | None:
    sign = 1 if isinstance(node.op, ast.Add) else -1
    left, right = number(node.left), number(node.right)
    if right is not None:
        base = first_value(source, node.left, depth + 1)
        return None if base is None else base + sign * right
    if left is not None and sign > 0:
        base = first_value(source, node.right, depth + 1)
        return None if base is None else base + left
    return None


def _named(source: ParsedFile, node: ast.Name | ast.Attribute, depth: int) -> int | None:
    name = dotted(node)
    found = bindings(source, name, node)
    if isinstance(node, ast.Name) and len(found) > 1:
        latest = _latest(source, node, found)
        found = found if latest is None else [latest]
    values: set[int | None] = set()
    for binding in found:
        if binding.how is How.ITERATED:
            values.add(_iterated(source, binding.value, binding.position, depth))
        elif isinstance(binding.node, ast.AugAssign) and len(found) == 1:
            values.add(_raised(source, binding.node, depth))
        elif binding.how is How.ASSIGNED and binding.position and _are_places(binding.value):
            values.add(0)
        else:
            whole = binding.how is How.ASSIGNED and not binding.position
            values.add(first_value(source, binding.value, depth + 1) if whole else None)
    owner = None if found or "." in name else owner_of(source, name, node)
    if owner is not None:
        values = {first_value(source, given, depth + 1) for given in arguments_of(source, owner, name)}
    return values.pop() if len(values) == 1 else None


def _latest(source: ParsedFile, name: ast.Name, found: list[Binding]) -> Binding | None:
    """The one binding whose value a name holds for sure where it is read: what stands before it is overwritten, and nothing
    behind it comes round again. A notebook calls the row of a loop `r`, and then the ranks.
    """
    around = {*source.around(name)}
    at = source.places.get(name)
    if at is None:  # a name that a rule made up
        return None
    looped = [b for b in found if b.how is How.ITERATED and _holds(source, b.node, around)]
    plain = [b for b in found if b.how is not How.ITERATED and b.node not in around]
    before = [b for b in plain if source.places[b.node] < at]
    sure = [*looped, *(b for b in before if _leads_to(source, b.node, around))]
    if not sure:
        return None
    last = max(sure, key=lambda b: _place(source, b.node))
    start = _place(source, last.node)
    rounds = [outer for outer in around if isinstance(outer, Loop) and source.places[outer] > start]
    for other in found:
        place = _place(source, other.node)
        comes_round = any(place < source.ends[source.places[loop]] for loop in rounds)
        hidden = isinstance(other.node, ast.comprehension) and other not in looped
        itself = (
            other.node in around and other not in looped and not comes_round
        )  # `rank += 1` of what was before
        if place > start and (place < at or comes_round) and not hidden and not itself:
            return None
    return last


def _place(source: ParsedFile, node: ast.AST) -> int:
    """Where a binding stands; a comprehension binds before all that it holds."""
    return source.places[source.parents[node] if isinstance(node, ast.comprehension) else node]


def _leads_to(source: ParsedFile, statement: ast.AST, around: set[ast.AST]) -> bool:
    """Whether a statement stands in a block in which one of the nodes stands too, so that it runs before it."""
    outer = source.parents.get(statement)
    blocks = [getattr(outer, name, None) for name in ("body", "orelse", "finalbody")]
    return any(
        isinstance(block, list) and statement in block and any(one in around for one in block)
        for block in blocks
    )


def _raised(source: ParsedFile, statement: ast.AugAssign, depth: int) -> int | None:
    """The first value after `rank += 1`"""
    step = number(statement.value)
    before = first_value(source, statement.target, depth + 1)
    if step is None or before is None or not isinstance(statement.op, ast.Add | ast.Sub):
        return None
    return before + step if isinstance(statement.op, ast.Add) else before - step


def _counts_ahead(call: ast.Call) -> bool:
    """`(scores > own).sum(1)`, the number of items in front of one."""
    inner = summed(call) if is_count_above(call) else None
    return isinstance(inner, ast.Compare) and isinstance(inner.ops[0], ast.Gt | ast.Lt)


def _are_places(node: ast.expr) -> bool:
    """Whether a call gives the places where something holds: `np.where(hits)`, and not `np.where(hits, ranks, 0)`."""
    if not isinstance(node, ast.Call) or called_name(node) not in PLACES:
        return False
    return called_name(node) != "where" or (len(node.args) == 1 and not node.keywords)


def _is_first_hit(source: ParsedFile, node: ast.Call) -> bool:
    """`(top == wanted[:, None]).argmax(1)`"""
    own = node.func.value if isinstance(node.func, ast.Attribute) else None
    given = own if own is not None and not _is_library(source, own) else (node.args or [None])[0]
    given = _without_casts(given)
    made = [b.value for b in bindings(source, given.id, given)] if isinstance(given, ast.Name) else [given]
    return bool(made) and all(
        isinstance(one, ast.Compare) and isinstance(one.ops[0], ast.Eq) for one in map(_without_casts, made)
    )


def _without_casts(node: ast.expr | None) -> ast.expr | None:
    while isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and called_name(node) in KEEPS:
        node = node.func.value
    return node


def _holds(source: ParsedFile, node: ast.AST, around: set[ast.AST]) -> bool:
    """Whether a loop or comprehension is around."""
    return node in around or (isinstance(node, ast.comprehension) and source.parents.get(node) in around)


def _iterated(source: ParsedFile, node: ast.expr, position: int | None, depth: int) -> int | None:
    if not isinstance(node, ast.Call):
        return first_value(source, node, depth + 1)
    name = called_name(node)
    if name == "enumerate" and position == 0:
        start = node.args[1] if len(node.args) > 1 else keyword(node, "start")
        return 0 if start is None else number(start)
    if name == "zip" and position is not None and position < len(node.args):
        return _iterated(source, node.args[position], None, depth + 1)
    return first_value(source, node, depth + 1) if position is None else None


def _called(source: ParsedFile, node: ast.Call, depth: int) -> int | None:
    name = called_name(node)
    if name in ("range", "arange", "count"):
        return (
            (0 if name != "count" else None)
            if len(node.args) == 1
            else number(node.args[0])
            if node.args
            else None
        )
    if _are_places(node) or (name == "argmax" and _is_first_hit(source, node)):
        return 0
    if name in ("sum", "count_nonzero") and _counts_ahead(node):
        return 0
    inner = node.func.value if isinstance(node.func, ast.Attribute) else None
    if name == "sum":
        counted = inner if inner is not None and not _is_library(source, inner) else (node.args or [None])[0]
        if not isinstance(counted, ast.Compare):
            return None
        if _counts_itself(counted):
            return 1
        return 0 if _counts_better(source, counted) else None
    if name in KEEPS:
        method = inner is not None and not _is_library(source, inner)
        value = inner if method else (node.args or [None])[0]
        return first_value(source, value, depth + 1) if value is not None else None
    if _is_order_of_order(node):
        return 0
    values = {first_value(source, value, depth + 1) for value in returned_by(source, node)}
    return values.pop() if len(values) == 1 else None


def _counts_better(source: ParsedFile, counted: ast.Compare) -> bool:
    """Whether a count is 0 for the best: of those that score higher, or of others that score at least as much."""
    if isinstance(counted.ops[0], ast.Gt | ast.Lt):
        return True
    if not isinstance(counted.ops[0], ast.GtE | ast.LtE):
        return False
    steps = [step for side in (counted.left, *counted.comparators) for step in origins(source, side)]
    return any(_leaves_one_out(step) for step in steps) or _is_put_aside(source, counted, steps)


def _counts_itself(counted: ast.Compare) -> bool:
    """`scores >= scores[:, -1:]`: what is ranked is among what it is held against."""
    if len(counted.ops) != 1 or not isinstance(counted.ops[0], ast.GtE | ast.LtE):
        return False
    sides = (counted.left, counted.comparators[0])
    whole = [ast.dump(side) for side in sides if isinstance(side, ast.Name | ast.Attribute)]
    part = [ast.dump(side.value) for side in sides if isinstance(side, ast.Subscript)]
    return len(whole) == len(part) == 1 and whole == part


def _leaves_one_out(node: ast.expr) -> bool:
    """`np.delete(scores, wanted)`, or `scores[:, 1:]`"""
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Tuple) and node.slice.elts:
        last = node.slice.elts[-1]
        return isinstance(last, ast.Slice) and number(last.lower) == 1 and last.upper is None
    return isinstance(node, ast.Call) and called_name(node) == "delete"


def _is_put_aside(source: ParsedFile, counted: ast.Compare, steps: list[ast.expr]) -> bool:
    """Whether the scores that are counted against were taken out before: `scores[rows, wanted] = -inf`."""
    taken = {
        ast.dump(part.slice)
        for step in steps
        for part in source.within(step, ast.Subscript)
        if isinstance(part.slice, ast.Tuple)
    }
    around = source.function_of(counted) or source.nodes[0]
    targets = [target for one in source.within(around, ast.Assign) for target in one.targets]
    return any(isinstance(one, ast.Subscript) and ast.dump(one.slice) in taken for one in targets)


def _is_library(source: ParsedFile, node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in source.imports


def _is_order_of_order(node: ast.expr) -> bool:
    """Whether the expression is `x.argsort().argsort()`, however it is called."""
    return sum(isinstance(p, ast.Call) and called_name(p) == "argsort" for p in ast.walk(node)) >= 2
