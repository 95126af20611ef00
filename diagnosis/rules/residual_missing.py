"""Static rule: one half of a residual block adds its input, the other returns its own result alone."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.codebase import Codebase, once
from diagnosis.rules.definitions import Defined, Made
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.residual_in_loop import taken_place
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, ParsedFile
from diagnosis.rules.values import bindings, parameters, same
from diagnosis.symptoms import UNLEARNED, WEAK
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="residual-missing",
    found_by=FoundBy.RULE,
    title="A residual connection is missing",
    why="What the first half of the block has found reaches the next one through a small net alone, and is lost in deep stacks.",
    definition="In a module that is stacked, one sublayer's result is added to its input, and a feed-forward net that keeps the width, or an "
    "attention that adds nothing itself, gives its result without the input.",
    roles=(Role.ENCODER,),
    explains=(*UNLEARNED, *WEAK),
)
WEIGHS = ("softmax", "Softmax", "scaled_dot_product_attention", "MultiheadAttention")
DEEPEST = 3  # modules inside of each other
LINEAR = ("torch.nn.Linear", "torch.nn.Conv1d", "torch.nn.LazyLinear")


def residual_missing(source: ParsedFile) -> Iterator[RuleHit]:
    """`x = x + attention(norm(x))`, then `return feed(norm(x))`."""
    repo = source.repo
    if repo is None:
        return
    for statement, stream in taken_place(repo, source):
        yield source.hit(
            KIND.code,
            statement,
            f"puts the result in the place of {stream}, which the other layer of the loop adds: add {stream}",
        )
    for kind in source.within(source.nodes[0], ast.ClassDef):
        forward = next((f for f in kind.body if isinstance(f, Function) and f.name == "forward"), None)
        if forward is None or kind.name not in repo.modules or kind.name not in stacked(repo):
            continue
        sums = [
            b
            for b in source.within(forward, ast.BinOp)
            if isinstance(b.op, ast.Add) and is_residual(source, b)
        ]
        if not sums:
            continue
        for statement, stream in _attention_alone(repo, source, forward, sums):
            yield source.hit(
                KIND.code,
                statement,
                f"puts the attention's result in the place of {stream}, to which the other half of the block adds: add {stream}",
            )
        for call in source.calls_in(forward):
            stream = _stream(source, call)
            if stream is None or not _keeps_width(repo, source, call):
                continue
            value, result = _whole(source, call)
            if result is not None and not _is_added(source, forward, value, result):
                yield source.hit(
                    KIND.code,
                    result,
                    f"gives its own result without {stream}, which the other half of the block adds: add {stream}",
                )


def _attention_alone(
    repo: Codebase, source: ParsedFile, forward: Function, sums: list[ast.BinOp]
) -> Iterator[tuple[ast.Assign, str]]:
    """`x = dropout(h)`, where h is what an attention made of x, before `x + feed(norm(x))`."""
    for statement in source.within(forward, ast.Assign):
        stream, value = dotted(statement.targets[0]), statement.value
        later = [
            b for b in sums if b.lineno > statement.lineno and stream in (dotted(b.left), dotted(b.right))
        ]
        if not stream or not later or stream not in parameters(forward):
            continue
        while isinstance(value, ast.Call) and _is_dropout_or_norm(value):
            value = value.args[0]
        made = [value]
        if isinstance(value, ast.Name):
            made = [b.value for b in bindings(source, value.id, value) if b.position in (None, 0)][-1:]
        for call in made:
            call = call.value if isinstance(call, ast.Subscript) else call
            if (
                isinstance(call, ast.Call)
                and dotted(call.func).startswith("self.")
                and _is_made_of(call, stream)
            ):
                makers = repo.makers(source, call.func)
                if makers and all(_is_plain_attention(repo, m) for m in makers):
                    yield statement, stream


def _is_made_of(call: ast.Call, stream: str) -> bool:
    """Whether a layer is given the stream, itself or normalised."""
    given = call.args[0] if call.args else None
    if isinstance(given, ast.Name) and given.id != stream:
        return True  # what it is made of is not looked for: `n = norm(x)`
    return given is not None and any(dotted(part) == stream for part in ast.walk(given))


def _is_dropout_or_norm(call: ast.Call) -> bool:
    name = dotted(call.func).rpartition(".")[2].lower()
    return len(call.args) == 1 and ("drop" in name or "norm" in name or name.startswith("ln"))


def _is_plain_attention(repo: Codebase, made: Made) -> bool:
    """Whether a layer is torch's attention, or an own one that weighs by a softmax and adds nothing to what it is given."""
    if made.full_name.endswith("nn.MultiheadAttention"):
        return True
    kinds = repo.classes.get(made.name, [])
    if len(kinds) != 1 or not repo.is_module(kinds[0]) or _adds_its_input(repo, kinds[0]):
        return False
    return any(
        called_name(c) in WEIGHS for own in repo.lineage(kinds[0]) for c in own.file.calls_in(own.node)
    )


