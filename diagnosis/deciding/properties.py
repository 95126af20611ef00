"""Which syntax decides which property of values: a draw decides which negatives there are, a slice which targets."""

import ast
from collections.abc import Iterator

from diagnosis.deciding.label_values import label_values
from diagnosis.deciding.membership import tests_of
from diagnosis.deciding.parameters import callers, position
from diagnosis.deciding.program import Function, Program
from diagnosis.deciding.shape import SHUFFLES, Picks, calls_any, constant, is_generated, operands, slices
from diagnosis.deciding.targets import alignments, crossings, own_picks, picks, reversals
from diagnosis.deciding.walk import ITERATED, At, flow_into
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
COPIES = {"merge", "join", "explode", "repeat", "tile", "concat", "concatenate", "vstack", "append", "extend"}
JOINS = {"cat", "concat", "concatenate", "hstack", "column_stack", "pad", "roll", "insert"}
ANSWER = 3  # statements between what `score` returns and what moves its columns
OF_ANSWERS = ("items-shifted", "user-shifted")  # sought from what `score` returns


def sorts(program: Program, walked: list[At]) -> list[ast.AST]:
    """Where something is sorted."""
    return [at.node for at in walked if calls_any(program, at.node, SORTS)]


def draws(program: Program, walked: list[At]) -> list[ast.AST]:
    """Random draws, those that are repeated until they fit last."""
    found = [at.node for at in walked if calls_any(program, at.node, DRAWS)]
    return sorted(found, key=lambda node: _repeated(program, node))


def ranges(program: Program, walked: list[At]) -> list[ast.AST]:
    """Random draws; behind the first one the calls that give its function a bound which goes by another name."""
    drawn = draws(program, walked)
    given = [call for first in drawn[:1] for name in _bounds(first) for call in _misnamed(program, name)]
    return [*drawn[:1], *dict.fromkeys(given), *drawn[1:]]


def _bounds(draw: ast.AST) -> list[ast.Name]:
    """The names in the first two arguments of a draw, which are its bounds."""
    arguments = [one for call in ast.walk(draw) if isinstance(call, ast.Call) for one in call.args[:2]]
    return [part for one in arguments for part in ast.walk(one) if isinstance(part, ast.Name)]


def _misnamed(program: Program, parameter: ast.Name) -> Iterator[ast.AST]:
    """The calls that give a parameter what has a name without the parameter's."""
    function = program.scope(parameter)
    place = position(function, parameter.id) if isinstance(function, Function) else None
    for call in callers(program, function) if place is not None and isinstance(function, Function) else ():
        one = call.args[place] if place is not None and 0 <= place < len(call.args) else None
        said = one.id if isinstance(one, ast.Name) else one.attr if isinstance(one, ast.Attribute) else ""
        if said and parameter.id not in said:
            yield call


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
    """Seeds of generators that were walked through, outside of code that runs once; those in a loop if there are any."""
    nodes = {at.node: None for at in walked}
    named = {_holder(program, node) for node in nodes if isinstance(node, (ast.Name, ast.Attribute))}
    found: list[ast.AST] = [node for node in nodes if calls_any(program, node, SEEDS)]
    for call in (one for name in SEEDS for one in program.calls.get(name, [])):
        receiver = call.func.value if isinstance(call.func, ast.Attribute) else None
        if receiver is not None and _holder(program, receiver) in named:
            found.append(call)
    again = [one for one in found if getattr(program.scope(one), "name", "<module>") not in ONCE]
    looped = [one for one in again if _is_looped(program, one)]
    first = {
        program.scope(one) for one in looped
    }  # what comes before the loop of a function runs once for all its rounds
    return list(dict.fromkeys([*looped, *(one for one in again if program.scope(one) not in first)]))


def _holder(program: Program, node: ast.expr) -> tuple[ast.AST, str]:
    """What a name or attribute means: the same in all methods of a class where it is an attribute of `self`."""
    base = node.value if isinstance(node, ast.Attribute) else None
    own = isinstance(base, ast.Name) and base.id == "self"
    inside = program.class_of(node) if own else None
    return inside or program.scope(node), ast.dump(node)


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


def copies(program: Program, walked: list[At]) -> list[ast.AST]:
    """What may give an event several times: a comprehension that goes through something more than it takes, else joins and repeats."""
    doubling: list[ast.AST] = [at.node for at in walked if _goes_through_more(at.node)]
    return doubling or [at.node for at in walked if calls_any(program, at.node, COPIES)]


def _goes_through_more(node: ast.AST) -> bool:
    """`[(u, i) for u, i in events for level in levels[i]]`"""
    if not isinstance(node, ast.ListComp | ast.GeneratorExp) or len(node.generators) < 2:
        return False
    told = {
        one.id
        for part in (
            node.elt,
            *(g.iter for g in node.generators),
            *(t for g in node.generators for t in g.ifs),
        )
        for one in ast.walk(part)
        if isinstance(one, ast.Name)
    }
    bound = [{one.id for one in ast.walk(g.target) if isinstance(one, ast.Name)} for g in node.generators]
    return any(names and not names & told for names in bound)


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
    seeds = _seeds(program, walked) if shuffled else []
    loaders = [at.node for at in walked if calls_any(program, at.node, {"DataLoader"})]
    seeds += [one for loader in loaders for one in _seeds_of_loader(program, loader)]
    return seeds or [at.node for at in walked if calls_any(program, at.node, ORDERS)]


def _seeds_of_loader(program: Program, loader: ast.AST) -> list[ast.AST]:
    """Where the generator of a loader that shuffles is seeded again and again; of one without, torch's own generator."""
    given = {one.arg: one.value for one in loader.keywords} if isinstance(loader, ast.Call) else {}
    if not _is_true(given.get("shuffle")) and "sampler" not in given:
        return []
    generators = [one for one in (given.get("generator"), given.get("sampler")) if one is not None]
    if not generators:
        calls = program.calls.get("manual_seed", [])
        own = [one for one in calls if getattr(getattr(one.func, "value", None), "id", "") == "torch"]
        later = [one for one in own if getattr(program.scope(one), "name", "<module>") not in ONCE]
        return [one for one in later if _is_looped(program, one)]
    walked = [at for one in generators for at in flow_into(program, [one])]
    return [one for one in _seeds(program, walked) if not _makes(walked, one)]


def _is_true(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is True


def _makes(walked: list[At], node: ast.AST) -> bool:
    """Whether it seeds what it makes, `torch.Generator().manual_seed(1)`, which is kept from then on."""
    return any(at.node is node for at in walked)


def _is_looped(program: Program, node: ast.AST) -> bool:
    """Whether a loop of its own function is around it."""
    scope = program.scope(node)
    return any(
        isinstance(one, (ast.For, ast.While)) and program.scope(one) is scope for one in program.around(node)
    )


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
    "negatives-out-of-range": ranges,
    "negatives-repeated": seeded_draws,
    "negatives-hit-positives": rejections,
    "users-drawn-uniformly": draws,
    "events-doubled": copies,
    "events-never-targets": cuts,
    "newest-never-target": end_cuts,
    "target-is-input": own_picks,
    "target-misplaced": picks,
    "target-misplaced, backwards": reversals,
    "history-out-of-order": sorts,
    "history-turned-round": reversals,
    "learns-backwards, labels": label_values,
    "target-of-another": alignments,
    "target-of-another, across": crossings,
    "batches-in-one-order": orders,
    "items-shifted": column_moves,
    "user-shifted": user_moves,
}
