"""Static rule: linear layers that follow each other with nothing in between."""

import ast
from collections.abc import Iterator
from itertools import pairwise

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.codebase import Codebase, Made, once
from diagnosis.rules.constants import numbers_of
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.made_from import Value, endings
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile, is_false, keyword
from diagnosis.rules.tensor_calls import whole
from diagnosis.rules.values import same
from diagnosis.symptoms import WEAK
from diagnosis.syntax import dotted

KIND = FindingKind(
    code="activation-missing",
    found_by=FoundBy.RULE,
    title="No activation between linear layers",
    why="Two linear layers with nothing in between are one linear layer with more parameters.",
    definition="An nn.Linear or nn.Conv1d of width one applied to the result of another, dropout in between or not; where the inner width is "
    "no smaller than both outer ones, which a factorised layer's would be.",
    roles=(Role.ENCODER,),
    explains=("layers-fold", *WEAK),
)
LINEAR = "torch.nn.Linear"
POINTWISE = "torch.nn.Conv1d"  # of width one it is a linear layer at each place
THROUGH = frozenset(("dropout", "contiguous", "view", "reshape", "squeeze"))


def activation_missing(source: ParsedFile) -> Iterator[RuleHit]:
    """Linear layers side by side in nn.Sequential, called on each other, and called in a loop."""
    repo = source.repo
    if repo is None:
        return
    for call in source.calls:
        if source.full_name(call) == "torch.nn.Sequential":
            yield from _in_sequence(repo, source, call)
        elif len(call.args) == 1 and _makes_linear(repo) and _is_linear(repo, source, call.func):
            yield from _on_each_other(repo, source, call)
    for loop in source.within(source.nodes[0], ast.For):
        yield from _in_loop(repo, source, loop)
        yield from _listed_in_loop(source, loop)


def _in_sequence(repo: Codebase, source: ParsedFile, call: ast.Call) -> Iterator[RuleHit]:
    layers = [a for a in call.args if not _is_dropout(source, a)]
    for first, second in pairwise(layers):
        if not isinstance(first, ast.Call) or not isinstance(second, ast.Call):
            continue
        one, other = Made(file=source, call=first), Made(file=source, call=second)
        if _is_linear_layer(one) and _is_linear_layer(other) and not _is_factorised(repo, one, other):
            yield source.hit(KIND.code, second, "follows a linear layer with no activation in between")


