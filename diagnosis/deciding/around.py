"""What stands around or beside a line and decides what becomes of its values: conditions, fillings, losses, saved states."""

import ast
from collections.abc import Sequence

from diagnosis.deciding.program import Function, Program
from diagnosis.deciding.shape import calls_any, constant, is_schedule, operands, slices
from diagnosis.deciding.statements import expressions_of, statements_at
from diagnosis.deciding.walk import flow_into
from diagnosis.findings import CodePlace
from diagnosis.syntax import called_name

NEAR = 3  # statements
MOVES = {"roll", "append", "insert", "concatenate", "cat", "hstack", "pad", "delete"}
JOINING = {"cat", "concat", "concatenate", "stack", "hstack", "column_stack"}
PENALTIES = {
    "softplus", "logsigmoid", "sigmoid", "log", "relu", "clamp", "clip", "exp", "logaddexp", "log_softmax", "softmax",
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "margin_ranking_loss", "triplet_margin_loss",
    "hinge_embedding_loss", "cross_entropy", "log1p", "maximum", "expit",
}  # fmt: skip
BESIDE = ("__init__", "fit", "state_dict", "load_state_dict")  # methods that do not score
COPIES = {"clone", "copy", "deepcopy", "detach", "numpy"}


def guards(program: Program, seen: Sequence[CodePlace]) -> list[ast.AST]:
    """The condition under which the optimizer that was made on the last line is stepped."""
    made = {call for one in expressions_of(program, seen[-1:]) for call in ast.walk(one)}
    steps = [call for call in program.calls.get("step", []) if _steps(program, call, made)]
    conditions: list[ast.AST] = []
    for call in steps:
        inside = next((one for one in program.around(call) if isinstance(one, (ast.If, Function))), None)
        conditions += [inside.test] if isinstance(inside, ast.If) else []
    return conditions if len(conditions) == len(steps) else []


def fillings(program: Program, seen: Sequence[CodePlace]) -> list[ast.AST]:
    """What fills the table that is made on the first line, else what moves its rows; first of all what takes a row's values
    from the place beside its own.
    """
    starts = expressions_of(program, seen[:1])
    here: list[ast.AST] = [one for start in starts for one in ast.walk(start) if _moves(program, one)]
    if here or any(_asks_beside(one) for start in starts for one in ast.walk(start)):
        return []
    flow = list(flow_into(program, starts))
    shifts: list[ast.AST] = [at.node for at in flow if _moves(program, at.node)]
    moved: list[ast.AST] = [at.node for at in flow if at.hops <= NEAR and _moves(program, at.node)]
    if not moved and len({program.statement(one) for one in shifts}) == 1:
        moved = shifts  # farther away, and the only one
    filled = _filled(program, seen[:1], starts)
    beside = [one for node in filled for one in _taken_beside(program, node)]
    return beside[:1] or filled or moved[:1]


def _asks_beside(node: ast.AST) -> bool:
    """`table[items - 1]`, `table[(items - 1).clamp(min=0)]`"""
    if not isinstance(node, ast.Subscript) or isinstance(node.slice, ast.Slice | ast.Tuple):
        return False
    asked = node.slice
    while isinstance(asked, ast.Call) and isinstance(asked.func, ast.Attribute):
        asked = asked.func.value
    both = operands(asked, ast.Add) or operands(asked, ast.Sub)
    return bool(both) and constant(both[1]) == 1


def _taken_beside(program: Program, filled: ast.AST) -> list[ast.AST]:
    """Where the values come from that fill a row, or their loop: `rows[item - 1]`, `for name in names[item + 1]`."""
    loops = [one.iter for one in program.around(filled) if isinstance(one, ast.For)]
    shifts = (ast.Add, ast.Sub)
    return [
        part
        for one in (filled, *loops)
        for part in ast.walk(one)
        if isinstance(part, ast.Subscript)
        and any(both and constant(both[1]) == 1 for op in shifts for both in [operands(part.slice, op)])
    ]


def penalties(program: Program, seen: Sequence[CodePlace]) -> list[ast.AST]:
    """The function of the scores by which the loss on the first line pushes them up or down."""
    starts = expressions_of(program, seen[:1])
    if any(isinstance(one, ast.Call) and called_name(one) in JOINING for one in starts):
        return []  # scores are put beside each other there in the wrong order
    flow = [at for at in flow_into(program, starts) if at.hops <= NEAR]
    found = [
        (at.hops, at.node)
        for at in flow
        if isinstance(at.node, ast.Call) and called_name(at.node) in PENALTIES
    ]
    least = min((hops for hops, _ in found), default=0)
    return [node for hops, node in found if hops == least and least > 0]


def windows(program: Program, seen: Sequence[CodePlace]) -> list[ast.AST]:
    """The loop around the first line that goes over a part of the places only."""
    for statement in (one for place in seen[:1] for one in statements_at(program, place)):
        for loop in (one for one in program.around(statement) if isinstance(one, ast.For)):
            counted = isinstance(loop.iter, ast.Call) and called_name(loop.iter) == "range"
            begins = (
                loop.iter.args[0] if isinstance(loop.iter, ast.Call) and len(loop.iter.args) > 1 else None
            )
            if counted and begins is not None and not isinstance(begins, ast.Constant):
                return [loop.iter]
    return []


