"""Where the mask of an attention is made: the triangle that hides the future, the test of ids that hides padding."""

import ast
from collections.abc import Callable, Iterator, Sequence

from diagnosis.deciding.program import Program
from diagnosis.deciding.shape import constant, slices
from diagnosis.deciding.statements import calls_of, expressions_of
from diagnosis.deciding.walk import At, flow_into
from diagnosis.findings import CodePlace
from diagnosis.syntax import called_name

TRIANGLES = {
    "tril",
    "triu",
    "tril_",
    "triu_",
    "tril_indices",
    "triu_indices",
    "generate_square_subsequent_mask",
}
TESTS = {
    "eq",
    "ne",
    "eq_",
    "ne_",
    "not_equal",
    "equal",
    "gt",
    "ge",
    "lt",
    "logical_not",
    "bool",
    "isin",
    "sign",
}
FILLS = {"masked_fill", "masked_fill_", "where", "full", "full_like"}
PRODUCTS = {"matmul", "bmm", "einsum", "mm", "baddbmm", "scaled_dot_product_attention"}
SOFTMAX = {"softmax", "Softmax", "scaled_dot_product_attention", "masked_fill", "masked_fill_"}
COUNTS = {"arange", "cumsum"}
TURNS = {"flip", "fliplr", "flipud"}
NEAR = 3  # statements between the nearest test and others
HIDDEN = -50.0  # a score below is as good as none after a softmax


def of_future(program: Program, seen: Sequence[CodePlace]) -> list[ast.AST]:
    """What hides later events from the attention on these lines."""
    return _told(program, seen, _is_triangle)


def of_padding(program: Program, seen: Sequence[CodePlace]) -> list[ast.AST]:
    """What hides padding from the attention on these lines; before a mask that holds ids against 0, as it should, what
    counts places from the padded end. Of lines behind the attention, what counts places so, too.
    """
    seen = (
        seen
        if any(_attends(program, call) for call in calls_of(program, seen[:2]))
        else _attention(program, seen)
    )
    found = _told(program, seen, _is_test)
    sound = all(_is_sound(node) for node in found)
    return [*_across(program, seen), *(_counted(program, seen) if sound else []), *found]


def _across(program: Program, seen: Sequence[CodePlace]) -> list[ast.AST]:
    """A softmax on the first line over another axis than the last one, which holds the keys."""
    calls = [call for call in calls_of(program, seen[:1]) if called_name(call) == "softmax"]
    axes = [
        (call, one)
        for call in calls
        for one in (*call.args, *(k.value for k in call.keywords if k.arg == "dim"))
    ]
    return [call for call, one in axes if isinstance(one, ast.UnaryOp) and constant(one.operand) > 1]


def _attention(program: Program, seen: Sequence[CodePlace]) -> list[CodePlace]:
    """The lines of the softmax that is nearest to what is answered on the first line; these lines where there is none."""
    flow = flow_into(program, expressions_of(program, seen[:1]))
    near = [at for at in flow if isinstance(at.node, ast.Call) and called_name(at.node) == "softmax"]
    lines = [CodePlace(path=program.paths[at.node], line=at.node.lineno) for at in near]
    return [*lines[:1], *seen] if len(set(lines)) == 1 else list(seen)


def _counted(program: Program, seen: Sequence[CodePlace]) -> list[ast.AST]:
    """Where places are counted from the first on, for a table that the lines read."""
    flow = list(flow_into(program, expressions_of(program, seen[:1])))
    counts = [at for at in flow if isinstance(at.node, ast.Call) and called_name(at.node) in COUNTS]
    found: list[ast.AST] = [
        at.node for at in counts if _comes_from_table(program, at) and not _is_turned(program, at)
    ]
    return found[:1]