def _adds_its_input(repo: Codebase, kind: Defined, depth: int = 0) -> bool:
    """Whether `forward` adds one of its arguments to something, or hands it with other things to a module that does; also where that is not told."""
    forward = repo.method(kind, "forward")
    if forward is None or not isinstance(forward.node, Function) or depth > DEEPEST:
        return True
    file, given = forward.file, set(parameters(forward.node)) - {"self"}
    given |= {dotted(s.targets[0]) for s in file.within(forward.node, ast.Assign) if dotted(s.value) in given}
    sums = [one for one in file.within(forward.node, ast.BinOp, ast.AugAssign) if isinstance(one.op, ast.Add)]
    if any(dotted(side) in given for one in sums for side in _sides(one)):
        return True
    for call in file.calls_in(forward.node):
        if len(call.args) > 1 and any(dotted(one) in given for one in call.args[1:]):
            inner = repo.class_of(file, call.func)
            if inner is not None and repo.is_module(inner) and _adds_its_input(repo, inner, depth + 1):
                return True
    return False


def _sides(total: ast.BinOp | ast.AugAssign) -> tuple[ast.expr, ast.expr]:
    return (total.left, total.right) if isinstance(total, ast.BinOp) else (total.target, total.value)


@once
def stacked(repo: Codebase) -> set[str]:
    """Names of the classes of which a list of layers is made: `ModuleList(Block() for _ in range(n))`, `blocks.append(Block())`."""
    found: set[str] = set()
    for file in repo.files:
        for call in file.calls:
            name = called_name(call)
            if name not in repo.modules:
                continue
            for outer in file.around(call):
                if isinstance(outer, ast.ListComp | ast.GeneratorExp | ast.For):
                    found.add(name)
                if isinstance(outer, Function):
                    break
                if isinstance(outer, ast.Call) and called_name(outer) in (
                    "append",
                    "ModuleList",
                    "deepcopy",
                    "Sequential",
                ):
                    found.add(name)
    return found


def is_residual(source: ParsedFile, total: ast.BinOp) -> bool:
    """`x + f(x)`: one side is a name, the other calls a layer on it."""
    for kept, added in ((total.left, total.right), (total.right, total.left)):
        name = dotted(kept)
        if name and any(
            dotted(call.func).startswith("self.")
            and any(dotted(p) == name for a in call.args for p in ast.walk(a))
            for call in source.within(added, ast.Call)
        ):
            return True
    return False


def _stream(source: ParsedFile, call: ast.Call) -> str | None:
    """The name that a layer of `self` is given, through a norm at most; None for all else."""
    if not dotted(call.func).startswith("self.") or len(call.args) != 1 or call.keywords:
        return None
    given = call.args[0]
    if isinstance(given, ast.Call) and "norm" in dotted(given.func).lower() and len(given.args) == 1:
        given = given.args[0]
    return given.id if isinstance(given, ast.Name) else None


def _keeps_width(repo: Codebase, source: ParsedFile, call: ast.Call) -> bool:
    """Whether a layer is a net of several linear layers whose last has the width of what the first is given, and adds nothing itself."""
    made = repo.makers(source, call.func)
    if len(made) != 1:
        return False
    layers = [c for c in made[0].call.args if isinstance(c, ast.Call)]
    if made[0].full_name.endswith("nn.Sequential"):
        return _is_net(made[0].file, layers)
    kind = next(iter(repo.classes.get(made[0].name, [])), None)
    if (
        kind is None
        or not repo.is_module(kind)
        or any(isinstance(b.op, ast.Add) for b in kind.file.within(kind.node, ast.BinOp, ast.AugAssign))
    ):
        return False
    inside = [c for c in kind.file.calls_in(kind.node) if kind.file.full_name(c) in LINEAR]
    return _is_net(kind.file, inside)


def _is_net(file: ParsedFile, layers: list[ast.Call]) -> bool:
    linear = [c for c in layers if file.full_name(c) in LINEAR and len(c.args) >= 2]
    if len(linear) != 2 or not same(linear[0].args[0], linear[1].args[1]):
        return False
    return same(linear[0].args[1], linear[1].args[0])


def _whole(source: ParsedFile, call: ast.Call) -> tuple[ast.expr, ast.stmt | None]:
    """What the result is through dropout, and the statement that takes it as it is."""
    value: ast.expr = call
    outer = source.parents.get(value)
    while isinstance(outer, ast.Call) and "drop" in dotted(outer.func).lower() and outer.args[:1] == [value]:
        value, outer = outer, source.parents.get(outer)
    takes = isinstance(outer, ast.Return) or (isinstance(outer, ast.Assign) and outer.value is value)
    return value, outer if takes and isinstance(outer, ast.stmt) else None


def _is_added(source: ParsedFile, forward: Function, value: ast.expr, result: ast.stmt) -> bool:
    """Whether a name that takes the result is added to something later on, or normalised together with it."""
    if isinstance(result, ast.Return):
        return False
    assert isinstance(result, ast.Assign)
    names = {dotted(target) for target in result.targets}
    later = [
        part
        for part in source.within(forward, ast.Name)
        if part.id in names and isinstance(part.ctx, ast.Load) and source.places[part] > source.places[result]
    ]
    for part in later:
        for outer in source.around(part):
            if isinstance(outer, ast.stmt):
                if isinstance(outer, ast.AugAssign):
                    return True
                break
            if isinstance(outer, ast.BinOp) or (isinstance(outer, ast.Call) and len(outer.args) > 1):
                return True
    return False


RULE = Rule(kind=KIND, run=residual_missing)
