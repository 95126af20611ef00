"""Static rule: an evaluation that never sees the users of the last, smaller batch."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.judging import judges
from diagnosis.rules.parts_of_data import Part, parts_in
from diagnosis.rules.places_from import number
from diagnosis.rules.repeated import trains
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, Loop, ParsedFile, keyword
from diagnosis.rules.values import bindings, same
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="last-batch-unjudged",
    found_by=FoundBy.RULE,
    title="The last users are not evaluated",
    why="The users of the last batch, or all of a small data set, are in no figure, and which users these are depends on "
    "the batch size.",
    definition="An evaluation goes through a DataLoader with drop_last=True, or whose drop_last is true where nothing is shuffled, or "
    "through whole batches alone: `len(x) // batch_size` of them, or a range that ends before the last start.",
    roles=(Role.LOADER,),
)


Rounds = ast.For | ast.While | ast.ListComp | ast.GeneratorExp
LOADERS = ("DataLoader", "BatchSampler")


def last_batch_unjudged(source: ParsedFile) -> Iterator[RuleHit]:
    """`DataLoader(test_set, drop_last=True)`, `for i in range(len(users) // size)` around `users[i * size : ...]`, and
    `for i in range(0, len(users) - size + 1, size)`.
    """
    for call in source.calls:
        dropped = keyword(call, "drop_last") if called_name(call).endswith(LOADERS) else None
        if dropped is None:
            continue
        if _is_where_none_trains(call, dropped) or (_is_true(dropped) and _is_for_evaluation(source, call)):
            yield source.hit(
                KIND.code, dropped, "leaves the last users out of the evaluation: drop_last=False"
            )
    repo = source.repo
    for loop in source.within(source.nodes[0], ast.For, ast.While, ast.ListComp, ast.GeneratorExp):
        function = source.function_of(loop)
        if repo is None or function not in judges(repo) or function in trains(repo):
            continue
        size = _size(source, loop)
        if size is None or not _cuts_batches(source, loop, size):
            continue
        if not _has_rest(source, function, size) and not _takes_the_end(source, function, loop):
            yield source.hit(
                KIND.code,
                loop.iter if isinstance(loop, ast.For) else loop,
                "leaves the users after the last whole batch out of the evaluation: round up",
            )


def _size(source: ParsedFile, loop: Rounds) -> ast.expr | None:
    """The batch size of a loop through whole batches alone; None for other loops."""
    if isinstance(loop, ast.While):
        return _last_round(loop)
    inner = loop if isinstance(loop, ast.For) else loop.generators[0]
    return _whole_batches(source, inner) or _last_start(source, inner)


def _last_round(loop: ast.While) -> ast.expr | None:
    """The batch size of `while start + size <= n`, whose rounds end with `start += size`."""
    test = loop.test
    if not isinstance(test, ast.Compare) or not isinstance(test.ops[0], ast.LtE | ast.Lt) or loop.orelse:
        return None
    ahead = test.left
    if not isinstance(ahead, ast.BinOp) or not isinstance(ahead.op, ast.Add):
        return None
    goes = any(
        isinstance(s, ast.AugAssign) and _same_name(s.target, ahead.left) and same(s.value, ahead.right)
        for s in loop.body
    )
    return ahead.right if goes else None


def _same_name(one: ast.expr, other: ast.expr) -> bool:
    """Whether two names are the same, one of which is being set."""
    return bool(dotted(one)) and dotted(one) == dotted(other)


def _is_where_none_trains(call: ast.Call, dropped: ast.expr) -> bool:
    """`drop_last=not shuffle`, of a loader that has `shuffle=shuffle`: what is not shuffled is judged."""
    shuffled = keyword(call, "shuffle")
    return (
        isinstance(dropped, ast.UnaryOp)
        and isinstance(dropped.op, ast.Not)
        and isinstance(shuffled, ast.Name | ast.Attribute)
        and same(dropped.operand, shuffled)
    )


def _is_true(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is True


def _is_for_evaluation(source: ParsedFile, call: ast.Call) -> bool:
    """Whether a loader is an evaluation's: its function only judges, or it is made of test events and for nothing else."""
    repo, function = source.repo, source.function_of(call)
    found = parts_in(*call.args, *(k.value for k in call.keywords if k.arg in ("dataset", "sampler")))
    for outer in source.around(call):
        if isinstance(outer, Function | Loop):
            break
        if isinstance(outer, ast.Assign):
            found |= parts_in(*outer.targets) if not isinstance(outer.value, ast.Tuple) else set()
        if isinstance(outer, ast.Return) and function is not None:
            found |= parts_in(ast.Name(id=function.name, ctx=ast.Load()))
    if found:
        return Part.TRAIN not in found
    return (
        repo is not None
        and function in judges(repo)
        and function not in trains(repo)
        and _is_gone_through(source, call)
    )