def _is_turned(program: Program, at: At) -> bool:
    """Whether places are counted from the last on: `arange(n - 1, -1, -1)`, `arange(n).flip(0)`, `n - arange(n)`."""
    step = at.node.args[2] if isinstance(at.node, ast.Call) and len(at.node.args) > 2 else None
    if isinstance(step, ast.UnaryOp):
        return True
    one: At | None = at
    while one is not None and one.hops >= at.hops - 1:
        node = one.node
        turned = isinstance(node, ast.Call) and called_name(node) in TURNS
        taken_away = (
            isinstance(node, ast.BinOp)
            and isinstance(node.op, ast.Sub)
            and (at.node in ast.walk(node.right) or _names_of(node.left) == _names_of(node.right) != set())
        )
        back = isinstance(node, ast.Subscript) and any(
            isinstance(part.step, ast.UnaryOp) for part in slices(node)
        )
        if turned or back or taken_away:
            return True
        one = one.before
    return False


def _names_of(node: ast.AST) -> set[str]:
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}


def _comes_from_table(program: Program, at: At) -> bool:
    one: At | None = at
    while one is not None:
        if isinstance(one.node, ast.Call) and isinstance(one.node.func, ast.Attribute):
            held = [given.held for given in program.attributes.get(called_name(one.node), [])]
            if any(isinstance(made, ast.Call) and called_name(made).startswith("Embedding") for made in held):
                return True
        one = one.before
    return False


def _is_sound(node: ast.AST) -> bool:
    """Whether values are held against 0 or a name, so that it may say which ids are padding."""
    if isinstance(node, ast.Call):
        against = node.args[-1:]
        return not against or isinstance(against[0], ast.Name) or _is_zero(against[0])
    if not isinstance(node, ast.Compare):
        return False
    plain = isinstance(node.ops[0], (ast.Eq, ast.NotEq, ast.Gt))
    return plain and (
        _is_zero(node.comparators[0]) or isinstance(node.comparators[0], (ast.Name, ast.Attribute))
    )


def _is_zero(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value == 0 and node.value is not False


def _told(program: Program, seen: Sequence[CodePlace], wanted: Callable[[ast.expr], bool]) -> list[ast.AST]:
    """A mask that is filled in with too small a number; else what is `wanted` of it; else where it is put together."""
    if not any(_attends(program, call) for call in calls_of(program, seen[:2])):
        return []
    flow = list(flow_into(program, expressions_of(program, seen[:1])))
    flow += list(flow_into(program, expressions_of(program, seen[1:2])))
    weak: list[ast.AST] = [at.node for at in flow if _fills_weakly(at.node)]
    if weak:
        return weak[:1]
    masks = [way for start in _operands(program, flow) if (way := _as_mask(program, start))]
    found = [(at.hops, at.node) for way in masks for at in way if wanted(at.node)]
    least = min((hops for hops, _ in found), default=0)
    if found:
        return [node for hops, node in found if hops <= least + NEAR]
    made: list[ast.AST] = [
        at.node for way in masks for at in way if at.hops and _is_put_together(program, at.node)
    ]
    named: list[ast.AST] = [at.node for way in masks for at in way if at.hops and _is_named(program, at.node)]
    return list(dict.fromkeys([*named[:1], *made[:1]]))


def _is_named(program: Program, node: ast.expr) -> bool:
    """Whether a mask gets its name here, with the axes that it is read with: `allowed = causal[None, None]`."""
    counts = isinstance(node, ast.Subscript) and getattr(node.value, "attr", "") == "shape"
    return (
        isinstance(node, ast.Subscript) and not counts and isinstance(program.parents.get(node), ast.Assign)
    )


def _attends(program: Program, call: ast.Call) -> bool:
    """Whether a call weighs events against each other: a softmax, or a library's attention."""
    held = program.attributes.get(called_name(call), [])
    made = [called_name(one.held) for one in held if isinstance(one.held, ast.Call)]
    library = any("Attention" in name or name.startswith("Transformer") for name in made)
    return (
        library or called_name(call) in SOFTMAX or any(one.arg and "mask" in one.arg for one in call.keywords)
    )


def _operands(program: Program, flow: Sequence[At]) -> Iterator[ast.expr]:
    """What may be a mask of scores: what fills them, is added to them, or given to a call beside them."""
    for at in flow:
        if at.hops > NEAR:
            return
        if _comes_from_table(program, at):
            continue
        node = at.node
        if isinstance(node, ast.Call):
            name = called_name(node)
            yield from (one.value for one in node.keywords if one.arg and "mask" in one.arg)
            yield from node.args[:1] if name in FILLS else node.args[1:]
        elif isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub, ast.Mult)):
            yield node.right
            yield node.left


