"""Static rule: the rank of a target counts the target itself, and is then read as one that begins with 0."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy
from diagnosis.rules.evaluating import summed
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.places_from import number
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile
from diagnosis.rules.values import bindings
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="ranked-with-itself",
    found_by=FoundBy.RULE,
    title="The target is counted in its own rank",
    why="The best rank is then 1: no target is ever first, and the last place of the list counts as a miss.",
    definition="A count of scores that are not below that of the target, among them its own, whose rank is compared as `rank < k` or "
    "discounted by log2(rank + 2).",
)


def ranked_with_itself(source: ParsedFile) -> Iterator[RuleHit]:
    """`rank = (scores >= scores.gather(1, target)).sum(1)`, `hit = rank < k`"""
    for call in source.calls_named("sum", "count_nonzero"):
        counted = summed(call)
        if not isinstance(counted, ast.Compare) or len(counted.ops) != 1:
            continue
        larger, smaller = counted.left, counted.comparators[0]
        if isinstance(counted.ops[0], ast.LtE):
            larger, smaller = smaller, larger
        elif not isinstance(counted.ops[0], ast.GtE):
            continue
        statement = _statement(source, call)
        if statement is None or not _is_one_of(source, smaller, larger):
            continue
        name = dotted(statement.targets[0])
        if name and _is_direct(source, call, statement) and _begins_with_0(source, statement, name):
            yield source.hit(
                KIND.code,
                statement,
                f"counts the target itself, so that {name} is never 0, which {_reader(name)} takes for the first place: count with `>`",
            )


def _reader(name: str) -> str:
    return f"`{name} < k`"


def _statement(source: ParsedFile, call: ast.Call) -> ast.Assign | None:
    for outer in source.around(call):
        if isinstance(outer, ast.stmt):
            return outer if isinstance(outer, ast.Assign) and len(outer.targets) == 1 else None
    return None


def _is_direct(source: ParsedFile, call: ast.Call, statement: ast.Assign) -> bool:
    """Whether nothing is reckoned with the count before it gets its name: no 1 is taken off."""
    for outer in source.around(call):
        if outer is statement:
            return True
        if isinstance(outer, ast.BinOp):
            return False
    return False


def _is_one_of(source: ParsedFile, part: ast.expr, whole: ast.expr) -> bool:
    """Whether one side is the target's place of the other: `scores.gather(1, target)`, `scores[rows, target][:, None]`."""
    name = dotted(whole)
    if not name:
        return False
    for node in (part, *_bound(source, part)):
        if any(
            (isinstance(p, ast.Call) and called_name(p) in ("gather", "take_along_dim", "take_along_axis") and name in _read(p))
            or (isinstance(p, ast.Subscript) and isinstance(p.slice, ast.Tuple) and dotted(p.value) == name
                and not any(isinstance(e, ast.Slice) for e in p.slice.elts))
            for p in ast.walk(node)
        ) and not _is_put_aside(source, name, part):  # fmt: skip
            return True
    return False


def _bound(source: ParsedFile, node: ast.expr) -> list[ast.expr]:
    names = [p for p in ast.walk(node) if isinstance(p, ast.Name)]
    return [b.value for p in names for b in bindings(source, p.id, p) if b.position is None]


def _read(call: ast.Call) -> set[str]:
    own = [call.func.value] if isinstance(call.func, ast.Attribute) else []
    return {dotted(one) for one in (*own, *call.args)}


def _is_put_aside(source: ParsedFile, name: str, at: ast.expr) -> bool:
    """Whether the function sets some of these scores below all others, by places in two axes: perhaps the target's own."""
    function = source.function_of(at) or source.nodes[0]
    for statement in source.within(function, ast.Assign):
        for target in statement.targets:
            if (
                isinstance(target, ast.Subscript)
                and dotted(target.value) == name
                and isinstance(target.slice, ast.Tuple)
                and not any(isinstance(e, ast.Slice | ast.Constant) for e in target.slice.elts)
            ):
                return True
    puts = [f"{name}.{word}" for word in ("scatter", "scatter_", "index_put", "index_put_")]
    return any(dotted(c.func) in puts for c in source.calls_in(function))


def _begins_with_0(source: ParsedFile, statement: ast.Assign, name: str) -> bool:
    """Whether the rank is read as one that is 0 at best: `rank < k`, `log2(rank + 2)`, `1 / (rank + 1)`."""
    function = source.function_of(statement) or source.nodes[0]
    begin = source.places[statement]
    if any(
        isinstance(s.op, ast.Sub) and dotted(s.target) == name for s in source.within(function, ast.AugAssign)
    ):
        return False
    if any(
        any(dotted(p) == name for p in ast.walk(s.value))
        for s in source.within(function, ast.Assign)
        if source.places[s] > begin and name in map(dotted, s.targets)
    ):
        return False  # `rank = rank - 1`
    for part in source.within(function, ast.Compare):
        if source.places[part] > begin and dotted(part.left) == name and len(part.ops) == 1:
            if isinstance(part.ops[0], ast.Lt):
                return not isinstance(part.comparators[0], ast.BinOp)  # `rank < k + 1` begins with 1
            if isinstance(part.ops[0], ast.LtE):
                return False
    for part in source.within(function, ast.BinOp):
        if (
            source.places[part] > begin
            and isinstance(part.op, ast.Add)
            and dotted(part.left) == name
            and number(part.right) == 2
        ):
            return True
    return False


RULE = Rule(kind=KIND, run=ranked_with_itself)
