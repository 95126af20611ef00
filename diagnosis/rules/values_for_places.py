"""Static rule: the best scores are used where the ids of the best items belong."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.codebase import Codebase
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.rule import Rule
from diagnosis.rules.sense import sense
from diagnosis.rules.source import ParsedFile, keyword
from diagnosis.rules.tensor_calls import Operation, operation, whole
from diagnosis.syntax import called_name

KIND = FindingKind(
    code="values-taken-for-ids",
    found_by=FoundBy.RULE,
    title="Scores taken for items",
    why="`topk`, `max` and `sort` give the values first and their places second; scores that are compared with ids meet "
    "none of them, and as indices they are cut to whole numbers.",
    definition="The first result of a `topk`, or of a `max` or `sort` of scores, is an index, is searched for ids, or is "
    "compared with a column of ids, while the second is never read.",
    roles=(Role.SCORING,),
)

PAIRS = {"topk", "max", "sort"}
KEEPS = {
    "cpu",
    "numpy",
    "detach",
    "tolist",
    "to",
    "view",
    "reshape",
    "squeeze",
    "long",
    "int",
    "flatten",
    "item",
    "contiguous",
}
INDEXED_BY = {"gather": 2, "index_select": 2, "take_along_dim": 1, "embedding": 0}
SETS = {"set", "isin", "in1d"}
DEEPEST = 5


def values_taken_for_ids(source: ParsedFile) -> Iterator[RuleHit]:
    """`top, _ = scores.topk(k)` with `target in top`; `scores.topk(k)[0]` or `.values` as an index."""
    repo = source.repo
    for call in source.calls_named(*PAIRS) if repo else ():
        if repo is None:
            continue
        done = operation(repo, source, call)
        if done is None or not _gives_a_pair(repo, source, done):
            continue
        if any(_is_taken_for_id(source, value, 0) for value in _first_results(source, call)):
            yield source.hit(
                KIND.code,
                call,
                f"takes the values of {done.name} where the ids belong, which are its second result",
            )


def _gives_a_pair(repo: Codebase, source: ParsedFile, done: Operation) -> bool:
    """Whether an operation returns values and places, of scores; the greatest of some ids is an id."""
    if not done.values or source.full_name(done.call).startswith(("numpy.", "scipy.")):
        return False
    if done.name == "topk":
        return True
    scores, *others = done.values
    if done.name == "max" and whole(keyword(done.call, "dim") or (others or [None])[0]) is None:
        return False
    return sense(repo, source, scores) != 0


def _first_results(source: ParsedFile, call: ast.Call) -> Iterator[ast.expr]:
    """Where the values are read, if the places never are."""
    outer = source.parents.get(call)
    if isinstance(outer, ast.Subscript) and outer.value is call and whole(outer.slice) == 0:
        yield outer
    elif isinstance(outer, ast.Attribute) and outer.attr == "values":
        if not isinstance(source.parents.get(outer), ast.Call) or not _is_called(source, outer):
            yield outer
    elif isinstance(outer, ast.Assign) and isinstance(outer.targets[0], ast.Tuple):
        names = outer.targets[0].elts
        if len(names) == 2 and not _reads(source, names[1]):
            yield from _reads(source, names[0])


def _is_called(source: ParsedFile, node: ast.expr) -> bool:
    outer = source.parents.get(node)
    return isinstance(outer, ast.Call) and outer.func is node


def _reads(source: ParsedFile, name: ast.expr) -> list[ast.expr]:
    """Where a name is read in its function."""
    around = source.function_of(name) or source.nodes[0]
    wanted = getattr(name, "id", "")
    return [n for n in source.within(around, ast.Name) if n.id == wanted and isinstance(n.ctx, ast.Load)]


def _is_taken_for_id(source: ParsedFile, node: ast.expr, depth: int) -> bool:
    outer = source.parents.get(node)
    if outer is None or depth > DEEPEST:
        return False
    if isinstance(outer, ast.Tuple):
        outer, node = source.parents.get(outer), outer
    if isinstance(outer, ast.Subscript):
        return outer.slice is node or _is_taken_for_id(source, outer, depth + 1)
    if isinstance(outer, ast.Compare):
        return _is_compared_with_ids(outer, node)
    if isinstance(outer, ast.For | ast.comprehension):
        return any(_is_taken_for_id(source, read, depth + 1) for read in _elements(source, outer, node))
    if isinstance(outer, ast.Call) and node in outer.args:
        loop = source.parents.get(outer)
        if called_name(outer) in ("zip", "enumerate") and isinstance(loop, ast.For | ast.comprehension):
            return any(_is_taken_for_id(source, read, depth + 1) for read in _elements(source, loop, node))
        return _is_index_of(outer, node)
    if isinstance(outer, ast.Attribute):
        call = source.parents.get(outer)
        kept = isinstance(call, ast.Call) and call.func is outer and outer.attr in KEEPS
        return kept and isinstance(call, ast.expr) and _is_taken_for_id(source, call, depth + 1)
    if isinstance(outer, ast.Assign) and isinstance(outer.targets[0], ast.Name):
        name = outer.targets[0]
        again = [n for n in _reads(source, name) if source.places[n] > source.places[outer]]
        return any(_is_taken_for_id(source, read, depth + 1) for read in again)
    return False


def _is_index_of(call: ast.Call, node: ast.expr) -> bool:
    name = called_name(call)
    if name in SETS:
        return True
    place = INDEXED_BY.get(name)
    method = isinstance(call.func, ast.Attribute) and name in ("gather", "index_select")
    return place is not None and call.args.index(node) in {place, place - method}


def _is_compared_with_ids(test: ast.Compare, node: ast.expr) -> bool:
    """`target in top`, or `top == target[:, None]`."""
    operator, other = test.ops[0], test.comparators[0]
    if isinstance(operator, ast.In | ast.NotIn):
        return other is node
    if not isinstance(operator, ast.Eq):
        return False
    other = test.left if other is node else other
    if isinstance(other, ast.Subscript):
        parts = other.slice.elts if isinstance(other.slice, ast.Tuple) else [other.slice]
        return any(isinstance(p, ast.Constant) and p.value is None for p in parts)
    return isinstance(other, ast.Call) and called_name(other) in ("unsqueeze", "view", "reshape")


def _elements(source: ParsedFile, loop: ast.For | ast.comprehension, given: ast.expr) -> list[ast.expr]:
    """Where the elements of what a loop goes through are read, `zip` and `enumerate` around it or not."""
    target: ast.expr | None = loop.target
    if isinstance(loop.iter, ast.Call) and loop.iter is not given:
        shift = called_name(loop.iter) == "enumerate"
        place = loop.iter.args.index(given) + shift if given in loop.iter.args else -1
        parts = target.elts if isinstance(target, ast.Tuple) else []
        target = parts[place] if 0 <= place < len(parts) else None
    around = loop if isinstance(loop, ast.For) else source.parents.get(loop)
    if not isinstance(target, ast.Name) or around is None:
        return []
    return [n for n in source.within(around, ast.Name) if n.id == target.id and isinstance(n.ctx, ast.Load)]


RULE = Rule(kind=KIND, run=values_taken_for_ids)
