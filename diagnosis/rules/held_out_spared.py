"""Static rule: a training sampler that never draws what is held out, and so tells the model the answers by what it omits."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.codebase import Codebase
from diagnosis.rules.draws import is_draw
from diagnosis.rules.draws_rejected import samples_for_training
from diagnosis.rules.held_tables import spared_by_tables
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.parts_of_data import Part, parts_in
from diagnosis.rules.rule import Rule
from diagnosis.rules.sampler_of_all import made_of_whole_log
from diagnosis.rules.source import Function, ParsedFile
from diagnosis.rules.values import How, bindings
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="held-out-never-drawn",
    found_by=FoundBy.RULE,
    title="Held-out items are never negatives",
    why="All other items are pushed down for a user but the one that is looked for, which then ranks high without being learned.",
    definition="A sampler of the training rejects what is in the validation or test events, or draws from a set that they were taken from; or it is "
    "made of the whole log, which is divided elsewhere, to know what it may not draw.",
    roles=(Role.NEGATIVES,),
    explains=("overconfidence",),
    sources=(
        "github.com/Zhangcx19/IJCAI-23-PFedRec/issues/3",
        "github.com/yihong-chen/neural-collaborative-filtering/issues/22",
    ),
)
HELD_OUT = {Part.TEST, Part.VALID}
MESSAGE = "spares what is held out, so that the model is told the answers: leave out training events alone"


def held_out_never_drawn(source: ParsedFile) -> Iterator[RuleHit]:
    """`while j in train[u] or j in test[u]: j = randint(n)` in a training sampler; `pool - train - test` that it draws from."""
    repo = source.repo
    if repo is not None:
        for call in made_of_whole_log(repo, source):
            yield source.hit(KIND.code, call, MESSAGE)
        for asked in spared_by_tables(repo, source):
            yield source.hit(KIND.code, asked, MESSAGE)
    if repo is None or not any(is_draw(source, call) for call in source.calls):
        return
    for function in source.functions:
        if samples_for_training(repo, source, function):
            yield from _rejected(source, function)
    for part in source.within(source.nodes[0], ast.BinOp):
        inner = isinstance(source.parents.get(part), ast.BinOp) and isinstance(
            getattr(source.parents.get(part), "op", None), ast.Sub
        )
        if (
            isinstance(part.op, ast.Sub)
            and not inner
            and _takes_held_out(source, part)
            and _is_pool(repo, source, part)
        ):
            yield source.hit(KIND.code, part, MESSAGE)


def _rejected(source: ParsedFile, function: Function) -> Iterator[RuleHit]:
    """Loops that draw again what is held out."""
    for loop in source.within(function, ast.While):
        if not any(is_draw(source, call) for call in source.calls_in(*loop.body)):
            continue
        tests = [loop.test, *(b.test for s in loop.body for b in source.within(s, ast.If))]
        if any(_asks_held_out(source, test) for test in tests):
            yield source.hit(KIND.code, loop, MESSAGE)


def _asks_held_out(source: ParsedFile, test: ast.expr) -> bool:
    """`j in test[u]`, or `j == wanted` where that is a held-out event; whatever is asked beside it."""
    for part in source.within(test, ast.Compare):
        if len(part.ops) != 1:
            continue
        side = part.comparators[0]
        if isinstance(part.ops[0], ast.In | ast.Eq) and _is_held_out(source, side):
            return True
    return False


def _is_held_out(source: ParsedFile, node: ast.expr) -> bool:
    """Whether a value is called after held-out events alone, by its own name or by what it was taken from."""
    if parts_in(node):
        return bool(parts_in(node) & HELD_OUT) and Part.TRAIN not in parts_in(node)
    if _joins_held_out(source, node):
        return True
    if not isinstance(node, ast.Name):
        return False
    values = [b.value for b in bindings(source, node.id, node) if b.how is How.ASSIGNED]
    return bool(values) and all(
        parts_in(value) & HELD_OUT and Part.TRAIN not in parts_in(value) for value in values
    )


def _joins_held_out(source: ParsedFile, node: ast.expr) -> bool:
    """Whether what is asked is a table of sets to which held-out events were added: `self.known = {u: set(train[u]) | {test[u]} for u in train}`."""
    table = node.value if isinstance(node, ast.Subscript) else node
    if not dotted(table) or parts_in(table):
        return False
    found = bindings(source, dotted(table), table)
    made = found[0].value if len(found) == 1 and found[0].how is How.ASSIGNED else None
    value = made.value if isinstance(made, ast.DictComp) else None
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.BitOr):
        sides = [value.left, value.right]
    elif isinstance(value, ast.Call) and called_name(value) == "union":
        sides = [*value.args, *([value.func.value] if isinstance(value.func, ast.Attribute) else [])]
    else:
        return False
    told = [parts_in(side) for side in sides]
    return any(Part.TRAIN in one for one in told) and any(one and one <= HELD_OUT for one in told)


def _takes_held_out(source: ParsedFile, node: ast.BinOp) -> bool:
    """Whether sets are subtracted, of which one is held out: `pool - train[u] - {test[u]}`."""
    right: list[ast.expr] = []
    left: ast.expr = node
    while isinstance(left, ast.BinOp) and isinstance(left.op, ast.Sub):
        right.append(left.right)
        left = left.left
    sets = (ast.Set, ast.SetComp, ast.Name, ast.Attribute, ast.Subscript)
    if parts_in(left) & HELD_OUT or not all(isinstance(part, sets) or _makes_set(part) for part in right):
        return False
    surely = any(isinstance(part, ast.Set | ast.SetComp) or _makes_set(part) for part in (left, *right))
    return surely and any(_is_held_out(source, part) for part in right)


def _makes_set(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and called_name(node) in ("set", "frozenset")


def _is_pool(repo: Codebase, source: ParsedFile, node: ast.BinOp) -> bool:
    """Whether what is left is drawn from while training: in the function itself, or under the name of an attribute."""
    function = source.function_of(node)
    if function is not None and samples_for_training(repo, source, function):
        return True
    statement = next((outer for outer in source.around(node) if isinstance(outer, ast.Assign)), None)
    name = dotted(statement.targets[0]) if statement is not None else ""
    return name.startswith("self.") and any(
        samples_for_training(repo, source, other)
        and any(dotted(part) == name for call in source.calls_in(other) for part in ast.walk(call))
        for other in source.functions
        if other is not function
    )


RULE = Rule(kind=KIND, run=held_out_never_drawn)
