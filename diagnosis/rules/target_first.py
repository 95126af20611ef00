"""Static rule: the target is always the first candidate, and ties count in its favour."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy
from diagnosis.rules.discount import statement_of
from diagnosis.rules.draws import is_draw
from diagnosis.rules.evaluating import evaluators, is_count_above, ranks, summed
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.judging import judges, kept_for_judges, made_for_judges
from diagnosis.rules.places_from import number
from diagnosis.rules.repeated import repo_of
from diagnosis.rules.resampled import examples_of_evaluation
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, ParsedFile
from diagnosis.rules.values import bindings, names_in, origins, same
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="target-always-first",
    found_by=FoundBy.RULE,
    title="Target always the first candidate",
    why="Where scores are equal a sort keeps the order, so that a model that scores everything alike is never wrong.",
    definition="A list of candidates that begins with the target and goes on with drawn items is ranked by sorting.",
    sources=("github.com/pmixer/SASRec.pytorch/issues/43",),
)

JOINS = {"concatenate", "cat", "hstack", "concat", "column_stack", "append"}
MIXES = {"permutation", "shuffle", "randperm", "permuted"}
NEGATIVE = ("neg", "distract", "unseen", "candidate", "other")


def target_always_first(source: ParsedFile) -> Iterator[RuleHit]:
    """Lists such as `[target] + negatives`, in a file that ranks by sorting and never counts ties against the target."""
    repo = repo_of(source)
    judging = evaluators(source) | made_for_judges(source, repo)
    judging |= kept_for_judges(source, judging) | examples_of_evaluation(
        source, ("__getitem__", "__iter__", "__init__")
    )
    everywhere = [(source, f) for f in evaluators(source)]
    everywhere += [(d.file, d.node) for d in judges(repo).values() if isinstance(d.node, Function)]
    if not any(ranks(file, f) for file, f in everywhere) or _counts_ties(everywhere):
        return
    counted = list(_counts_above_first(source, judging))
    for call in counted:
        yield source.hit(
            KIND.code,
            statement_of(source, call),
            "counts only what scores more than the target, which wins every tie: count what scores as much, too",
        )
    for function in source.functions if not counted else ():
        named = "cand" in function.name.lower()
        if function not in judging and not named:
            continue
        if any(called_name(c) in MIXES for c in source.calls_in(function)):
            continue
        for node in _lists(source, function):
            yield source.hit(
                KIND.code,
                statement_of(source, node),
                "the target is always the first candidate and wins every tie: shuffle them, or count ties against it",
            )
            break


def _counts_above_first(source: ParsedFile, judging: frozenset[Function]) -> Iterator[ast.Call]:
    """`(scores[:, 1:] > scores[:, :1]).sum(1)` in an evaluation: the rank of the first among some candidates."""
    for call in source.calls_named("sum", "count_nonzero"):
        inner = summed(call) if is_count_above(call) and source.function_of(call) in judging else None
        if not isinstance(inner, ast.Compare) or not isinstance(inner.ops[0], ast.Gt | ast.Lt):
            continue
        more, own = inner.left, inner.comparators[0]
        if isinstance(inner.ops[0], ast.Lt):
            more, own = own, more
        if isinstance(more, ast.Subscript) and isinstance(own, ast.Subscript) and same(more.value, own.value):
            others, first = _last(more), _last(own)
            rest = isinstance(others, ast.Slice) and others.upper is None and number(others.lower) == 1
            head = number(first) == 0 or (
                isinstance(first, ast.Slice) and first.lower is None and number(first.upper) == 1
            )
            if rest and head:
                yield call


def _counts_ties(judging: list[tuple[ParsedFile, Function]]) -> bool:
    """Whether a rank counts candidates that score the same: `(scores >= scores[0]).sum()`."""
    return any(
        isinstance(part, ast.Compare) and isinstance(part.ops[0], ast.GtE | ast.LtE | ast.Eq)
        for file, f in judging
        for call in file.calls_in(f)
        if is_count_above(call) or (called_name(call) == "sum" and _is_compared(file, call))
        for part in ast.walk(call)
    )


def _is_compared(file: ParsedFile, call: ast.Call) -> bool:
    """Whether parts of one array are compared: `scores >= scores[0]`, `others == own` of `others, own = scores[:, 1:], scores[:, :1]`."""
    inner = summed(call)
    if not isinstance(inner, ast.Compare):
        return False
    if isinstance(inner.comparators[0], ast.Subscript):
        return True
    left, right = (_cut_from(file, side) for side in (inner.left, inner.comparators[0]))
    return bool(left) and left == right


def _cut_from(file: ParsedFile, node: ast.expr) -> str:
    """The name of the array that a name is bound to a part of; "" where it is none."""
    found = bindings(file, node.id, node) if isinstance(node, ast.Name) else []
    if len(found) != 1:
        return ""
    value, position = found[0].value, found[0].position
    if position is not None and isinstance(value, ast.Tuple) and position < len(value.elts):
        value = value.elts[position]
    return dotted(value.value) if isinstance(value, ast.Subscript) else ""


def _lists(source: ParsedFile, function: Function) -> Iterator[ast.expr]:
    for node in source.within(function, ast.BinOp, ast.List, ast.Call, ast.Assign):
        if _are_labels_in_order(node):
            yield node
            continue
        if isinstance(node, ast.BinOp):
            first = node.left if isinstance(node.op, ast.Add) and _is_single(node.left) else None
            rest: ast.expr | None = node.right
        elif isinstance(node, ast.List):
            starred = len(node.elts) == 2 and isinstance(node.elts[1], ast.Starred)
            first, rest = (node.elts[0], node.elts[1]) if starred else (None, None)
        elif isinstance(node, ast.Call):
            first, rest = _joined(node)
        else:
            if _is_filled(source, function, node):
                yield node.value
            elif _heads_row(source, function, node):
                yield node.targets[0]
            continue
        if (
            first is not None
            and rest is not None
            and _is_drawn(source, rest)
            and not _is_drawn(source, first)
            and not _are_places(first)
        ):
            yield node


def _are_labels_in_order(node: ast.AST) -> bool:
    """`[1] * len(answers) + [0] * len(others)`: who is right stands first."""
    sides = (node.left, node.right) if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add) else ()
    told = []
    for side in sides:
        if isinstance(side, ast.BinOp) and isinstance(side.op, ast.Mult) and isinstance(side.left, ast.List):
            told += [number(one) for one in side.left.elts]
    return told == [1, 0]


def _are_places(node: ast.expr) -> bool:
    """Whether items come first that a condition chose, of which there may be many: `np.flatnonzero(scores > cut)`."""
    return isinstance(node, ast.Call) and called_name(node) in (
        "flatnonzero",
        "nonzero",
        "argwhere",
        "where",
        "arange",
    )


def _is_single(node: ast.expr) -> bool:
    return isinstance(node, ast.List) and len(node.elts) == 1 and not isinstance(node.elts[0], ast.Starred)


def _joined(call: ast.Call) -> tuple[ast.expr | None, ast.expr | None]:
    """The first and the second of two things that a call puts one after the other."""
    name = called_name(call)
    if name == "insert" and len(call.args) >= 2:
        if len(call.args) == 2 and isinstance(call.func, ast.Attribute) and number(call.args[0]) == 0:
            return call.args[1], call.func.value
        return (
            (call.args[2], call.args[0]) if len(call.args) > 2 and number(call.args[1]) == 0 else (None, None)
        )
    if name not in JOINS or not call.args:
        return None, None
    if name == "append":
        return (call.args[0], call.args[1]) if len(call.args) > 1 else (None, None)
    parts = call.args[0].elts if isinstance(call.args[0], ast.Tuple | ast.List) else []
    return (parts[0], parts[1]) if len(parts) == 2 else (None, None)


def _is_drawn(source: ParsedFile, node: ast.expr) -> bool:
    """Whether a value was drawn at random, or its author calls it negative."""
    if any(word in dotted(name).lower() for name in names_in(node) for word in NEGATIVE):
        return True
    whole = _whole(node)
    if isinstance(whole, ast.Name):  # `items = negatives[row]`
        taken = [
            _whole(b.value) for b in bindings(source, whole.id, whole) if isinstance(b.value, ast.Subscript)
        ]
        if any(word in dotted(one).lower() for one in taken for word in NEGATIVE):
            return True
    return any(
        is_draw(source, call)
        for step in origins(source, _whole(node))
        for call in source.within(step, ast.Call)
    )


def _whole(node: ast.expr) -> ast.expr:
    """What an expression takes its element from: whose place was drawn, as `test[user]`, was not drawn itself."""
    while isinstance(node, ast.Subscript | ast.List) and (isinstance(node, ast.Subscript) or node.elts):
        node = node.value if isinstance(node, ast.Subscript) else node.elts[0]
    return node


def _is_filled(source: ParsedFile, function: Function, statement: ast.Assign) -> bool:
    """`items = [target]`, to which a loop then appends what it draws."""
    if not _is_single(statement.value) or _is_drawn(source, statement.value):
        return False
    name = dotted(statement.targets[0])
    return bool(name) and any(
        called_name(call) in ("append", "extend")
        and isinstance(call.func, ast.Attribute)
        and dotted(call.func.value) == name
        and call.args
        and _is_drawn(source, call.args[0])
        for call in source.calls_in(function)
    )


def _heads_row(source: ParsedFile, function: Function, statement: ast.Assign) -> bool:
    """`lists[row, 0] = target`, where `lists[row, 1:]` is what was drawn."""
    first = statement.targets[0]
    if (
        not isinstance(first, ast.Subscript)
        or number(_last(first)) != 0
        or _is_drawn(source, statement.value)
    ):
        return False
    for other in source.within(function, ast.Assign):
        rest = other.targets[0]
        cut = _last(rest) if isinstance(rest, ast.Subscript) else None
        beside = isinstance(rest, ast.Subscript) and dotted(rest.value) == dotted(first.value) != ""
        if (
            beside
            and isinstance(cut, ast.Slice)
            and number(cut.lower) == 1
            and _is_drawn(source, other.value)
        ):
            return True
    return False


def _last(part: ast.Subscript) -> ast.expr:
    """The index along the last axis."""
    return part.slice.elts[-1] if isinstance(part.slice, ast.Tuple) and part.slice.elts else part.slice


RULE = Rule(kind=KIND, run=target_always_first)
