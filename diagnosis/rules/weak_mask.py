"""Static rule: what must not be recommended gets a score that others are below."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.codebase import Codebase
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.made_from import REARRANGES, Value, endings
from diagnosis.rules.repeated import trains
from diagnosis.rules.rule import Rule
from diagnosis.rules.sense import HIGHER
from diagnosis.rules.source import ParsedFile, is_false, keyword
from diagnosis.rules.tensor_calls import amount, operation
from diagnosis.rules.values import bindings, words_of
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="seen-masked-weakly",
    found_by=FoundBy.RULE,
    title="Seen items keep a place",
    why="Scores below 0 are common, so that an item whose score was set to 0 comes before all of these.",
    definition="Scores without a lower bound (products, logits, log-probabilities) are set to 0 or -1, and then ranked.",
    roles=(Role.SCORING,),
)

KEPT = frozenset(
    (*REARRANGES, "detach", "numpy", "asarray", "array", "from_numpy", "tensor", "copy", "astype")
)
UNBOUNDED = {*HIGHER, "log_softmax", "logsigmoid"}
RANKS = {"topk", "argsort", "argpartition", "sort"}
FILLS = {"masked_fill", "masked_fill_"}
WEAK = (0, -1)
SEEN = ("seen", "mask", "rated", "hist", "train", "interact", "watched", "known", "consumed", "clicked")


def seen_masked_weakly(source: ParsedFile) -> Iterator[RuleHit]:
    """`scores[seen] = 0` before `scores.topk(k)`, where `scores = users @ items.T`."""
    repo = source.repo
    for call in source.calls_named(*RANKS) if repo else ():
        if repo is None or source.function_of(call) in trains(repo):
            continue
        name = _ranked(source, call)
        if not name or is_false(keyword(call, "largest")):
            continue
        for place, before in _weak_masks(source, call, name):
            if before is not None and _is_unbounded(repo, source, before):
                yield source.hit(
                    KIND.code, place, "leaves these items before all that score below 0: set them to -inf"
                )


def _ranked(source: ParsedFile, call: ast.Call) -> str:
    """The name of what is ranked, highest first: `scores.topk(k)`, `np.argsort(-scores)`, `argsort(scores)[::-1]`."""
    own = call.func.value if isinstance(call.func, ast.Attribute) else None
    given = own if own is not None and dotted(own).partition(".")[0] not in source.imports else None
    given = given if given is not None else (call.args or [None])[0]
    if isinstance(given, ast.UnaryOp) and isinstance(given.op, ast.USub):
        given = given.operand
    return dotted(given) if isinstance(given, ast.Name) else ""


def _weak_masks(source: ParsedFile, call: ast.Call, name: str) -> Iterator[tuple[ast.stmt, ast.expr | None]]:
    """(the statement, the scores before it) of each weak mask of a name in the function of a call, above it."""
    around = source.function_of(call) or source.nodes[0]
    for statement in source.within(around, ast.Assign):
        if statement.lineno >= call.lineno or _is_made_anew(source, name, statement, call):
            continue
        for target in statement.targets:
            if (
                isinstance(target, ast.Subscript)
                and dotted(target.value) == name
                and _is_weak(statement.value)
            ):
                yield statement, target.value
        if dotted(statement.targets[0]) == name and _fills_weakly(statement.value):
            yield statement, _filled(statement.value)
        elif dotted(statement.targets[0]) == name:
            zeroed = _multiplied_away(name, statement) or _put_to_zero(name, statement.value)
            if zeroed is not None:
                yield statement, zeroed
    for statement in source.within(around, ast.AugAssign):
        if statement.lineno < call.lineno and not _is_made_anew(source, name, statement, call):
            yield statement, _multiplied_away(name, statement)


def _multiplied_away(name: str, statement: ast.Assign | ast.AugAssign) -> ast.expr | None:
    """The scores that `scores * (1 - seen)` sets to 0; None for other products."""
    value = statement.value
    if isinstance(statement, ast.AugAssign):
        zeroed = (
            dotted(statement.target) == name and isinstance(statement.op, ast.Mult) and _keeps_unseen(value)
        )
        return statement.target if zeroed else None
    if not isinstance(value, ast.BinOp) or not isinstance(value.op, ast.Mult):
        return None
    for scores, other in ((value.left, value.right), (value.right, value.left)):
        if _keeps_unseen(other) and dotted(scores):
            return scores
    return None


def _keeps_unseen(node: ast.expr) -> bool:
    """`1 - seen`, `~seen`, `seen == 0`: 0 for what a user has had, 1 for all else, by what its author calls it."""
    if (
        isinstance(node, ast.Call)
        and called_name(node) in ("float", "astype", "to", "int")
        and isinstance(node.func, ast.Attribute)
    ):
        node = node.func.value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Invert):
        inner = node.operand
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub) and amount(node.left) == 1:
        inner = node.right
    elif (
        isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq) and amount(node.comparators[0]) == 0
    ):
        inner = node.left
    else:
        return False
    words = {word.lower() for word in words_of(inner)}
    return any(part in word for word in words for part in SEEN)


def _put_to_zero(name: str, value: ast.expr) -> ast.expr | None:
    """The scores that `torch.where(seen, 0, scores)` keeps elsewhere; None for other calls."""
    if not isinstance(value, ast.Call) or called_name(value) != "where" or len(value.args) != 3:
        return None
    for zero, scores in (value.args[1:], value.args[:0:-1]):
        none = isinstance(zero, ast.Call) and called_name(zero) in ("zeros_like", "zeros", "tensor")
        if (none and not any(amount(a) for a in getattr(zero, "args", ()))) or _is_weak(zero):
            return scores if dotted(scores) else None
    return None


def _filled(node: ast.expr) -> ast.expr | None:
    """The scores that `logits.masked_fill(seen, 0)` fills."""
    return node.func.value if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else None


def _fills_weakly(node: ast.expr) -> bool:
    if not isinstance(node, ast.Call) or called_name(node) not in FILLS:
        return False
    return len(node.args) == 2 and _is_weak(node.args[1])


def _is_made_anew(source: ParsedFile, name: str, mask: ast.stmt, call: ast.Call) -> bool:
    """Whether the name gets another value between the mask and the ranking."""
    return any(mask.lineno < b.value.lineno < call.lineno for b in bindings(source, name, call))


def _is_weak(node: ast.expr) -> bool:
    return amount(node) in WEAK


def _is_unbounded(repo: Codebase, source: ParsedFile, node: ast.expr) -> bool:
    ends = endings(repo, source, node, KEPT)
    return bool(ends) and all(_is_product(repo, end) for end in ends)


def _is_product(repo: Codebase, end: Value) -> bool:
    node = end.node
    if isinstance(node, ast.BinOp):
        if isinstance(node.op, ast.Add):
            sides = (Value(file=end.file, node=s, calls=end.calls) for s in (node.left, node.right))
            return any(_is_product(repo, side) for side in sides)
        return isinstance(node.op, ast.MatMult) and not _of_one_table(node.left, node.right)
    done = operation(repo, end.file, node) if isinstance(node, ast.Call) else None
    return done is not None and done.name in UNBOUNDED and not _of_one_table(*done.values[:2])


def _of_one_table(*factors: ast.expr) -> bool:
    """Whether a table is multiplied with itself, as in similarities of rows of counts, none of which is below 0."""
    tables = [{_table(name) for name in _chains(factor)} for factor in factors]
    return len(tables) == 2 and bool(tables[0] & tables[1] - {"self"})


def _chains(node: ast.AST) -> Iterator[ast.expr]:
    """The names of an expression with all their attributes: `model.items.weight` of `model.items.weight.T[ids]`."""
    if isinstance(node, ast.Name | ast.Attribute) and dotted(node):
        yield node
        return
    for part in ast.iter_child_nodes(node):
        yield from _chains(part)


def _table(node: ast.expr) -> str:
    kept = [part for part in dotted(node).split(".") if part not in ("T", "t", "weight", "data", "transpose")]
    return ".".join(kept)


RULE = Rule(kind=KIND, run=seen_masked_weakly)
