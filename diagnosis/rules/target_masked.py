"""Static rule: an evaluation masks the item that it looks for, or the columns beside those that it means."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy
from diagnosis.rules.held_out_masked import given_twice, given_whole, held_out_masked
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.places_from import number
from diagnosis.rules.repeated import repo_of
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, ParsedFile
from diagnosis.rules.tensor_calls import amount
from diagnosis.rules.values import How, bindings, origins, same
from diagnosis.syntax import called_name, dotted

TARGET = FindingKind(
    code="target-masked",
    found_by=FoundBy.RULE,
    title="The target is masked",
    why="The item that the evaluation looks for has the lowest score of all, so that it is never found.",
    definition="The scores of a whole history are set to -inf, whose last item is the target, or those of the target itself; or a call hands "
    "one part of the data over both to be looked for and to be hidden.",
)
COLUMNS = FindingKind(
    code="mask-beside-columns",
    found_by=FoundBy.RULE,
    title="The mask is one column off",
    why="What the user has stays a candidate, and the items beside it, the target perhaps among them, are hidden.",
    definition="Scores are set to -inf at ids shifted by one, while padding is masked at column 0, or the target is read at "
    "its id itself.",
)

LOWEST = -1e4  # scores below this are masked on purpose
ALIKE = {"list", "set", "array", "asarray", "tensor", "LongTensor", "as_tensor", "unique"}


def target_masked(source: ParsedFile) -> Iterator[RuleHit]:
    """`target = items[-1]` with `scores[items] = -inf`"""
    for place, held in held_out_masked(repo_of(source), source):
        yield source.hit(
            TARGET.code,
            place,
            f"masks {held} too, which is looked for: mask what the user had before it",
        )
    for call, part in given_whole(repo_of(source), source):
        yield source.hit(
            TARGET.code,
            call,
            f"hands over as seen the log that {part} was cut from, so that its items are hidden",
        )
    for call, part in given_twice(repo_of(source), source):
        yield source.hit(
            TARGET.code,
            call,
            f"hands over {part} both to be looked for and to be hidden: hide what the user had before",
        )
    for statement, store in _masks(source):
        index = _last(store.slice)
        while isinstance(index, ast.Call) and called_name(index) in ALIKE and len(index.args) == 1:
            index = index.args[0]
        function = source.function_of(statement)
        if function is not None and _is_target_itself(source, function, statement, index):
            yield source.hit(
                TARGET.code,
                statement,
                "masks the target itself: mask what the user had before, and leave the target",
            )
            continue
        if not isinstance(index, ast.Name) or function is None:
            continue
        if _is_looked_for(source, function, statement, index):
            yield source.hit(
                TARGET.code,
                statement,
                f"masks the target too, which is the last of {index.id}: mask {index.id}[:-1]",
            )


def _is_target_itself(source: ParsedFile, function: Function, mask: ast.Assign, index: ast.expr) -> bool:
    """Whether the very expression that is masked is then looked for in the list: `target in top`, `top == target[:, None]`."""
    if isinstance(index, ast.Constant | ast.Slice | ast.UnaryOp) or not dotted(
        getattr(index, "value", index)
    ):
        return False
    for test in source.within(function, ast.Compare):
        if test.lineno <= mask.lineno or not isinstance(test.ops[0], ast.In | ast.Eq):
            continue
        if isinstance(test.ops[0], ast.In):
            wanted = [test.left]
        else:
            wanted = [test.left, test.comparators[0]]
        if any(_is_read_as(part, index) for part in wanted) and _is_of_best(source, function, test, index):
            return True
    return False


def _is_read_as(node: ast.expr, index: ast.expr) -> bool:
    """Whether an expression is another one, but for how it is laid out: `target[:, None]`, `target.view(-1, 1)`."""
    while not same(node, index):
        if isinstance(node, ast.Subscript):
            node = node.value
        elif isinstance(node, ast.Call) and called_name(node) in (
            "view",
            "unsqueeze",
            "reshape",
            "item",
            "int",
        ):
            node = node.func.value if isinstance(node.func, ast.Attribute) else node.args[0]
        else:
            return False
    return True


def _is_of_best(source: ParsedFile, function: Function, test: ast.Compare, index: ast.expr) -> bool:
    """Whether the other side of a comparison is a list of the best items."""
    sides = [side for side in (test.left, *test.comparators) if not _is_read_as(side, index)]
    steps = [step for side in sides for count, step in enumerate(origins(source, side)) if count < 3]
    return any(
        called_name(call) in ("topk", "argsort", "argpartition")
        for step in steps
        for call in source.within(step, ast.Call)
    )


def mask_beside_columns(source: ParsedFile) -> Iterator[RuleHit]:
    """`scores[:, 0] = -inf` with `scores[row, seen - 1] = -inf`"""
    masks = list(_masks(source))
    for statement, store in masks:
        function, scores = source.function_of(statement), dotted(store.value)
        if function is None or not _is_shifted(_last(store.slice)):
            continue
        others = [s for t, s in masks if source.function_of(t) is function and t is not statement]
        padded = any(number(_last(s.slice)) == 0 for s in others)
        if padded or _target_read_at_its_id(source, function, scores):
            yield source.hit(
                COLUMNS.code,
                statement,
                "masks the columns beside the items that it means: ids are columns here",
            )


def _masks(source: ParsedFile) -> Iterator[tuple[ast.Assign, ast.Subscript]]:
    """The statements that set some scores to a very low number."""
    for statement in source.within(source.nodes[0], ast.Assign):
        value = amount(statement.value)
        for target in statement.targets:
            if isinstance(target, ast.Subscript) and value is not None and value <= LOWEST:
                yield statement, target


def _last(index: ast.expr) -> ast.expr:
    """The index of columns."""
    return index.elts[-1] if isinstance(index, ast.Tuple) and index.elts else index


def _is_shifted(index: ast.expr) -> bool:
    """`seen - 1`"""
    plus_minus = isinstance(index, ast.BinOp) and isinstance(index.op, ast.Add | ast.Sub)
    return plus_minus and isinstance(index, ast.BinOp) and number(index.right) == 1


def _is_looked_for(source: ParsedFile, function: Function, mask: ast.Assign, items: ast.Name) -> bool:
    """Whether the last of some items was taken as a target, the items are whole at the mask, and the target is judged."""
    names = [b for b in bindings(source, items.id, items) if b.how is How.ASSIGNED]
    for statement in source.within(function, ast.Assign):
        value = statement.value
        if (
            not isinstance(value, ast.Subscript)
            or dotted(value.value) != items.id
            or number(value.slice) != -1
        ):
            continue
        if statement.lineno > mask.lineno or any(b.value.lineno > statement.lineno for b in names):
            continue
        target = dotted(statement.targets[0])
        if target and _is_judged(source, function, mask, target):
            return True
    return False


def _is_judged(source: ParsedFile, function: Function, mask: ast.Assign, target: str) -> bool:
    """Whether a target is searched for, or its score read, after the mask."""
    for test in source.within(function, ast.Compare):
        sides = (test.left, *test.comparators)
        if test.lineno > mask.lineno and any(dotted(part) == target for s in sides for part in ast.walk(s)):
            return True
    return False


def _target_read_at_its_id(source: ParsedFile, function: Function, scores: str) -> bool:
    """`scores > scores[rows, target]`"""
    reads = [
        part
        for part in source.within(function, ast.Subscript)
        if isinstance(part.ctx, ast.Load)
        and dotted(part.value) == scores
        and isinstance(_last(part.slice), ast.Name)
    ]
    compared = [side for c in source.within(function, ast.Compare) for side in (c.left, *c.comparators)]
    return any(same(read, part) for read in reads for side in compared for part in ast.walk(side))


RULE = Rule(kind=TARGET, run=target_masked)
COLUMNS_RULE = Rule(kind=COLUMNS, run=mask_beside_columns)
