"""Which syntax decides what a target is: the index or slice that takes it from a history, and what else reaches there."""

import ast

from diagnosis.deciding.parameters import given_to
from diagnosis.deciding.program import GROWING, Definition, Program
from diagnosis.deciding.shape import SHUFFLES, calls_any, constant, is_generated, operands, slices
from diagnosis.deciding.walk import At
from diagnosis.syntax import called_name

TURNS = {"flip", "fliplr", "flipud", "reversed", "reverse"}
SORTS = {"sort", "argsort", "sorted", "lexsort"}
REPEATS = {"tile", "repeat", "repeat_interleave", "expand"}


def picks(program: Program, walked: list[At]) -> list[ast.AST]:
    """The index or slice by which targets are taken from a history, after inputs that reach too far.

    Where there is none, what is put into the list of targets, or the last event of a history.
    """
    indexed = [at for at in walked if isinstance(at.node, ast.Subscript) and not _is_bound(at)]
    chosen = [at.node for at in indexed if isinstance(at.node, ast.Subscript) and _of_time(program, at.node)][
        :1
    ]
    # whole statements: they stay, however far from here the walk comes past them
    too_far = [program.statement(node) for one in chosen for node in _reaching_too_far(program, one)]
    if chosen:
        return [*too_far, *chosen]
    put = [at.node for at in walked if _is_put(program, at.node) and not isinstance(at.node, ast.Constant)]
    return [at.node for at in walked if at.node in put or _is_end(at.node)]


def own_picks(program: Program, walked: list[At]) -> list[ast.AST]:
    """Where one and the same event is put into the targets and into another list or array; else as `picks`."""
    return [at.node for at in walked if _is_put_twice(program, at.node)] or picks(program, walked)


def _is_put_twice(program: Program, node: ast.AST) -> bool:
    """Whether the same block puts a value into two arrays or lists: `inputs.append(s)` beside `labels.append(s)`."""
    into = _put_into(program, node)
    if not into or not isinstance(node, ast.expr) or isinstance(node, ast.Constant):
        return False
    statement = program.statement(node)
    beside = [one for one in _block_of(program, statement) if one is not statement]
    alike = (
        one for other in beside for one in ast.walk(other) if isinstance(one, ast.expr) and _same(one, node)
    )
    return any(
        program.statement(one) in beside and _put_into(program, one) not in ("", into) for one in alike
    )


def _same(one: ast.expr, other: ast.expr) -> bool:
    return type(one) is type(other) and ast.dump(one) == ast.dump(other)


def _block_of(program: Program, statement: ast.AST) -> list[ast.stmt]:
    """The statements of the block in which a statement stands."""
    holder = program.parents.get(statement)
    parts = [getattr(holder, name, []) for name in ("body", "orelse", "finalbody")]
    return next((part for part in parts if isinstance(part, list) and statement in part), [])


def _put_into(program: Program, node: ast.AST) -> str:
    """The array an element of which, or the list to which, a value is put; "" where it is put into none."""
    holder = program.parents.get(node)
    if isinstance(holder, ast.Assign) and holder.value is node:
        places = [one.value for one in holder.targets if isinstance(one, ast.Subscript)]
        return ast.dump(places[0]) if places else ""
    if _is_put(program, node) and isinstance(holder, ast.Call) and isinstance(holder.func, ast.Attribute):
        return ast.dump(holder.func.value)
    return ""


def reversals(program: Program, walked: list[At]) -> list[ast.AST]:
    """What turns a history round; else as `picks`."""
    turned: list[ast.AST] = []
    for at in walked:
        steps = slices(at.node) if isinstance(at.node, ast.Subscript) else ()
        back = any(isinstance(one.step, ast.UnaryOp) and isinstance(one.step.op, ast.USub) for one in steps)
        if back or calls_any(program, at.node, TURNS) or _is_descending(at.node):
            turned.append(at.node)
    return turned or picks(program, walked)


def crossings(program: Program, walked: list[At]) -> list[ast.AST]:
    """Where an event beside another is taken, across the end of its user's: `items[at + 1]`, `items[:-1]`."""
    taken = [at.node for at in walked if isinstance(at.node, ast.Subscript) and not _is_bound(at)]
    chosen: list[ast.AST] = [node for node in taken if _of_time(program, node)]
    return chosen[:1]


def alignments(program: Program, walked: list[At]) -> list[ast.AST]:
    """Where rows are put in another order, nearest first; else where they are repeated, in one way or the other."""
    shuffled = shuffles(program, walked, SHUFFLES | SORTS)
    repeated: list[ast.AST] = [at.node for at in walked if calls_any(program, at.node, REPEATS)]
    for one in repeated[:1]:
        beside = ast.walk(program.scope(one)) if not shuffled else ()
        repeated += [other for other in beside if other is not one and calls_any(program, other, REPEATS)]
    return shuffled or repeated


