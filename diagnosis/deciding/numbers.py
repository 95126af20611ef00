"""Which number in the code a value comes from: a learning rate, a length of a warm-up, a deviation of a first table."""

import ast
from collections.abc import Iterable, Iterator, Sequence

from diagnosis.deciding.program import Program
from diagnosis.deciding.shape import is_schedule
from diagnosis.deciding.statements import calls_of, expressions_of
from diagnosis.deciding.walk import At, flow_into
from diagnosis.findings import CodePlace
from diagnosis.syntax import called_name

# How a table is filled, with the place of the number that says how widely.
FILLS = {"normal_": 1, "uniform_": 1, "trunc_normal_": 1, "randn": 9, "rand": 9, "normal": 1, "uniform": 1}
SPREADS = ("std", "b", "a", "gain", "scale", "high")
FEW = 2  # numbers; of more, it is not known which one is meant


def rates(program: Program, seen: Sequence[CodePlace]) -> list[ast.AST]:
    """Where the learning rate of the optimizer on the first line is set."""
    return _told(program, _given(program, seen[:1], "lr", 1))


def decays(program: Program, seen: Sequence[CodePlace]) -> list[ast.AST]:
    """Where the weight decay of the optimizer on the first line is set."""
    return _told(program, _given(program, seen[:1], "weight_decay", None))


def warm_ups(program: Program, seen: Sequence[CodePlace]) -> list[ast.AST]:
    """Where the length of a warm-up is set: the largest number of the schedule that is stepped on the first line."""
    schedules = [one for call in calls_of(program, seen[:1]) for one in _schedules(program, call)]
    starts = [value for call in schedules for value in _values(call, 1)]
    starts += [name for value in starts for name in _in_function(program, value)]
    sized = [(abs(_value(one)), one) for one in _numbers(program, starts) if isinstance(one, ast.Constant)]
    largest = max((size for size, _ in sized), default=0.0)
    told: list[ast.AST] = [one for size, one in sized if size == largest and size > 1]
    return told[:1]


def rates_by_hand(program: Program, seen: Sequence[CodePlace]) -> list[ast.AST]:
    """The only statement that sets a learning rate while training: `group["lr"] = rate`; [] if a schedule of torch does as well."""
    if any(name.endswith("LR") for name in program.calls):
        return []
    set_to = {
        program.statement(node)
        for tree in program.trees.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store) and _is_rate(node.slice)
    }
    return list(set_to) if len(set_to) == 1 else []


def _is_rate(key: ast.expr) -> bool:
    return isinstance(key, ast.Constant) and key.value == "lr"


def scales(program: Program, seen: Sequence[CodePlace]) -> list[ast.AST]:
    """Where the number is set that the first line multiplies or divides logits by.

    A number below 1 is a temperature: multiplied by, it is not the number that is wrong but the line.
    """
    sides = [
        (side, isinstance(node.op, ast.Mult))
        for expression in expressions_of(program, seen[:1])
        for node in ast.walk(expression)
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mult, ast.Div))
        for side in (node.left, node.right)
    ]
    found: dict[ast.AST, bool] = {}
    for side, multiplied in sides:
        told = _told(program, [side]) if isinstance(side, (ast.Name, ast.Attribute, ast.Subscript)) else []
        if len(told) == 1:
            small = isinstance(told[0], ast.Constant) and abs(_value(told[0])) < 1
            found[told[0]] = multiplied and small
    return list(found) if len(found) == 1 and not any(found.values()) else []


def _goes_over_parameters(program: Program, call: ast.Call) -> bool:
    """Whether a loop around a call goes over all parameters of a model."""
    loops = [one for one in program.around(call) if isinstance(one, ast.For)]
    return any(
        isinstance(one, ast.Call) and called_name(one) in ("parameters", "named_parameters")
        for loop in loops
        for one in ast.walk(loop.iter)
    )


def spreads(program: Program, seen: Sequence[CodePlace]) -> list[ast.AST]:
    """The call that fills the table on the first line with numbers, and where the width of these is set."""
    fills = [call for name in FILLS for call in program.calls.get(name, [])]
    tables = {name for place in seen[:1] for name in _named_at(program, place)}
    own = [call for call in fills if tables & _names_of(program, call)]
    typed = [call for call in fills if _for_tables(program, call)]
    every = [call for call in fills if _goes_over_parameters(program, call)]
    chosen = (own or typed or every)[:1]
    given = [one for call in chosen for one in _spread_of(call)]
    return [*_told(program, given), *chosen]


