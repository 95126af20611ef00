"""Static rule: the second-order term of a factorisation machine that sums over dimensions where it should sum over fields."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.places_from import number
from diagnosis.rules.repeated import repo_of
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile, keyword
from diagnosis.rules.tensor_calls import Operation, operation, whole
from diagnosis.rules.values import How, bindings, same, words_of
from diagnosis.symptoms import WEAK
from diagnosis.syntax import called_name

KIND = FindingKind(
    code="fields-never-meet",
    found_by=FoundBy.RULE,
    title="No field meets another",
    why="The square of a sum less the sum of squares pairs what is summed: over the dimensions of each field no user meets an item.",
    definition="The square of a sum less the sum of the squares of the same tensor, both over its last axis, which holds the factors.",
    roles=(Role.ENCODER,),
    explains=("same-list", *WEAK),
    sources=("Rendle, ICDM 2010",),
)
LAST = (2, -1)
MACHINES = ("fm", "factor", "second", "pair", "inter", "bi_", "cross", "order", "forward", "score", "logit")
TURNS = {"transpose", "permute", "swapaxes", "mT", "T", "swapdims", "movedim"}


def fields_never_meet(source: ParsedFile) -> Iterator[RuleHit]:
    """`x.sum(2) ** 2 - (x ** 2).sum(2)` of fields (B, F, D)."""
    for node in source.within(source.nodes[0], ast.BinOp):
        if not isinstance(node.op, ast.Sub):
            continue
        total, squares = _square_of_sum(source, node.left), _sum_of_squares(source, node.right)
        if total is None or squares is None or not same(total[0], squares[0]):
            continue
        if total[1] not in LAST or total[1] != squares[1] or _is_turned(source, node):
            continue
        if not _may_hold_fields(source, node, total[0], total[1]):
            continue
        for call in (total[2], squares[2]):
            yield source.hit(
                KIND.code,
                next((o for o in source.around(call) if isinstance(o, ast.stmt)), call),
                f"sums over axis {total[1]}, the factors of each field: sum over the fields, axis 1",
            )


def _square_of_sum(source: ParsedFile, node: ast.expr) -> tuple[ast.expr, int, ast.Call] | None:
    inner = _squared(source, _meant(source, node))
    return _summed(source, _meant(source, inner)) if inner is not None else None


def _sum_of_squares(source: ParsedFile, node: ast.expr) -> tuple[ast.expr, int, ast.Call] | None:
    summed = _summed(source, _meant(source, node))
    inner = _squared(source, _meant(source, summed[0])) if summed is not None else None
    return (inner, summed[1], summed[2]) if inner is not None and summed is not None else None


def _meant(source: ParsedFile, node: ast.expr) -> ast.expr:
    """What a name stands for that is bound once."""
    if isinstance(node, ast.Name):
        made = [b for b in bindings(source, node.id, node) if b.how is How.ASSIGNED and b.position is None]
        return made[0].value if len(made) == 1 else node
    return node


def _squared(source: ParsedFile, node: ast.expr) -> ast.expr | None:
    """x of `x ** 2`, `x.pow(2)`, `torch.square(x)`, `x * x`."""
    if isinstance(node, ast.BinOp):
        if isinstance(node.op, ast.Pow) and number(node.right) == 2:
            return node.left
        return node.left if isinstance(node.op, ast.Mult) and same(node.left, node.right) else None
    done = _done(source, node)
    if done is None or done.name not in ("pow", "square", "square_", "power"):
        return None
    first, *rest = done.values or (None,)
    return first if done.name.startswith("square") or (rest and number(rest[0]) == 2) else None


def _summed(source: ParsedFile, node: ast.expr) -> tuple[ast.expr, int, ast.Call] | None:
    """(x, axis, call) of a sum."""
    done = _done(source, node)
    if done is None or done.name not in ("sum", "reduce_sum") or not done.values:
        return None
    axis = whole(done.option("dim", 1))
    axis = axis if axis is not None else whole(done.option("axis", 1))
    return (done.values[0], axis, done.call) if axis is not None else None


def _done(source: ParsedFile, node: ast.expr) -> Operation | None:
    return operation(repo_of(source), source, node) if isinstance(node, ast.Call) else None


def _may_hold_fields(source: ParsedFile, node: ast.expr, x: ast.expr, axis: int) -> bool:
    """Whether a tensor is a factorisation machine's, by what the function or its class is called or looks up, and its fields are not
    put beside each other on the very axis that is summed: `torch.stack([user, item], dim=-1)`.
    """
    function = source.function_of(node)
    owner = next((o for o in source.around(node) if isinstance(o, ast.ClassDef)), None)
    named = f"{getattr(owner, 'name', '')}_{getattr(function, 'name', '')}".lower()
    made = _meant(source, x)
    if isinstance(made, ast.Call) and called_name(made) in ("stack", "cat", "concat", "concatenate"):
        joined = (
            keyword(made, "dim") or keyword(made, "axis") or (made.args[1] if len(made.args) > 1 else None)
        )
        if joined is not None and number(joined) in (axis, *(LAST if axis in LAST else ())):
            return False
    looked_up = any("emb" in word.lower() or "factor" in word.lower() for word in words_of(made))
    return looked_up or any(word in named for word in MACHINES)


def _is_turned(source: ParsedFile, node: ast.expr) -> bool:
    """Whether the function changes the places of axes."""
    around = source.function_of(node) or source.nodes[0]
    return any(called_name(call) in TURNS for call in source.calls_in(around)) or any(
        part.attr in TURNS for part in source.within(around, ast.Attribute)
    )


RULE = Rule(kind=KIND, run=fields_never_meet)
