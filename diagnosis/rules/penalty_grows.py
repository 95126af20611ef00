"""Static rule: an update that is written out adds a share of the row itself, so that the penalty makes weights grow."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, ParsedFile
from diagnosis.rules.values import bindings, parameters
from diagnosis.rules.written_gradient import lengthened, turned_lines
from diagnosis.rules.written_steps import has_rate
from diagnosis.symptoms import WEAK
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="penalty-grows",
    found_by=FoundBy.RULE,
    title="The penalty makes weights grow",
    why="A penalty is there to hold weights back; with the other sign every step makes long rows longer, and the more so the longer they are.",
    definition="A row is moved by a rate times an expression that holds the row itself times the penalty's weight, with the sign that lengthens it.",
    roles=(Role.OPTIMIZER,),
    explains=WEAK,
)
PENALTIES = ("reg", "lambda", "lam", "lmbda", "l2", "decay", "wd", "penalty", "ridge")
Signed = tuple[int, ast.expr]


def penalty_grows(source: ParsedFile) -> Iterator[RuleHit]:
    """`P[u] += lr * (e * Q[i] + reg * P[u])`, itself or through a helper that adds what it is given."""
    told = turned_lines(source)
    for row, moved, direction, at in _updates(source):
        for sign, term in _terms(moved) if at.lineno not in told else ():
            if sign * direction > 0 and _is_penalty(source, term, row):
                told.add(at.lineno)
                yield source.hit(
                    KIND.code,
                    at,
                    f"adds {ast.unparse(term)} to the row itself: the penalty is taken off, not added",
                )
                break
    for held, place in lengthened(source):
        if place.lineno not in told:
            yield source.hit(
                KIND.code, place, f"adds a share of {held} to itself: the penalty is taken off, not added"
            )


def _updates(source: ParsedFile) -> Iterator[tuple[ast.expr, ast.expr, int, ast.expr | ast.stmt]]:
    """(row that is moved, by what, 1 where that is added and -1 where it is taken off, where)."""
    for statement in source.within(source.nodes[0], ast.AugAssign):
        if isinstance(statement.target, ast.Subscript) and isinstance(statement.op, ast.Add | ast.Sub):
            direction = 1 if isinstance(statement.op, ast.Add) else -1
            if has_rate(statement.value):
                yield statement.target, statement.value, direction, statement
    for call in source.calls_named("at"):
        kind = dotted(call.func).split(".")[-2:][0]
        if kind in ("add", "subtract") and len(call.args) == 3 and has_rate(call.args[2]):
            row = ast.Subscript(value=call.args[0], slice=call.args[1], ctx=ast.Load())
            yield row, call.args[2], 1 if kind == "add" else -1, call
    for helper, table, rows, moved, direction in _helpers(source):
        for call in source.calls_named(helper):
            if len(call.args) > max(table, rows, moved):
                row = ast.Subscript(value=call.args[table], slice=call.args[rows], ctx=ast.Load())
                yield row, call.args[moved], direction, call


def _helpers(source: ParsedFile) -> Iterator[tuple[str, int, int, int, int]]:
    """(name, places of table, rows and what is added, sign) of functions that move given rows of a given table by a rate."""
    for function in source.functions:
        names = [name for name in parameters(function) if name not in ("self", "cls")]
        for target, value, direction in _moves(source, function):
            given = [dotted(target.value), dotted(target.slice), *_plain_factors(value)]
            places = [names.index(one) for one in given if one in names]
            # A helper that takes off what it is given may be meant for gradients of a loss: then all of it is turned round.
            if direction > 0 and len(places) == 3 == len(set(places)):
                table, rows, moved = places
                yield function.name, table, rows, moved, direction


def _moves(source: ParsedFile, function: Function) -> Iterator[tuple[ast.Subscript, ast.expr, int]]:
    for statement in source.within(function, ast.AugAssign):
        if isinstance(statement.target, ast.Subscript) and isinstance(statement.op, ast.Add | ast.Sub):
            yield statement.target, statement.value, 1 if isinstance(statement.op, ast.Add) else -1
    for call in source.calls_in(function):
        kind = dotted(call.func).split(".")[-2:][0]
        if called_name(call) == "at" and kind in ("add", "subtract") and len(call.args) == 3:
            row = ast.Subscript(value=call.args[0], slice=call.args[1], ctx=ast.Load())
            yield row, call.args[2], 1 if kind == "add" else -1


def _plain_factors(value: ast.expr) -> list[str]:
    """The names that a rate is multiplied with."""
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Mult) and has_rate(value):
        return [dotted(side) for side in (value.left, value.right)]
    return []


def _terms(node: ast.expr, sign: int = 1) -> Iterator[Signed]:
    """The terms of a sum with their signs; a product with one sum is multiplied out."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield from _terms(node.operand, -sign)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        yield from _terms(node.left, sign)
        yield from _terms(node.right, sign)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub):
        yield from _terms(node.left, sign)
        yield from _terms(node.right, -sign)
    elif (
        isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult) and (inner := _sum_in(node)) is not None
    ):
        yield from _terms(inner, sign)
    else:
        yield sign, node


def _sum_in(product: ast.BinOp) -> ast.expr | None:
    """The sum that a plain number, a rate, is multiplied with."""
    for side, other in ((product.left, product.right), (product.right, product.left)):
        is_sum = isinstance(side, ast.BinOp) and isinstance(side.op, ast.Add | ast.Sub)
        negative = isinstance(side, ast.UnaryOp) and isinstance(side.op, ast.USub)
        if (is_sum or negative) and dotted(other) and has_rate(product):
            return side
    return None


def _is_penalty(source: ParsedFile, term: ast.expr, row: ast.expr) -> bool:
    """Whether a term is the weight of a penalty times the row: `self.reg * pu`, where pu is `self.P[u]`."""
    factors = list(_factors(term))
    weights = [
        f for f in factors if any(p in dotted(f).rpartition(".")[2].lower().split("_") for p in PENALTIES)
    ]
    others = [f for f in factors if f not in weights]
    own = [f for f in others if _is_row(source, f, row)]
    return (
        bool(weights)
        and len(own) == 1
        and all(isinstance(f, ast.Constant) or has_rate(term) for f in others if f not in own)
    )


def _factors(node: ast.expr) -> Iterator[ast.expr]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        yield from _factors(node.left)
        yield from _factors(node.right)
    else:
        yield node


def _is_row(source: ParsedFile, node: ast.expr, row: ast.expr) -> bool:
    """Whether an expression is the row that is moved, or a name that holds it."""
    told = ast.unparse(row)
    if ast.unparse(node) == told:
        return True
    if not isinstance(node, ast.Name):
        return False
    for binding in bindings(source, node.id, node):
        value = binding.value
        if (
            binding.position is not None
            and isinstance(value, ast.Tuple)
            and binding.position < len(value.elts)
        ):
            value = value.elts[binding.position]
        if ast.unparse(value) == told:
            return True
    return False


RULE = Rule(kind=KIND, run=penalty_grows)
