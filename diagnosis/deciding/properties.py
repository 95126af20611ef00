"""Which syntax decides which property of values: a draw decides which negatives there are, a slice which targets."""

import ast

from diagnosis.deciding.membership import tests_of
from diagnosis.deciding.program import Program
from diagnosis.deciding.shape import SHUFFLES, Picks, calls_any, constant, is_generated, operands, slices
from diagnosis.deciding.targets import alignments, crossings, own_picks, picks, reversals
from diagnosis.deciding.walk import ITERATED, At
from diagnosis.syntax import called_name

DRAWS = {
    "randint",
    "random_integers",
    "integers",
    "choice",
    "choices",
    "randrange",
    "multinomial",
    "sample",
    "rand",
    "random",
    "random_sample",
    "uniform",
    "randint_like",
    "random_",
    "tomaxint",
}
SEEDS = {"default_rng", "RandomState", "manual_seed", "seed", "Random", "PCG64", "manual_seed_all"}
ONCE = {"__init__", "build", "__setstate__", "<module>"}
SORTS = {"sorted", "sort", "argsort", "lexsort", "sort_values"}
ORDERS = SORTS | {"DataLoader", "BatchSampler", "SequentialSampler"}
JOINS = {"cat", "concat", "concatenate", "hstack", "column_stack", "pad", "roll", "insert"}
ANSWER = 3  # statements between what `score` returns and what moves its columns
OF_ANSWERS = ("items-shifted", "user-shifted")  # sought from what `score` returns
SPARSE = {"sparse_coo_tensor", "FloatTensor", "SparseTensor"}


def sorts(program: Program, walked: list[At]) -> list[ast.AST]:
    """Where something is sorted."""
    return [at.node for at in walked if calls_any(program, at.node, SORTS)]


def draws(program: Program, walked: list[At]) -> list[ast.AST]:
    """Random draws, those that are repeated until they fit last."""
    found = [at.node for at in walked if calls_any(program, at.node, DRAWS)]
    return sorted(found, key=lambda node: _repeated(program, node))


def seeded_draws(program: Program, walked: list[At]) -> list[ast.AST]:
    """Where a generator is made or seeded anew in code that runs again and again; then the calls that draw in code that runs
    once, then the draws.
    """
    drawn = draws(program, walked)
    once = [
        call
        for at in walked
        if calls_any(program, at.node, DRAWS) and not _runs_later(program, at)
        for call in at.calls[:1]
        if getattr(program.scope(call), "name", "<module>") in ONCE
    ]
    return [*_seeds(program, walked), *dict.fromkeys(once), *drawn] if drawn else []


def _runs_later(program: Program, at: At) -> bool:
    """Whether a value is made by what a loop asks again and again of the object that a call has made."""
    one: At | None = at
    while one is not None and one.calls:
        if getattr(program.scope(one.node), "name", "") in ITERATED or is_generated(program, one.node):
            return True
        one = one.before
    return False


def _seeds(program: Program, walked: list[At]) -> list[ast.AST]:
    """Seeds of generators that were walked through, outside of code that runs once."""
    nodes = {at.node: None for at in walked}
    named = {
        (program.scope(node), ast.dump(node)) for node in nodes if isinstance(node, (ast.Name, ast.Attribute))
    }
    found: list[ast.AST] = [node for node in nodes if calls_any(program, node, SEEDS)]
    for call in (one for name in SEEDS for one in program.calls.get(name, [])):
        receiver = call.func.value if isinstance(call.func, ast.Attribute) else None
        if receiver is not None and (program.scope(call), ast.dump(receiver)) in named:
            found.append(call)
    again = [one for one in found if getattr(program.scope(one), "name", "<module>") not in ONCE]
    return list(dict.fromkeys(again))


def _seeds_of_loaders(program: Program) -> list[ast.AST]:
    """Where a generator is seeded anew, in code that runs again, that a loader or sampler shuffles with."""
    loaders = [call for name in ("DataLoader", "RandomSampler") for call in program.calls.get(name, [])]
    held = {ast.dump(one.value) for call in loaders for one in call.keywords if one.arg == "generator"}
    return [
        call
        for call in program.calls.get("manual_seed", [])
        if isinstance(call.func, ast.Attribute)
        and ast.dump(call.func.value) in held
        and getattr(program.scope(call), "name", "<module>") not in ONCE
    ]