def _as_mask(program: Program, start: ast.expr) -> list[At]:
    """What flows into a mask; [] if it is none: nothing is tested or counted in it, or it comes from a layer or product."""
    way = list(flow_into(program, [start]))
    near = [at for at in way if at.hops <= 2 * NEAR]
    learned = any(_is_learned(program, at.node) for at in near)
    tells = any(_is_triangle(at.node) or _is_test(at.node) for at in near)
    return way if tells and not learned else []


def _is_learned(program: Program, node: ast.expr) -> bool:
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, ast.MatMult)
    if not isinstance(node, ast.Call):
        return False
    held = program.attributes.get(called_name(node), []) if isinstance(node.func, ast.Attribute) else []
    module = any(isinstance(one.held, ast.Call) and called_name(one.held)[:1].isupper() for one in held)
    return module or called_name(node) in PRODUCTS


def _is_triangle(node: ast.expr) -> bool:
    """Whether it is a triangle: by name, or places that are held against places."""
    if isinstance(node, ast.Call):
        return called_name(node) in TRIANGLES
    both = [node.left, *node.comparators] if isinstance(node, ast.Compare) else []
    return len(both) == 2 and all(not isinstance(one, ast.Constant) for one in both) and _shifted(both)


def _shifted(both: Sequence[ast.expr]) -> bool:
    """Whether one side is a column and the other a row: `at[:, None] < at[None, :] + 1`."""
    plain = [one.left if isinstance(one, ast.BinOp) else one for one in both]
    turned = ("unsqueeze", "view", "reshape")
    return all(
        isinstance(one, ast.Subscript) or (isinstance(one, ast.Call) and called_name(one) in turned)
        for one in plain
    )


def _is_test(node: ast.expr) -> bool:
    """Whether values are held against a number, or places against lengths."""
    if isinstance(node, ast.Call):
        inner = (one for one in ast.walk(node) if isinstance(one, ast.expr))
        return called_name(node) in TESTS and not any(_is_triangle(one) for one in inner)
    return isinstance(node, ast.Compare) and not _is_triangle(node) and not _is_none(node)


def _is_none(node: ast.Compare) -> bool:
    return any(isinstance(one, (ast.Is, ast.IsNot, ast.In, ast.NotIn)) for one in node.ops)


def _fills_weakly(node: ast.expr) -> bool:
    """Whether hidden scores get a number that a softmax does not make 0."""
    if (
        not isinstance(node, ast.Call)
        or called_name(node) not in ("masked_fill", "masked_fill_")
        or len(node.args) < 2
    ):
        return False
    value = node.args[1]
    negative = isinstance(value, ast.UnaryOp) and isinstance(value.op, ast.USub)
    number = value.operand if isinstance(value, ast.UnaryOp) and negative else value
    if not isinstance(number, ast.Constant) or not isinstance(number.value, (int, float)) or not number.value:
        return False
    return (-number.value if negative else number.value) > HIDDEN


def _is_put_together(program: Program, node: ast.expr) -> bool:
    """Whether something is computed here, and not only handed on."""
    if isinstance(node, ast.Call):
        return called_name(node) not in program.functions
    return isinstance(node, (ast.BinOp, ast.Compare, ast.UnaryOp))
