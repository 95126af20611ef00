"""Static rule: events that are held out for validation or test and stay in the training part."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.parts_of_data import Part, parts_named
from diagnosis.rules.places_from import number
from diagnosis.rules.refitted_on_all import refitted_on_all
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile
from diagnosis.rules.train_part_unread import train_part_unread
from diagnosis.rules.values import bindings, same
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="held-out-in-training",
    found_by=FoundBy.RULE,
    title="Held-out events are trained on",
    why="The model learns the very answers that it is asked for, so that its figures say nothing of new events.",
    definition="Of one sequence the training part is `x[:-k]`, and an event further from the end than k is held out; or one comparison of a column "
    "selects the training part, and another one, whose rows the first has too, a held-out part; or what was divided is trained on whole before a part of it is asked for, also where nothing reads the training part.",
    roles=(Role.LOADER,),
    sources=("arXiv:2010.11060",),
)
HELD_OUT = {Part.TEST, Part.VALID}
UNKNOWN = 1_000  # events that a name holds out
WINDOW = (
    20  # so many of the last events are a history, as is a number of them that has one of the names below
)
WINDOWS = ("len", "window", "hist", "context")
HOLDS = ("held", "holdout")
# What a model is given where it is asked for held-out events, or may not answer: events before them, which training has too.
GIVEN = {
    *("hist", "history", "histories", "input", "inputs", "in", "x", "seen", "known", "mask", "context", "prefix", "past"),
    *("query", "queries", "feed", "src", "source"),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True, eq=False)
class _Kept:
    """Where events of a sequence are kept. depth: how many of its last events are left out, or the place of the farthest one from
    the end that is held out.
    """

    node: ast.Assign | ast.Expr
    base: str
    depth: int


def held_out_in_training(source: ParsedFile) -> Iterator[RuleHit]:
    """`train[u] = items[:-1]` beside `valid[u] = items[-2]`; `train = log[log.rank > 1]` beside `valid = log[log.rank == 2]`."""
    kept = {n.id for n in source.within(source.nodes[0], ast.Name)}
    kept |= {n.attr for n in source.within(source.nodes[0], ast.Attribute)}
    if Part.TRAIN not in parts_named(word for word in kept if "tr" in word.lower()):
        return
    for function in (*source.functions, source.nodes[0]):
        train, held = _sequences(source, function)
        for one in train:
            left = max(other.depth for other in train if other.base == one.base)
            deepest = max(
                (h.depth for h in held if h.base == one.base and _go_together(source, one, h)), default=0
            )
            # Where another part leaves out enough, that one is trained on while these are held out, and this one afterwards.
            if deepest > left:
                yield source.hit(
                    KIND.code,
                    one.node,
                    "keeps events in training that are held out as well: leave out as many as are held out",
                )
        yield from _compared(source, function)
    for call, whole in train_part_unread(source):
        yield source.hit(
            KIND.code,
            call,
            f"trains on all of {whole}, and nothing reads the training part that was divided from it: give it that part",
        )
    for call, whole in refitted_on_all(source):
        yield source.hit(
            KIND.code,
            call,
            f"trains on all of {whole}, and is then judged by a part of it: give it the training part",
        )


def _is_given(name: str) -> bool:
    return bool(GIVEN & set(name.lower().split("_")))


def _sequences(source: ParsedFile, function: ast.AST) -> tuple[list[_Kept], list[_Kept]]:
    """What is kept of sequences for training, and what is held out of them."""
    train: list[_Kept] = []
    held: list[_Kept] = []
    for target, value, statement in _kept(source, function):
        parts = parts_named([target])
        if parts == {Part.TRAIN} and isinstance(value, ast.Subscript) and isinstance(value.slice, ast.Slice):
            cut = value.slice
            left = number(cut.upper) if cut.upper is not None else None
            if cut.lower is None and cut.step is None and left is not None and left < 0:
                train.append(_Kept(node=statement, base=ast.dump(value.value), depth=-left))
        elif _is_given(target):
            continue
        elif (parts and parts <= HELD_OUT) or any(word in target.lower() for word in HOLDS):
            for part in source.within(value, ast.Subscript):
                place = _held(source, part)
                if place is not None:
                    held.append(_Kept(node=statement, base=ast.dump(part.value), depth=place))
    return train, held


def _kept(source: ParsedFile, function: ast.AST) -> Iterator[tuple[str, ast.expr, ast.Assign | ast.Expr]]:
    """(name, value, statement) of what is assigned or appended in a function itself; tuples taken apart."""
    for statement in source.within(function, ast.Assign, ast.Expr):
        if (source.function_of(statement) or source.nodes[0]) is not function:
            continue
        if isinstance(statement, ast.Expr):
            call = statement.value
            if isinstance(call, ast.Call) and called_name(call) in ("append", "extend") and call.args:
                own = call.func.value if isinstance(call.func, ast.Attribute) else None
                yield _name(own), call.args[0], statement
            continue
        for target in statement.targets:
            if isinstance(target, ast.Tuple) and isinstance(statement.value, ast.Tuple):
                yield from ((_name(t), v, statement) for t, v in zip(target.elts, statement.value.elts))
            else:
                yield _name(target), statement.value, statement


def _name(target: ast.expr | None) -> str:
    while isinstance(target, ast.Subscript):
        target = target.value
    return dotted(target).rpartition(".")[2] if target is not None else ""


def _held(source: ParsedFile, part: ast.Subscript) -> int | None:
    """How far from the end what a part takes begins: 2 for `x[-2]` and `x[-2:]`; one that goes by a name, `x[len(x) - n + k]`, counts
    as far. None for the window of a history, `x[-50:]` and `x[-max_len:]`, and for anything else.
    """
    index = part.slice
    if isinstance(index, ast.Slice):
        index = index.lower if index.lower is not None and index.step is None else None
    if index is None:
        return None
    place = number(index)
    if place is not None:
        return -place if -WINDOW < place < 0 else None
    if isinstance(index, ast.UnaryOp) and isinstance(index.op, ast.USub) and dotted(index.operand):
        name = dotted(index.operand).rpartition(".")[2].lower()
        return None if any(word in name for word in WINDOWS) or name == "l" else UNKNOWN
    steps = [index]
    if isinstance(index, ast.Name):
        steps = [b.value for b in bindings(source, index.id, index)]
    for step in steps:
        for inner in ast.walk(step):
            if not isinstance(inner, ast.BinOp) or not isinstance(inner.op, ast.Sub):
                continue
            left = inner.left
            if not isinstance(left, ast.Call) or called_name(left) != "len" or not left.args:
                continue
            if same(_load(left.args[0]), _load(part.value)) and dotted(inner.right):
                return UNKNOWN
    return None


def _load(node: ast.expr) -> ast.AST:
    return ast.Constant(value=ast.unparse(node))


def _go_together(source: ParsedFile, train: _Kept, held: _Kept) -> bool:
    """Whether both statements run for the same sequence: one stands in the block of the other, or within it."""
    block = source.parents.get(train.node)
    inside = any(outer is block for outer in source.around(held.node))
    return inside and not _apart(source, train, held, block)


def _apart(source: ParsedFile, train: _Kept, held: _Kept, block: ast.AST | None) -> bool:
    """Whether they stand in the two branches of one `if`, or the branch of the training part ends its round."""
    if isinstance(block, ast.If):
        sides = [
            train.node in block.body,
            any(held.node in source.within(s, type(held.node)) for s in block.body),
        ]
        return sides[0] != sides[1] or isinstance(block.body[-1], ast.Continue | ast.Return)
    return False


def _compared(source: ParsedFile, function: ast.AST) -> Iterator[RuleHit]:
    """`train = log[place > 1]` beside `valid = log[place == 2]`, of one array of places."""
    found: list[tuple[set[Part], ast.Compare, ast.Assign]] = []
    for target, value, statement in _kept(source, function):
        parts = parts_named([target])
        mixed = Part.TRAIN in parts and len(parts) > 1
        if not parts or mixed or _is_given(target) or not isinstance(statement, ast.Assign):
            continue
        mask = value.slice if isinstance(value, ast.Subscript) else value
        if isinstance(mask, ast.Compare) and len(mask.ops) == 1 and number(mask.comparators[0]) is not None:
            found.append((parts, mask, statement))
    for parts, mask, statement in found:
        if parts != {Part.TRAIN}:
            continue
        for others, other, later in found:
            alike = others <= HELD_OUT and same(_load(mask.left), _load(other.left))
            beside = [one for named, one, _ in found if named == others and one is not other]
            if alike and any(_within(mask, other) and not _overlap(mask, one) for one in beside):
                continue  # what is held out, and once more with all that went before it
            if alike and _overlap(mask, other) and not _is_rebound(source, mask, statement, later):
                yield source.hit(
                    KIND.code,
                    statement,
                    f"`{ast.unparse(mask)}` keeps rows in training that `{ast.unparse(other)}` holds out",
                )
                break


def _is_rebound(source: ParsedFile, mask: ast.Compare, one: ast.Assign, other: ast.Assign) -> bool:
    """Whether what a comparison reads is another array where the other statement stands."""
    first, last = sorted((one.lineno, other.lineno))
    return any(
        first <= getattr(binding.node, "lineno", 0) < last and binding.node not in source.around(one)
        for name in ast.walk(mask.left)
        if isinstance(name, ast.Name)
        for binding in bindings(source, name.id, mask)
    )


def _overlap(one: ast.Compare, other: ast.Compare) -> bool:
    """Whether a whole number fits both comparisons."""
    ends = [number(one.comparators[0]) or 0, number(other.comparators[0]) or 0]
    values = range(max(0, min(ends) - 2), max(ends) + 3)
    return any(_fits(one, value) and _fits(other, value) for value in values)


def _within(one: ast.Compare, other: ast.Compare) -> bool:
    """Whether each whole number that fits the first comparison fits the second."""
    ends = [number(one.comparators[0]) or 0, number(other.comparators[0]) or 0]
    values = range(max(0, min(ends) - 2), max(ends) + 3)
    return all(_fits(other, value) for value in values if _fits(one, value))


def _fits(test: ast.Compare, value: int) -> bool:
    end, sign = number(test.comparators[0]) or 0, test.ops[0]
    if isinstance(sign, ast.Eq):
        return value == end
    if isinstance(sign, ast.NotEq):
        return value != end
    if isinstance(sign, ast.Lt | ast.LtE):
        return value < end or (isinstance(sign, ast.LtE) and value == end)
    if isinstance(sign, ast.Gt | ast.GtE):
        return value > end or (isinstance(sign, ast.GtE) and value == end)
    return False


RULE = Rule(kind=KIND, run=held_out_in_training)
