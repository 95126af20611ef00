"""Static rule: the list that is recommended, or judged, begins with the lowest scores."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.codebase import Codebase, once, returns
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.made_from import Value, endings
from diagnosis.rules.reach import contract
from diagnosis.rules.repeated import trains
from diagnosis.rules.rule import Rule
from diagnosis.rules.sense import RISING, sense
from diagnosis.rules.source import ParsedFile, is_false, keyword
from diagnosis.rules.tensor_calls import whole
from diagnosis.rules.values import bindings
from diagnosis.symptoms import UNTRAINED, WEAK
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="worst-ranked-first",
    found_by=FoundBy.RULE,
    title="The worst items are ranked first",
    why="The list holds the items that the model likes least, and every figure that is computed from it is that of the "
    "opposite model.",
    definition="Similarities, logits or probabilities are sorted in ascending order and the first are taken, or negated "
    "and the highest are taken.",
    roles=(Role.SCORING,),
)

SERVED = FindingKind(
    code="distance-served",
    found_by=FoundBy.RULE,
    title="A distance is given as the score",
    why="What is farthest comes first: the better the model has learned, the worse its lists are.",
    definition="The contract's `score` gives a distance, or its square, whose sign nothing turns.",
    roles=(Role.SCORING,),
    explains=("scores-inverted", "learns-backwards", "nothing-pushed-down", *UNTRAINED, *WEAK),
)

SORTS = {"argsort", "argpartition", "sort"}
TURNS = {"flip", "flipud", "fliplr", "reversed"}
# Calls that hand an order on.
KEEPS = {
    "cpu", "numpy", "detach", "tolist", "to", "long", "view", "reshape", "squeeze", "list", "array", "asarray", "tensor",
    "as_tensor", "from_numpy", "copy", "contiguous", "int", "astype", "item",
}  # fmt: skip
PLACES = {"log", "log2", "reciprocal"}
DEEPEST = 8


def worst_ranked_first(source: ParsedFile) -> Iterator[RuleHit]:
    """`np.argsort(scores)[:k]`, `topk(scores, k, largest=False)`, `topk(-scores, k)`, `sorted(items, key=score)[:k]`."""
    repo = source.repo
    for end in _distances(repo) if repo else ():
        if end.file.path == source.path:
            yield source.hit(
                SERVED.code,
                end.node,
                "gives a distance as the score, so that what is farthest comes first: turn its sign",
            )
    for call in source.calls if repo else ():
        name = called_name(call)
        if repo is None or name not in {*SORTS, "topk", "sorted", "nsmallest"}:
            continue
        if source.function_of(call) in trains(repo):
            continue
        if any(_is_worst(repo, source, call, lowest) for lowest in _lowest_taken(source, call, name)):
            yield source.hit(
                KIND.code, call, "takes the lowest scores first, where higher ones are better: turn the order"
            )


@once
def _distances(repo: Codebase) -> list[Value]:
    """The distances that `score` gives as they are, where the contract's functions are at hand."""
    found: dict[ast.AST, Value] = {}
    for _, score in contract(repo):
        for returned in returns(score):
            if sense(repo, score.file, returned) == -1:
                found |= {
                    end.node: end
                    for end in endings(repo, score.file, returned, RISING)
                    if not _is_turned_in_place(end)
                }
    return list(found.values())


def _is_turned_in_place(end: Value) -> bool:
    """Whether the function that makes a distance turns something where it stands, as by `neg_()`: perhaps the distance."""
    function = end.file.function_of(end.node)
    return any(
        end.file.function_of(c) is function
        for c in end.file.calls_named("neg_", "negative_", "mul_", "div_", "reciprocal_")
    )


def _lowest_taken(source: ParsedFile, call: ast.Call, name: str) -> Iterator[bool]:
    """For each place that takes the first elements: whether they are the lowest of what was sorted."""
    if name == "nsmallest":
        yield True
    elif name == "topk":
        largest = keyword(call, "largest")
        if largest is None or isinstance(largest, ast.Constant):
            yield is_false(largest)
    else:
        falling = keyword(call, "reverse") if name == "sorted" else keyword(call, "descending")
        if falling is None or isinstance(falling, ast.Constant):
            turned = falling is not None and not is_false(falling)
            for place in _orders(source, call, name):
                yield from _taken(source, place, turned, 0)


def _orders(source: ParsedFile, call: ast.Call, name: str) -> Iterator[ast.expr]:
    """The expressions that hold the order which a call finds: the call itself, or of torch's `sort` the second result."""
    if name != "sort":
        yield call
        return
    outer = source.parents.get(call)
    if (isinstance(outer, ast.Subscript) and whole(outer.slice) == 1) or (
        isinstance(outer, ast.Attribute) and outer.attr == "indices"
    ):
        yield outer
    elif isinstance(outer, ast.Assign) and isinstance(outer.targets[0], ast.Tuple):
        names = outer.targets[0].elts
        if len(names) == 2 and isinstance(names[1], ast.Name):
            yield from _reads(source, names[1])


