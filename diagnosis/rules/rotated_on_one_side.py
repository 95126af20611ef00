"""Static rule: rotary positions turn the queries or the keys alone."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, ParsedFile
from diagnosis.rules.values import bindings
from diagnosis.symptoms import WEAK
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="rotated-on-one-side",
    found_by=FoundBy.RULE,
    title="Rotary positions on one side alone",
    why="A product of queries and keys then depends on where a query stands in the padded row, and not on how long ago a key was.",
    definition="A function multiplies queries and keys, and turns only one of the two by a rotation of positions.",
    roles=(Role.ENCODER,),
    explains=("order-ignored", "more-padding", *WEAK),
)
TURNS = ("rotat", "rotary", "rope")  # how a word begins
SIDES = {"q", "query", "queries", "qs", "xq", "k", "key", "keys", "ks", "xk"}


def rotated_on_one_side(source: ParsedFile) -> Iterator[RuleHit]:
    """`q = rotate(q, cos, sin)`, `q @ k.transpose(-2, -1)`"""
    for name in source.called_names:
        if not _turns(name) or name.lower().endswith("half"):
            continue
        for call in source.calls_named(name):
            function = source.function_of(call)
            turned = _turned(source, call)
            if function is None or not turned or function.name == name:
                continue
            for left, right in _products(source, function, call):
                sides = _root(left), _root(right)
                other = sides[1] if sides[0] == turned else sides[0] if sides[1] == turned else ""
                attends = (
                    _is_a_side(turned)
                    and _is_a_side(other)
                    and _is_alike(source, function, call, turned, other)
                )
                if attends and other != turned and not _is_turned(source, function, other):
                    yield source.hit(
                        KIND.code,
                        call,
                        f"turns {turned} by its position and not {other}, with which it is multiplied",
                    )
                    break


def _turned(source: ParsedFile, call: ast.Call) -> str:
    """The one name that a rotation is given and gives anew: `q` of `q = rotate(q, cos, sin)`; "" of one that turns several."""
    outer = source.parents.get(call)
    if (
        not isinstance(outer, ast.Assign)
        or len(outer.targets) != 1
        or not isinstance(outer.targets[0], ast.Name)
    ):
        return ""
    return outer.targets[0].id


def _products(source: ParsedFile, function: Function, call: ast.Call) -> Iterator[tuple[ast.expr, ast.expr]]:
    begin = source.places[call]
    for part in source.within(function, ast.BinOp):
        if isinstance(part.op, ast.MatMult) and source.places[part] > begin:
            yield part.left, part.right
    for other in source.calls_named("matmul", "einsum", "bmm", "scaled_dot_product_attention"):
        if source.function_of(other) is not function or source.places[other] < begin:
            continue
        given = [a for a in other.args if not isinstance(a, ast.Constant)]
        if (
            isinstance(other.func, ast.Attribute)
            and len(given) == 1
            and called_name(other) in ("matmul", "bmm")
        ):
            given = [other.func.value, *given]
        if len(given) >= 2:
            yield given[0], given[1]


def _root(node: ast.expr) -> str:
    """`k` of `k.transpose(-2, -1)`, `k.T`, `k[:, None]`."""
    while True:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            node = node.func.value
        elif isinstance(node, ast.Attribute | ast.Subscript):
            node = node.value
        else:
            return dotted(node)


def _is_turned(source: ParsedFile, function: Function, name: str) -> bool:
    """Whether a rotation had part in what a name holds; True where the name is not made here, as nothing is known of it."""
    made = [b.value for b in bindings(source, name, function.body[0])]
    if not made or not all(_is_projected(value) for value in made):
        return True
    if any(_turns(called_name(call)) for value in made for call in source.calls_in(value)):
        return True
    inner = {part.id for value in made for part in ast.walk(value) if isinstance(part, ast.Name)} - {
        name,
        "self",
    }
    return any(
        _turns(called_name(call))
        for one in inner
        for binding in bindings(source, one, function.body[0])
        for call in source.calls_in(binding.value)
    )


def _is_alike(source: ParsedFile, function: Function, call: ast.Call, turned: str, other: str) -> bool:
    """Whether both sides are made of the same input, and the other one of nothing that the rotation is told; a memory may hold its
    positions already."""
    told = {n.id for a in call.args[1:] for n in ast.walk(a) if isinstance(n, ast.Name)} - {"self"}
    reads = [
        {
            n.id
            for b in bindings(source, name, function.body[0])
            for n in ast.walk(b.value)
            if isinstance(n, ast.Name)
        }
        - {"self", "torch", turned, other}
        for name in (turned, other)
    ]
    return bool(reads[0] & reads[1]) and not reads[1] & told


def _turns(name: str) -> bool:
    """Whether a function is called after a rotation: `rotate_half`, `apply_rotary`, `rope`; not `properties`."""
    return any(word.startswith(TURNS) for word in name.lower().split("_"))


def _is_a_side(name: str) -> bool:
    """Whether a name is that of queries or keys, as an attention has them."""
    return bool(SIDES & {*name.lower().split("_")})


def _is_projected(value: ast.expr) -> bool:
    """Whether a value is made by layers and reshaping alone."""
    return any(isinstance(part, ast.Call) for part in ast.walk(value))


RULE = Rule(kind=KIND, run=rotated_on_one_side)