def states(program: Program, seen: Sequence[CodePlace]) -> list[ast.AST]:
    """A copy of weights that `score` reads and the saved state lacks; else `state_dict` of the entry if it names each part.

    One that hands on a module's own state lacks nothing of it: then it is a cache, or the like, that is to blame.
    """
    found = _chosen(program)
    for score in program.functions.get("score", []) if not found else ():
        owner = program.class_of(score)
        saving = program.methods(owner, "state_dict") if owner is not None else []
        if owner is None or not saving or not program.methods(owner, "fit"):
            continue
        asked = [one for one in owner.body if isinstance(one, Function) and one.name not in BESIDE]
        read = {one.attr for method in asked for one in ast.walk(method) if isinstance(one, ast.Attribute)}
        saved = {one.attr for one in ast.walk(saving[0]) if isinstance(one, ast.Attribute)}
        kept = [one.value for name in sorted(read - saved) for one in program.attributes.get(name, [])]
        own = [value for value in kept if program.class_of(value) is owner]
        copies = [value for value in own if any(_copies(one) for one in ast.walk(value))]
        written = [one for one in ast.walk(saving[0]) if isinstance(one, ast.Dict) and len(one.keys) > 1]
        found += copies or (saving[:1] if written else _without_average(program, saving[0]))
    return found if len(found) == 1 else []


def _without_average(program: Program, saving: Function) -> list[ast.AST]:
    """The state that is handed on, where the program keeps a second model, a copy of the first, and that state is not the copy's."""
    returned = [
        node.value for node in ast.walk(saving) if isinstance(node, ast.Return) and node.value is not None
    ]
    if (
        len(returned) != 1
        or not isinstance(returned[0], ast.Call)
        or called_name(returned[0]) != "state_dict"
    ):
        return []
    path = {one.attr for one in ast.walk(returned[0]) if isinstance(one, ast.Attribute)}
    copied = [
        (name, one.value)
        for name, given in program.attributes.items()
        for one in given
        if any(_copies_model(part) for part in ast.walk(one.value))
    ]
    owners = {owner.name for _, value in copied if (owner := program.class_of(value)) is not None}
    holders = {
        name
        for name, given in program.attributes.items()
        if any(isinstance(one.value, ast.Call) and called_name(one.value) in owners for one in given)
    }
    entry = program.class_of(saving)
    direct = {name for name, value in copied if entry is not None and program.class_of(value) is entry}
    second = direct | (holders - {name for name, _ in copied})
    return [returned[0]] if second and not second & path else []


def _copies_model(node: ast.AST) -> bool:
    """`copy.deepcopy(model)`, `AveragedModel(model)`; not a copy of a state."""
    if not isinstance(node, ast.Call) or called_name(node) not in (
        "deepcopy",
        "AveragedModel",
        "ModelEma",
        "ModelEmaV2",
        "EMA",
    ):
        return False
    return not any(
        isinstance(part, ast.Call) and called_name(part) == "state_dict" for part in ast.walk(node)
    )


def _chosen(program: Program) -> list[ast.AST]:
    """Where a saved state takes some of the parameters only: `{name: p for name, p in params.items() if p.dim() == 2}`."""
    return [
        node
        for saving in program.functions.get("state_dict", [])
        for node in ast.walk(saving)
        if isinstance(node, ast.DictComp) and any(part.ifs for part in node.generators)
    ]


def _copies(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and called_name(node) in COPIES


def _steps(program: Program, call: ast.Call, made: set[ast.AST]) -> bool:
    """Whether a call steps the optimizer that these nodes make, and not a schedule of it."""
    if call.args or not isinstance(call.func, ast.Attribute):
        return False
    flow = [at.node for at in flow_into(program, [call.func.value])]
    schedule = any(isinstance(one, ast.Call) and is_schedule(called_name(one)) for one in flow)
    return not schedule and not made.isdisjoint(flow)


def _filled(program: Program, places: Sequence[CodePlace], starts: Sequence[ast.expr] = ()) -> list[ast.AST]:
    """The values that are put into parts of what these lines assign, else of what they return: `table[row] = value`."""
    statements = [one for place in places for one in statements_at(program, place)]
    targets = [one for each in statements if isinstance(each, ast.Assign) for one in each.targets]
    returned = any(isinstance(each, ast.Return) for each in statements)
    names = targets or [one for start in starts if returned for one in ast.walk(start)]
    scopes = dict.fromkeys((program.scope(one), one.id) for one in names if isinstance(one, ast.Name))
    found: list[ast.AST] = []
    for place in scopes:
        given = program.locals.get(place, [])
        into = [getattr(program.statement(one.value), "targets", [None])[0] for one in given]
        found += [one.value for one, part in zip(given, into, strict=True) if isinstance(part, ast.Subscript)]
    return found


def _moves(program: Program, node: ast.AST) -> bool:
    """Whether rows get other places: a row in front, a slice without the first or last, a roll."""
    if isinstance(node, ast.Subscript):
        bounds = [bound for one in slices(node) for bound in (one.lower, one.upper) if bound is not None]
        numbers = [one.operand if isinstance(one, ast.UnaryOp) else one for one in bounds]
        return len(bounds) == 1 and constant(numbers[0]) == 1
    return calls_any(program, node, MOVES)