def _reads(source: ParsedFile, name: ast.Name) -> list[ast.expr]:
    """Where a name is read that has one value only in its function."""
    if len(bindings(source, name.id, name)) != 1:
        return []
    around = source.function_of(name) or source.nodes[0]
    return [n for n in source.within(around, ast.Name) if n.id == name.id and isinstance(n.ctx, ast.Load)]


def _taken(source: ParsedFile, node: ast.expr, turned: bool, depth: int) -> Iterator[bool]:
    """Follows an order to where its first elements are taken. turned: the highest stand first."""
    outer = source.parents.get(node)
    if depth > DEEPEST or outer is None:
        return
    if isinstance(outer, ast.Subscript) and outer.value is node:
        yield from _cut(source, outer, turned, depth)
    elif isinstance(outer, ast.Attribute) or (isinstance(outer, ast.Call) and node in outer.args):
        call = source.parents.get(outer) if isinstance(outer, ast.Attribute) else outer
        if isinstance(call, ast.Call) and (call is outer or call.func is outer):
            name = called_name(call)
            if name == "argsort" and keyword(call, "descending") is None:
                yield from [not turned] * _is_place(source, call, 0)
            elif name in TURNS or name in KEEPS:
                yield from _taken(source, call, turned != (name in TURNS), depth + 1)
    elif isinstance(outer, ast.Assign) and isinstance(outer.targets[0], ast.Name):
        for read in _reads(source, outer.targets[0]):
            yield from _taken(source, read, turned, depth + 1)


def _cut(source: ParsedFile, part: ast.Subscript, turned: bool, depth: int) -> Iterator[bool]:
    last = part.slice.elts[-1] if isinstance(part.slice, ast.Tuple) and part.slice.elts else part.slice
    if not isinstance(last, ast.Slice):
        if not isinstance(part.slice, ast.Tuple):
            yield from _taken(source, part, turned, depth + 1)  # the row of one user
        return
    if last.step is not None:
        if whole(last.step) == -1 and last.lower is None:
            if last.upper is None:
                yield from _taken(source, part, not turned, depth + 1)
            else:
                yield turned  # `[:-k-1:-1]`
        return
    if last.lower is None and last.upper is not None and not _is_negative(last.upper):
        yield not turned
    elif last.upper is None and last.lower is not None and _is_negative(last.lower):
        yield turned


def _is_negative(node: ast.expr) -> bool:
    while isinstance(node, ast.BinOp):
        node = node.left
    return isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)


def _is_place(source: ParsedFile, node: ast.expr, depth: int) -> bool:
    """Whether ranks are read as places that begin with the best: compared with a length by `<`, or in a discount."""
    outer = source.parents.get(node)
    if depth > DEEPEST or outer is None:
        return False
    if isinstance(outer, ast.Compare):
        return outer.left is node and isinstance(outer.ops[0], ast.Lt | ast.LtE)
    if isinstance(outer, ast.Call) and node in outer.args and called_name(outer) in PLACES:
        return True
    if isinstance(outer, ast.BinOp) and isinstance(outer.op, ast.Div):
        return outer.right is node
    if isinstance(outer, ast.Assign) and isinstance(outer.targets[0], ast.Name):
        return any(_is_place(source, read, depth + 1) for read in _reads(source, outer.targets[0]))
    passes = isinstance(outer, ast.Subscript) and outer.value is node
    passes = passes or (isinstance(outer, ast.Call) and (called_name(outer) in KEEPS or outer.func is node))
    if passes or isinstance(outer, ast.Attribute | ast.BinOp):
        return _is_place(source, outer, depth + 1) if isinstance(outer, ast.expr) else False
    return False


def _is_worst(repo: Codebase, source: ParsedFile, call: ast.Call, lowest: bool) -> bool:
    ranked = _ranked(source, call)
    if ranked is None or sense(repo, source, ranked) != (1 if lowest else -1):
        return False
    served = {end.node for end in _distances(repo)}  # these are told where they are made
    return not served or lowest or not served & {e.node for e in endings(repo, source, ranked, RISING)}


def _ranked(source: ParsedFile, call: ast.Call) -> ast.expr | None:
    """The scores by which a call sorts."""
    key = keyword(call, "key")
    if called_name(call) in ("sorted", "nsmallest"):
        if isinstance(key, ast.Lambda):
            return key.body
        return key.value if isinstance(key, ast.Attribute) and key.attr in ("__getitem__", "get") else None
    own = call.func.value if isinstance(call.func, ast.Attribute) else None
    if own is None or dotted(own).partition(".")[0] in source.imports:
        return call.args[0] if call.args else keyword(call, "input")
    return own


RULE = Rule(kind=KIND, beside=(SERVED,), run=worst_ranked_first)
