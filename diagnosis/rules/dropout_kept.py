"""Static rule: dropout by hand that keeps the share which it should drop, and scales as if it had not."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, ParsedFile
from diagnosis.rules.values import same
from diagnosis.symptoms import WEAK
from diagnosis.syntax import called_name

KIND = FindingKind(
    code="dropout-keeps-rate",
    found_by=FoundBy.RULE,
    title="Dropout keeps what it should drop",
    why="A rate of 0.1 leaves a tenth instead of nine tenths, and what is left is scaled as if nine tenths were there.",
    definition="What is kept are the places where a uniform draw lies below a rate, while it is divided by 1 less that rate; or those "
    "above a share that is kept, while it is divided by that share.",
    roles=(Role.DROPOUT,),
    explains=("graph-edges-missing", "graph-one-way", *WEAK),
)
UNIFORM = {"rand", "rand_like", "random", "random_sample"}
AS_IT_IS = {"float", "to", "bool", "type_as", "astype", "double", "half"}
BELOW, ABOVE = (ast.Lt, ast.LtE), (ast.Gt, ast.GtE)


def dropout_keeps_rate(source: ParsedFile) -> Iterator[RuleHit]:
    """`keep = torch.rand(n) < rate`, then `values[keep] / (1 - rate)`."""
    for test in source.within(source.nodes[0], ast.Compare):
        function = source.function_of(test)
        if function is None or len(test.ops) != 1 or not isinstance(test.left, ast.Call):
            continue
        if called_name(test.left) not in UNIFORM or not _is_kept(source, function, test):
            continue
        below, above = isinstance(test.ops[0], BELOW), isinstance(test.ops[0], ABOVE)
        level = test.comparators[0]
        divisors = list(_divisors(source, function))
        rest = [other for one in divisors if (other := _rest(one)) is not None]
        if (below and any(same(one, level) for one in rest)) or (
            above and any(same(one, level) for one in divisors) and not any(same(one, level) for one in rest)
        ):
            yield source.hit(
                KIND.code, test, "keeps the share that it should drop: turn the comparison round"
            )


def _divisors(source: ParsedFile, function: Function) -> Iterator[ast.expr]:
    """What a function divides by, `x / p`, `x * (1 / p)` and `x.div(p)`."""
    for part in source.within(function, ast.BinOp, ast.AugAssign):
        if isinstance(part.op, ast.Div):
            yield part.right if isinstance(part, ast.BinOp) else part.value
    for call in source.calls_in(function):
        if called_name(call) in ("div", "div_") and isinstance(call.func, ast.Attribute) and call.args:
            yield call.args[0]


def _rest(node: ast.expr) -> ast.expr | None:
    """p of `1 - p`."""
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Sub):
        return None
    one = node.left
    return node.right if isinstance(one, ast.Constant) and one.value == 1 else None


def _is_kept(source: ParsedFile, function: Function, test: ast.Compare) -> bool:
    """Whether the places where the test holds are what is left: it indexes or is multiplied with, as it is, at once or by its name."""
    uses = [_outermost(source, test)]
    statement = source.parents.get(uses[0])
    if isinstance(statement, ast.Assign) and isinstance(name := statement.targets[0], ast.Name):
        uses = [
            _outermost(source, part)
            for part in source.within(function, ast.Name)
            if part.id == name.id and isinstance(part.ctx, ast.Load)
        ]
    return bool(uses) and all(_keeps(source, use) for use in uses)


def _outermost(source: ParsedFile, node: ast.expr) -> ast.AST:
    """A mask with the conversions around it: `(rand < p).float()`."""
    inner: ast.AST = node
    for outer in source.around(node):
        converts = isinstance(outer, ast.Call) and called_name(outer) in AS_IT_IS
        if not converts and not (isinstance(outer, ast.Attribute) and outer.attr in AS_IT_IS):
            break
        inner = outer
    return inner


def _keeps(source: ParsedFile, use: ast.AST) -> bool:
    outer = source.parents.get(use)
    if isinstance(outer, ast.Tuple):
        use, outer = outer, source.parents.get(outer)
    if isinstance(outer, ast.Subscript):
        return outer.slice is use and isinstance(outer.ctx, ast.Load)
    return isinstance(outer, ast.BinOp) and isinstance(outer.op, ast.Mult)


RULE = Rule(kind=KIND, run=dropout_keeps_rate)