def _is_gone_through(source: ParsedFile, call: ast.Call) -> bool:
    """Whether the function that makes a loader goes through it."""
    function = source.function_of(call)
    outer = source.parents.get(call)
    names = {dotted(t) for t in outer.targets} if isinstance(outer, ast.Assign) else set()
    return function is not None and any(
        node is call or (isinstance(node, ast.Name) and node.id in names)
        for loop in source.within(function, ast.For, ast.comprehension)
        for node in ast.walk(loop.iter)
    )


def _whole_batches(source: ParsedFile, loop: ast.For | ast.comprehension) -> ast.expr | None:
    """The batch size of `range(n // size)` or `range(int(n / size))`; None for other loops."""
    given = loop.iter
    while (
        isinstance(given, ast.Call)
        and called_name(given) in ("tqdm", "trange", "range", "int")
        and given.args
    ):
        given = given.args[0]
    if isinstance(given, ast.Name):
        found = bindings(source, given.id, given)
        given = found[0].value if len(found) == 1 and found[0].position is None else given
    if given is loop.iter or not isinstance(given, ast.BinOp):
        return None
    if isinstance(given.left, ast.BinOp) and isinstance(given.left.op, ast.Add | ast.Sub):
        return None  # `(n + size - 1) // size` rounds up
    return given.right if isinstance(given.op, ast.FloorDiv) else None


def _last_start(source: ParsedFile, loop: ast.For | ast.comprehension) -> ast.expr | None:
    """The batch size of `range(0, n - size + 1, size)` and `range(0, n - size, size)`; None for other loops."""
    given = loop.iter
    while isinstance(given, ast.Call) and called_name(given) in ("tqdm", "enumerate") and given.args:
        given = given.args[0]
    if not isinstance(given, ast.Call) or called_name(given) != "range" or len(given.args) != 3:
        return None
    _, end, size = given.args
    if isinstance(end, ast.Name):
        found = bindings(source, end.id, end)
        end = found[0].value if len(found) == 1 and found[0].position is None else end
    if isinstance(end, ast.BinOp) and isinstance(end.op, ast.Add) and number(end.right) == 1:
        end = end.left
    before = isinstance(end, ast.BinOp) and isinstance(end.op, ast.Sub) and same(end.right, size)
    return size if before or _is_rounded_down(end, size) else None


def _is_rounded_down(end: ast.expr, size: ast.expr) -> bool:
    """`n // size * size`"""
    if not isinstance(end, ast.BinOp) or not isinstance(end.op, ast.Mult):
        return False
    whole, other = (end.left, end.right) if isinstance(end.left, ast.BinOp) else (end.right, end.left)
    if not isinstance(whole, ast.BinOp) or not isinstance(whole.op, ast.FloorDiv):
        return False
    up = isinstance(whole.left, ast.BinOp) and isinstance(whole.left.op, ast.Add | ast.Sub)
    return same(whole.right, size) and same(other, size) and not up


def _takes_the_end(source: ParsedFile, function: ast.AST | None, loop: Rounds) -> bool:
    """Whether something beside the loop is read from a place to its end, as what is left over: `users[done:]`."""
    inside = {*source.within(loop, ast.Slice)}
    return function is not None and any(
        cut.upper is None and cut.lower is not None and number(cut.lower) is None and cut.step is None
        for cut in source.within(function, ast.Slice)
        if cut not in inside
    )


def _cuts_batches(source: ParsedFile, loop: Rounds, size: ast.expr) -> bool:
    """Whether the body takes slices that are as wide as a batch."""
    return any(
        any(same(part, size) for end in (cut.lower, cut.upper) if end is not None for part in ast.walk(end))
        for part_of in (loop.body if isinstance(loop, ast.For | ast.While) else [loop.elt])
        for cut in source.within(part_of, ast.Slice)
    )


def _has_rest(source: ParsedFile, function: ast.AST | None, size: ast.expr) -> bool:
    """Whether the function looks at what is left over: `n % size`."""
    return function is not None and any(
        isinstance(part.op, ast.Mod) and same(part.right, size) for part in source.within(function, ast.BinOp)
    )


RULE = Rule(kind=KIND, run=last_batch_unjudged)