def _is_bound(at: At) -> bool:
    """Whether a value only tells where a slice of another begins or ends, or is compared, which chooses rows."""
    one: At | None = at
    while one is not None and one.before is not None:
        outer = one.before.node
        if isinstance(outer, ast.Compare) or _is_slice(outer):
            return True
        if (
            isinstance(outer, ast.Subscript)
            and one.node is outer.slice
            and isinstance(outer.slice, ast.Slice)
        ):
            return True
        one = one.before
    return False


def _is_put(program: Program, node: ast.AST) -> bool:
    """Whether a value is appended to a list."""
    call = program.parents.get(node)
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
        return False
    return call.func.attr in GROWING and node in call.args


def _is_end(node: ast.AST) -> bool:
    """Whether it is the last of a history: `history[-1]`."""
    index = node.slice if isinstance(node, ast.Subscript) else None
    return isinstance(index, ast.UnaryOp) and isinstance(index.op, ast.USub) and constant(index.operand) == 1


def _is_descending(node: ast.AST) -> bool:
    """Whether a sort puts the highest first: `reverse=True`, `ascending=False`, a key with its sign turned."""
    if not isinstance(node, ast.Call) or called_name(node) not in SORTS | {"sort_values"}:
        return False
    told = {one.arg: one.value.value for one in node.keywords if isinstance(one.value, ast.Constant)}
    if told.get("reverse") is True or told.get("descending") is True or told.get("ascending") is False:
        return True
    keys = [one for given in node.args for one in ast.walk(given) if isinstance(one, ast.UnaryOp)]
    return any(isinstance(one.op, ast.USub) and not isinstance(one.operand, ast.Constant) for one in keys)


def _is_slice(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "slice"


def _of_time(program: Program, node: ast.Subscript) -> bool:
    """Whether a history is shifted by a slice, or indexed with a number that a loop counts."""
    parts = list(slices(node))
    if getattr(node.value, "attr", "") == "shape":
        return False
    if parts:
        return all(_constant_or_none(bound) for part in parts for bound in (part.lower, part.upper))
    if any(_is_shift(one) for one in ast.walk(node.slice)):
        return True
    names = [one.id for one in ast.walk(node.slice) if isinstance(one, ast.Name)]
    given = program.locals.get((program.scope(node), names[0]), []) if len(names) == 1 else []
    return any(_counts(one) for one in given)


def _is_shift(node: ast.AST) -> bool:
    """Whether it is a place a few events before or after another: `at + 1`."""
    both = operands(node, ast.Add) or operands(node, ast.Sub)
    return both is not None and constant(both[1]) > 0 and isinstance(both[0], (ast.Name, ast.Attribute))


def _counts(given: Definition) -> bool:
    name = called_name(given.value) if isinstance(given.value, ast.Call) else ""
    return given.loops and (name == "range" or (name == "enumerate" and given.path_in[:1] == (0,)))


def _constant_or_none(bound: ast.expr | None) -> bool:
    return bound is None or all(
        isinstance(one, (ast.Constant, ast.UnaryOp, ast.unaryop)) for one in ast.walk(bound)
    )


def _reaching_too_far(program: Program, chosen: ast.Subscript) -> list[ast.AST]:
    """Slices of the same history that end behind the target `history[t]`, here or in a function that is given both."""
    index, base = ast.dump(chosen.slice), ast.dump(chosen.value)
    scope = program.scope(chosen)
    found = _ending_behind(scope, base, index)
    for call in (one for one in ast.walk(scope) if isinstance(one, ast.Call)):
        for function in program.functions.get(called_name(call), []):
            inside = {ast.dump(given): name for name, given in given_to(function, call)}
            if base in inside and index in inside:
                found += _ending_behind(function, _named(inside[base]), _named(inside[index]))
    return found


def _named(name: str) -> str:
    return ast.dump(ast.Name(id=name, ctx=ast.Load()))


def _ending_behind(scope: ast.AST, base: str, index: str) -> list[ast.AST]:
    """Slices of `base` in a scope that end some places behind `index`, both as `ast.dump` writes them."""
    found: list[ast.AST] = []
    for node in ast.walk(scope):
        if not isinstance(node, ast.Subscript) or ast.dump(node.value) != base:
            continue
        for part in slices(node):
            more = operands(part.upper, ast.Add)
            if more is not None and ast.dump(more[0]) == index and constant(more[1]) > 0:
                found.append(node)
    return found


def shuffles(program: Program, walked: list[At], names: set[str]) -> list[ast.AST]:
    """Where rows are put in another order; of a helper that is given the rows, where it is called."""
    found = []
    for at in walked:
        if calls_any(program, at.node, names):
            helped = bool(at.calls) and bool(at.calls[-1].args) and not is_generated(program, at.node)
            found.append(at.calls[-1] if helped else at.node)
    return found