def _given(
    program: Program, places: Iterable[CodePlace], name: str, index: int | None
) -> list[ast.expr | At]:
    """What the calls on these lines give for an argument, groups of parameters included."""
    calls = calls_of(program, places)
    found: list[ast.expr | At] = [k.value for call in calls for k in call.keywords if k.arg == name]
    dicts = [one for call in calls for one in ast.walk(call) if isinstance(one, ast.Dict)]
    for one in dicts:
        pairs = zip(one.keys, one.values, strict=True)
        found += [value for key, value in pairs if isinstance(key, ast.Constant) and key.value == name]
    if not found and index is not None:
        found += [call.args[index] for call in calls[:1] if len(call.args) > index]
    if not found:
        unpacked = [k.value for call in calls for k in call.keywords if k.arg is None]
        found += [At(one, part=(name,)) for one in unpacked]
    return found


def _values(call: ast.Call, first: int) -> list[ast.expr]:
    return [*call.args[first:], *(one.value for one in call.keywords if one.arg != "optimizer")]


def _in_function(program: Program, value: ast.expr) -> list[ast.expr]:
    """The names that a function reads which a schedule is given by name: `LambdaLR(optimizer, rate_of)`."""
    named = program.functions.get(value.id, []) if isinstance(value, ast.Name) else []
    return [
        one
        for function in (named if len(named) == 1 else [])
        for one in ast.walk(function)
        if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load)
    ]


def _schedules(program: Program, call: ast.Call) -> list[ast.Call]:
    """The calls that may have made the schedule that is stepped; those that are named after one, and that are told more than
    the optimizer, where there are any.
    """
    if called_name(call) != "step" or not isinstance(call.func, ast.Attribute):
        return [call]
    flow = list(flow_into(program, [call.func.value]))
    made = [at for at in flow if isinstance(at.node, ast.Call)]
    told = [
        at
        for at in made
        if isinstance(at.node, ast.Call) and is_schedule(called_name(at.node)) and _values(at.node, 1)
    ]
    nearest = min((at.hops for at in told or made), default=0)
    return [at.node for at in told or made if at.hops == nearest and isinstance(at.node, ast.Call)]


def _told(program: Program, starts: Sequence[ast.expr | At]) -> list[ast.AST]:
    """Where these values are computed, else the numbers themselves; nothing if there are many."""
    found = _numbers(program, starts)
    computed: list[ast.AST] = [one for one in found[:1] if isinstance(one, ast.BinOp)]
    plain: list[ast.AST] = [one for one in found if isinstance(one, ast.Constant)]
    lines = {(program.paths[one], getattr(one, "lineno", 0)) for one in plain}
    return computed or (plain[:1] if 0 < len(lines) <= 1 else plain if len(lines) <= FEW else [])


def _numbers(program: Program, starts: Sequence[ast.expr | At]) -> list[ast.expr]:
    """Numbers, and products and quotients of what is no number, that flow into these values; nearest first."""
    flow = flow_into(program, starts)
    return [at.node for at in flow if _is_number(at.node) or _is_computed(at.node)]


def _is_number(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Constant)
        and isinstance(node.value, (int, float))
        and not isinstance(node.value, bool)
    )


def _is_computed(node: ast.expr) -> bool:
    whole = isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mult, ast.Div, ast.Pow, ast.FloorDiv))
    return whole and not all(
        isinstance(one, (ast.BinOp, ast.UnaryOp, ast.Constant, ast.operator, ast.unaryop))
        for one in ast.walk(node)
    )


def _value(node: ast.Constant) -> float:
    return float(node.value) if isinstance(node.value, (int, float)) else 0.0


def _spread_of(call: ast.Call) -> list[ast.expr]:
    """The number that says how widely a call draws."""
    named = [one.value for one in call.keywords if one.arg in SPREADS]
    at = FILLS[called_name(call)] + (_of_module(call) and called_name(call).endswith("_"))
    return named[:1] or call.args[at : at + 1]


def _of_module(call: ast.Call) -> bool:
    """Whether it is `init.normal_(table, 0, 1)`, and not `table.normal_(0, 1)`."""
    base = call.func.value if isinstance(call.func, ast.Attribute) else None
    return base is None or getattr(base, "attr", getattr(base, "id", "")) == "init"


def _named_at(program: Program, place: CodePlace) -> Iterator[str]:
    """Names and attributes that a line assigns."""
    for node in expressions_of(program, [place]):
        statement = program.statement(node)
        targets = (
            statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
        )
        for target in targets:
            if isinstance(target, ast.Attribute):
                yield target.attr
            elif isinstance(target, ast.Name):
                yield target.id


def _names_of(program: Program, call: ast.Call) -> set[str]:
    """The names in the whole statement of a call."""
    nodes = list(ast.walk(program.statement(call)))
    return {one.attr for one in nodes if isinstance(one, ast.Attribute)} | {
        one.id for one in nodes if isinstance(one, ast.Name)
    }


def _for_tables(program: Program, call: ast.Call) -> bool:
    """Whether a call stands under `if isinstance(module, nn.Embedding)`."""
    tests = [one.test for one in program.around(call) if isinstance(one, ast.If)]
    named = [getattr(one, "attr", getattr(one, "id", "")) for test in tests for one in ast.walk(test)]
    return any(name.endswith("Embedding") for name in named)