def rejections(program: Program, walked: list[At]) -> list[ast.AST]:
    """The test by which drawn items are kept or drawn again; else the draws."""
    drawn = draws(program, walked)
    tests: list[ast.AST] = list(dict.fromkeys(one for node in drawn for one in tests_of(program, node)))
    again = [node for node in drawn if _repeated(program, node)]
    tests += [name for node in again for name in _tested(program, node)] if not tests else []
    return [*tests, *drawn]


def _tested(program: Program, node: ast.AST) -> list[ast.AST]:
    """What the loop around a repeated draw asks: the values of the names in its condition."""
    loop = next((one for one in program.around(node) if isinstance(one, ast.While)), None)
    names = {one.id for one in ast.walk(loop.test) if isinstance(one, ast.Name)} if loop else set()
    scope = program.scope(node)
    return [one.value for name in sorted(names) for one in program.locals.get((scope, name), [])]


def cuts(program: Program, walked: list[At]) -> list[ast.AST]:
    """Slices that leave rows or events out, not the shift of targets by one; else filters."""
    sliced: list[ast.AST] = []
    filtered: list[ast.AST] = []
    for at in walked:
        node = at.node
        if (isinstance(node, ast.Subscript) and any(_leaves_out(part) for part in slices(node))) or calls_any(
            program, node, {"head", "tail", "min", "islice"}
        ):
            sliced.append(node)
        elif isinstance(node, ast.Compare) or calls_any(program, node, {"drop_duplicates", "query"}):
            filtered.append(node)
        filtered += [test for part in getattr(node, "generators", ()) for test in part.ifs]
    return sliced or filtered or [at.node for at in walked if _goes_over_a_part(at.node)]


def _goes_over_a_part(node: ast.AST) -> bool:
    """Whether a range leaves more out than the first place: `range(len(x), width, -width)`, not `range(0, len(x), size)`."""
    if not isinstance(node, ast.Call) or called_name(node) not in ("range", "arange") or not node.args:
        return False
    low, high = (node.args[0], node.args[1]) if len(node.args) > 1 else (ast.Constant(value=0), node.args[0])
    step = node.args[2] if len(node.args) > 2 else None
    if isinstance(step, ast.UnaryOp):
        low, high = high, low
    from_the_first = isinstance(low, ast.Constant) and constant(low) in (0, 1)
    negative = isinstance(low, ast.UnaryOp) and isinstance(low.operand, ast.Constant)
    return not (from_the_first or negative) or not (_is_length(high) or isinstance(high, ast.Name))


def edge_cuts(program: Program, walked: list[At]) -> list[ast.AST]:
    """The same for edges; else random choices of them, else where they are put into blocks of a matrix."""
    return cuts(program, walked) or draws(program, walked) or blocks(program, walked)


def end_cuts(program: Program, walked: list[At]) -> list[ast.AST]:
    """What takes the last event away: `len(x) - 2`, `x[:-1]`, `range(1, len(x) - 1)`."""
    found: list[ast.AST] = []
    for at in walked:
        less = operands(at.node, ast.Sub)
        if less is not None and _is_length(less[0]) and constant(less[1]) > 0:
            found.append(at.node)
        for part in slices(at.node) if isinstance(at.node, ast.Subscript) else ():
            upper = part.upper
            if isinstance(upper, ast.UnaryOp) and isinstance(upper.op, ast.USub) and part.lower is None:
                found.append(at.node)
    return found


def orders(program: Program, walked: list[At]) -> list[ast.AST]:
    """Where the generator that shuffles is seeded anew; else where rows are sorted, and the loader of rows as they come."""
    shuffled = [at.node for at in walked if calls_any(program, at.node, SHUFFLES)]
    seeds = _seeds(program, walked) if shuffled else _seeds_of_loaders(program)
    return seeds or [at.node for at in walked if calls_any(program, at.node, ORDERS)]


def blocks(program: Program, walked: list[At]) -> list[ast.AST]:
    """Where edges are put into blocks of a matrix; else where items are numbered behind users."""
    built: list[ast.AST] = []
    added: list[ast.AST] = []
    for at in walked:
        statement = program.statement(at.node)
        targets = (
            statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
        )
        cells = [
            one for one in targets if isinstance(one, ast.Subscript) and isinstance(one.slice, ast.Tuple)
        ]
        if any(slices(one) for one in cells) or calls_any(program, at.node, {"bmat", "block_array", "block"}):
            built.append(at.node)
        sums = operands(at.node, ast.Add)
        if sums is not None and isinstance(sums[1], (ast.Name, ast.Attribute)):
            added.append(at.node)
    return built or added


