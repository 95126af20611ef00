"""Loops whose rounds are batches of one: over a column of questions, pieces of size one, or a generator of the repo that gives them."""

import ast

from diagnosis.rules.places_from import number
from diagnosis.rules.repeated import callee, repo_of
from diagnosis.rules.source import Function, ParsedFile
from diagnosis.rules.values import How, bindings
from diagnosis.syntax import called_name, dotted

SIZES = ("size", "batch_size", "bs", "batch", "n", "step", "chunk_size")
HANDS_ON = {"tqdm", "enumerate", "list", "iter", "as_tensor", "from_numpy", "asarray"}
PIECES = {
    "split",
    "DataLoader",
    "batched",
    "chunked",
    "batches",
    "chunks",
    "loader",
    "iter_batches",
    "minibatches",
}
DEEPEST = 3  # generators and names that one question follows


def gives_ones(source: ParsedFile, given: ast.expr, depth: int = 0) -> bool:
    """Whether what a loop goes through is one question at a time, each with an axis of its own: `at[:, None]`, `users.split(1)`."""
    while isinstance(given, ast.Call) and called_name(given) in HANDS_ON and given.args:
        given = given.args[0]
    if depth > DEEPEST:
        return False
    if isinstance(given, ast.Name):
        made = [
            b.value for b in bindings(source, given.id, given) if b.how is How.ASSIGNED and b.position is None
        ]
        return len(made) == 1 and gives_ones(source, made[0], depth + 1)
    if isinstance(given, ast.Subscript):
        return _is_a_column(given.slice)
    if not isinstance(given, ast.Call):
        return False
    return _cuts_to_ones(source, given) or _yields_ones(source, given, depth)


def _is_a_column(index: ast.expr) -> bool:
    """`:, None`"""
    if not isinstance(index, ast.Tuple) or len(index.elts) != 2:
        return False
    first, second = index.elts
    every = (
        isinstance(first, ast.Slice) and first.lower is None and first.upper is None and first.step is None
    )
    return every and (
        (isinstance(second, ast.Constant) and second.value is None) or dotted(second).endswith("newaxis")
    )


def _cuts_to_ones(source: ParsedFile, call: ast.Call) -> bool:
    """`users.split(1)`, `np.array_split(users, len(users))`, `users.view(-1, 1)`, `DataLoader(questions, batch_size=1)`"""
    name = called_name(call)
    library = source.full_name(call).startswith(("torch.", "numpy."))
    args = call.args[1:] if library else call.args
    if any(k.arg in ("dim", "axis") and number(k.value) != 0 for k in call.keywords):
        return False
    if name in ("array_split", "split") and library and args:
        count = args[0]
        if isinstance(count, ast.Call) and called_name(count) == "len":
            return "numpy." in source.full_name(call) and len(args) == 1
    if name == "split" and len(args) == 1 and (library or isinstance(call.func, ast.Attribute)):
        return number(args[0]) == 1 and "numpy." not in source.full_name(call)
    if name in ("view", "reshape"):
        return [number(one) for one in args] == [-1, 1]
    if name in ("unsqueeze", "expand_dims") and args:
        return number(args[0]) == 1
    told = [k.value for k in call.keywords if k.arg in SIZES]
    if name in PIECES and not told:
        told = call.args[1:2] if name in ("DataLoader", "batched", "chunked") else []
    return name in PIECES and len(told) == 1 and number(told[0]) == 1 and not isinstance(told[0], ast.UnaryOp)


def _yields_ones(source: ParsedFile, call: ast.Call, depth: int) -> bool:
    """Whether a generator of the repo gives one question a round: a loop of its own yields rows of one."""
    reached = callee(repo_of(source), source, call)
    if reached is None or not isinstance(reached.node, Function):
        return False
    file, node = reached.file, reached.node
    yields = [y for y in file.within(node, ast.Yield) if file.function_of(y) is node and y.value is not None]
    if not yields or file.within(node, ast.YieldFrom):
        return False
    return all(_is_of_one(file, given, depth) for given in yields)


def _is_of_one(file: ParsedFile, given: ast.Yield, depth: int) -> bool:
    loop = next((o for o in file.around(given) if isinstance(o, ast.For | ast.While | Function)), None)
    if not isinstance(loop, ast.For) or given.value is None:
        return False
    at = {part.id for part in ast.walk(loop.target) if isinstance(part, ast.Name)}
    read = {part.id for part in ast.walk(given.value) if isinstance(part, ast.Name)}
    if at & read and gives_ones(file, loop.iter, depth + 1):
        return True
    parts = given.value.elts if isinstance(given.value, ast.Tuple) else [given.value]
    told = [p for p in parts if at & {n.id for n in ast.walk(p) if isinstance(n, ast.Name)}]
    step = loop.iter.args[2:] if isinstance(loop.iter, ast.Call) and called_name(loop.iter) == "range" else []
    return bool(told) and not step and all(isinstance(p, ast.List) and len(p.elts) == 1 for p in told)


def goes_on(call: ast.Call, body: list[ast.stmt]) -> bool:
    """Whether a call is given what it gave in the round before, as a state is: the loop then reads one history."""
    given = {
        n.id
        for one in (*call.args, *(k.value for k in call.keywords))
        for n in ast.walk(one)
        if isinstance(n, ast.Name)
    }
    kept = {
        n.id
        for statement in body
        for part in ast.walk(statement)
        if isinstance(part, ast.Assign) and any(inner is call for inner in ast.walk(part.value))
        for target in part.targets
        for n in ast.walk(target)
        if isinstance(n, ast.Name)
    }
    return bool(given & kept)