def _is_dropout(source: ParsedFile, node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and source.full_name(node).startswith("torch.nn.Dropout")


def _on_each_other(repo: Codebase, source: ParsedFile, call: ast.Call) -> Iterator[RuleHit]:
    outer = repo.makers(source, call.func)
    ends = endings(repo, source, call.args[0], THROUGH)
    if _is_read_elsewhere(source, call.args[0]) or not all(_is_linear_call(repo, end) for end in ends):
        return
    for end in ends:
        if not isinstance(end.node, ast.Call) or end.node is call or end.file.path != source.path:
            continue
        inner = repo.makers(end.file, end.node.func)
        if not inner or not all(map(_is_linear_layer, inner)) or end.node.args[1:]:
            continue
        if not any(_is_factorised(repo, one, other) for one in inner for other in outer):
            yield source.hit(KIND.code, call, "follows a linear layer with no activation in between")


def _is_linear_call(repo: Codebase, end: Value) -> bool:
    return isinstance(end.node, ast.Call) and _is_linear(repo, end.file, end.node.func)


def _is_read_elsewhere(source: ParsedFile, given: ast.expr) -> bool:
    """Whether a value has a name of its own that more than one place reads: it is a result in itself."""
    function = source.function_of(given)
    if not isinstance(given, ast.Name) or function is None:
        return False
    named = [n for n in source.within(function, ast.Name) if n.id == given.id]
    return len(named) > 2 and sum(isinstance(n.ctx, ast.Store) for n in named) == 1


def _in_loop(repo: Codebase, source: ParsedFile, loop: ast.For) -> Iterator[RuleHit]:
    """`for layer in self.layers: h = layer(h)` and nothing else, where the layers are linear."""
    if (
        len(loop.body) != 1
        or not isinstance(loop.body[0], ast.Assign)
        or not isinstance(loop.target, ast.Name)
    ):
        return
    statement = loop.body[0]
    value = statement.value
    if not isinstance(value, ast.Call) or dotted(value.func) != loop.target.id or len(value.args) != 1:
        return
    if dotted(value.args[0]) != dotted(statement.targets[0]) or not _is_linear(repo, source, value.func):
        return
    yield source.hit(
        KIND.code, statement, "applies linear layers one after the other with no activation in between"
    )


def _listed_in_loop(source: ParsedFile, loop: ast.For) -> Iterator[RuleHit]:
    """`for h in hidden: layers += [nn.Linear(width, h), nn.Dropout(p)]`, of which `nn.Sequential(*layers)` is made."""
    if any(not isinstance(s, ast.Assign | ast.AugAssign | ast.Expr) for s in loop.body):
        return  # a condition may add what is missing
    linear: tuple[ast.stmt, str] | None = None
    for statement in loop.body:
        name, added = _added(statement)
        for layer in added if name else ():
            if not isinstance(layer, ast.Call) or not (
                source.full_name(layer) == LINEAR or _is_dropout(source, layer)
            ):
                return
            linear = linear or ((statement, name) if source.full_name(layer) == LINEAR else None)
    function = source.function_of(loop)
    if linear is None or function is None:
        return
    statement, name = linear
    chained = [
        call
        for call in source.calls_in(function)
        if source.full_name(call) == "torch.nn.Sequential"
        and any(isinstance(a, ast.Starred) and dotted(a.value) == name for a in call.args)
    ]
    others = [s for s in source.within(function, ast.Assign, ast.AugAssign, ast.Expr) if s not in loop.body]
    added_after = [layer for s in others if _added(s)[0] == name for layer in _added(s)[1]]
    plain = all(isinstance(a, ast.Call) and source.full_name(a) == LINEAR for a in added_after)
    if chained and plain and not any(_is_gone_through(source, call) for call in chained):
        yield source.hit(
            KIND.code,
            statement,
            "linear layers follow each other with no activation in between: add one to each round",
        )


def _is_gone_through(source: ParsedFile, chain: ast.Call) -> bool:
    """Whether the layers are taken out of the chain one by one: `for layer in self.layers: x = F.relu(layer(x))`."""
    outer = source.parents.get(chain)
    kept = {dotted(t) for t in outer.targets} - {""} if isinstance(outer, ast.Assign) else set()
    loops = source.within(source.nodes[0], ast.For, ast.comprehension)
    return any(dotted(part) in kept for loop in loops for part in ast.walk(loop.iter))


def _added(statement: ast.stmt) -> tuple[str, list[ast.expr]]:
    """(list, elements) of `layers += [a, b]`, `layers.append(a)` and `layers.extend([a, b])`; ("", []) for anything else."""
    if isinstance(statement, ast.AugAssign) and isinstance(statement.op, ast.Add):
        parts = (
            statement.value.elts if isinstance(statement.value, ast.List | ast.Tuple) else [statement.value]
        )
        return dotted(statement.target), list(parts)
    call = statement.value if isinstance(statement, ast.Expr) else None
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute) or len(call.args) != 1:
        return "", []
    if call.func.attr == "append":
        return dotted(call.func.value), [call.args[0]]
    if call.func.attr == "extend":
        given = call.args[0]
        return dotted(call.func.value), list(given.elts) if isinstance(given, ast.List | ast.Tuple) else [
            given
        ]
    return "", []


@once
def _makes_linear(repo: Codebase) -> bool:
    return any(file.full_name(call) in (LINEAR, POINTWISE) for file in repo.files for call in file.calls)


def _is_linear(repo: Codebase, source: ParsedFile, function: ast.expr) -> bool:
    made = repo.makers(source, function)
    return bool(made) and all(map(_is_linear_layer, made))


def _is_linear_layer(made: Made) -> bool:
    if made.full_name == POINTWISE:
        width = keyword(made.call, "kernel_size") or (made.call.args[2] if len(made.call.args) > 2 else None)
        others = ("stride", "padding", "groups", "dilation")
        return whole(width) == 1 and not any(keyword(made.call, name) for name in others)
    return made.full_name == LINEAR


def _is_factorised(repo: Codebase, first: Made, second: Made) -> bool:
    """Whether two layers may be a factorised one: a narrow width in between, or no bias in the first."""
    if is_false(keyword(first.call, "bias")):
        return True
    sizes = [*first.call.args[:2], *second.call.args[1:2]]
    if len(sizes) != 3:
        return True
    before, width, after = sizes
    if any(same(width, side) or _is_multiple(width, side) for side in (before, after)):
        return False
    places = (first.file, first.file, second.file)
    first_size, inner, last_size = (_size(repo, file, size) for file, size in zip(places, sizes))
    if first_size is None or inner is None or last_size is None:
        return True
    return inner < min(first_size, last_size)


def _size(repo: Codebase, file: ParsedFile, node: ast.expr) -> float | None:
    """The one number that a width is, wherever it is set; None where it may be several."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Add):
        left, right = _size(repo, file, node.left), _size(repo, file, node.right)
        if left is None or right is None:
            return None
        return left * right if isinstance(node.op, ast.Mult) else left + right
    found = numbers_of(repo, file, node)
    return next(iter(found)) if len(found) == 1 else None


def _is_multiple(width: ast.expr, of: ast.expr) -> bool:
    """`4 * d` of `d`."""
    if not isinstance(width, ast.BinOp) or not isinstance(width.op, ast.Mult):
        return False
    pairs = ((width.left, width.right), (width.right, width.left))
    return any((whole(number) or 0) >= 1 and same(other, of) for number, other in pairs)


RULE = Rule(kind=KIND, run=activation_missing)