def weights(program: Program, walked: list[At]) -> list[ast.AST]:
    """Where the values of the edges are made that a sparse matrix is built from."""
    calls = [
        at.node for at in walked if isinstance(at.node, ast.Call) and calls_any(program, at.node, SPARSE)
    ]
    made = [one for one in calls if len(one.args) > 1][:1]
    given = [
        at.node for at in walked for one in made if at.before is not None and at.before.node is one.args[1]
    ]
    return [*given[:1]] or [*made]


def column_moves(program: Program, walked: list[At]) -> list[ast.AST]:
    """What moves columns of the answer: a block that is written or read beside an edge, a column put in front or behind."""
    found: list[ast.AST] = []
    for at in walked:
        targets = getattr(program.statement(at.node), "targets", [])
        parts = [at.node, *targets] if at.hops <= ANSWER else []
        shifted = [one for one in parts if isinstance(one, ast.Subscript) and _moves(one)]
        if shifted or (parts and calls_any(program, at.node, JOINS)):
            found.append(at.node)
    return found


def _moves(node: ast.Subscript) -> bool:
    """Whether columns are taken from the second on, or without the last: `[:, 1:]`, `[:, :-1]`."""
    last = node.slice.elts[-1] if isinstance(node.slice, ast.Tuple) else None
    bounds = [last.lower, last.upper] if isinstance(last, ast.Slice) else []
    constants = [one for bound in bounds if bound is not None for one in ast.walk(bound)]
    return any(isinstance(one, ast.Constant) and one.value == 1 for one in constants)


def user_moves(program: Program, walked: list[At]) -> list[ast.AST]:
    """Where a constant is added to, or taken from, the users that `score` is asked for."""
    scores = [one for one in program.functions.get("score", []) if program.class_of(one) is not None]
    users = {(one, one.args.args[1].arg) for one in scores if len(one.args.args) > 1}
    found: list[ast.AST] = []
    for at in walked:
        both = operands(at.node, ast.Sub) or operands(at.node, ast.Add)
        names = [one.id for one in ast.walk(both[0]) if isinstance(one, ast.Name)] if both else []
        if both and constant(both[1]) and any((program.scope(at.node), name) in users for name in names):
            found.append(at.node)
    return found


def _repeated(program: Program, node: ast.AST) -> bool:
    return any(isinstance(one, ast.While) for one in program.around(node)) or isinstance(
        getattr(program.statement(node), "targets", [None])[0], ast.Subscript
    )


def _leaves_out(part: ast.Slice) -> bool:
    """Whether a slice is more than a shift by one: `[1:]`, `[:-1]`, `[a:b]` of offsets."""
    if part.lower is not None and part.upper is not None and part.step is None:
        return False
    if part.lower is not None and part.upper is None and part.step is None:
        return not isinstance(part.lower, ast.Constant)
    return not (isinstance(part.upper, ast.UnaryOp) and part.step is None)


def _is_length(node: ast.AST) -> bool:
    sized = isinstance(node, ast.Call) and called_name(node) in ("len", "size", "numel")
    return sized or (isinstance(node, ast.Subscript) and getattr(node.value, "attr", "") == "shape")


BY_CODE: dict[str, Picks] = {
    "negatives-out-of-range": draws,
    "negatives-repeated": seeded_draws,
    "negatives-hit-positives": rejections,
    "users-drawn-uniformly": draws,
    "events-never-targets": cuts,
    "newest-never-target": end_cuts,
    "target-is-input": own_picks,
    "target-misplaced": picks,
    "target-misplaced, backwards": reversals,
    "history-out-of-order": sorts,
    "history-turned-round": reversals,
    "target-of-another": alignments,
    "target-of-another, across": crossings,
    "batches-in-one-order": orders,
    "items-shifted": column_moves,
    "user-shifted": user_moves,
    "graph-edges-missing": edge_cuts,
    "graph-wrong-block": blocks,
    "graph-one-way": blocks,
    "graph-not-normalised": weights,
}
