"""Where a user's events pass through `unique`, which sorts them by id, and are read as a sequence later on."""

import ast
from collections.abc import Iterator

from diagnosis.rules.codebase import Codebase, Defined
from diagnosis.rules.definitions import Made, argument_of
from diagnosis.rules.places_from import number
from diagnosis.rules.source import Function, ParsedFile, keyword
from diagnosis.rules.values import parameters
from diagnosis.syntax import called_name, dotted

UNIQUE = {"numpy.unique", "torch.unique"}
SORTS = {"argsort", "sort", "sorted", "lexsort"}
GATHERS = {"append", "extend"}
# A list of histories: its name, and the place of the items in each element; None where an element is the items.
_Held = tuple[str, int | None]


def unordered(source: ParsedFile) -> Iterator[ast.Call]:
    """The calls `items, first = np.unique(x, return_index=True)` and `items = torch.unique(x)`, in a loop over users,
    whose items are collected and then cut in time: `items[:t]`, `items[-1]`.
    """
    repo = source.repo
    for call in source.calls_named("unique") if repo is not None else ():
        if repo is None or source.full_name(call) not in UNIQUE or not _in_a_loop(source, call):
            continue
        name = _items(source, call)
        function = source.function_of(call)
        if not name or function is None or _is_put_in_order(source, call, function):
            continue
        if name in _names(_cuts(source, function)) or any(
            _is_cut(repo, source, function, held) for held in _held(source, call, function, name)
        ):
            yield call


def _in_a_loop(source: ParsedFile, call: ast.Call) -> bool:
    return any(isinstance(outer, ast.For) for outer in source.around(call))


def _items(source: ParsedFile, call: ast.Call) -> str:
    """The name of the sorted items, of a call that gives indices beside them or is torch's; plain np.unique is looked at elsewhere."""
    outer = source.parents.get(call)
    if not isinstance(outer, ast.Assign) or keyword(call, "return_counts") is not None:
        return ""
    target = outer.targets[0]
    beside = keyword(call, "return_index") is not None or keyword(call, "return_inverse") is not None
    if isinstance(target, ast.Tuple) and beside:
        return dotted(target.elts[0])
    return dotted(target) if not beside and source.full_name(call) == "torch.unique" else ""


def _is_put_in_order(source: ParsedFile, call: ast.Call, function: Function) -> bool:
    """Whether something is sorted after it, as the items by the place where each stood first."""
    place = source.places[call]
    return any(called_name(c) in SORTS and source.places[c] > place for c in source.calls_in(function))


def _held(source: ParsedFile, call: ast.Call, function: Function, name: str) -> Iterator[_Held]:
    """The lists that the items are added to."""
    for added in source.calls_in(function):
        if (
            called_name(added) not in GATHERS
            or len(added.args) != 1
            or not isinstance(added.func, ast.Attribute)
        ):
            continue
        held, given = dotted(added.func.value), added.args[0]
        if source.places[added] < source.places[call] or not held:
            continue
        if dotted(given) == name:
            yield held, None
        elif isinstance(given, ast.Tuple):
            yield from ((held, place) for place, part in enumerate(given.elts) if dotted(part) == name)


def _is_cut(repo: Codebase, source: ParsedFile, function: Function, held: _Held) -> bool:
    """Whether the elements of a list are cut in time, here or in what is given the list."""
    name, place = held
    if _elements_cut(source, function, name, place):
        return True
    for call in source.calls_in(function):
        given = [*call.args, *(k.value for k in call.keywords)]
        if not any(dotted(one) == name for one in given):
            continue
        reached = _reached(repo, source, call)
        for parameter in _given(reached, call, name) if reached is not None else ():
            assert reached is not None and isinstance(reached.node, Function)
            if _elements_cut(reached.file, reached.node, parameter, place):
                return True
    return False


def _reached(repo: Codebase, source: ParsedFile, call: ast.Call) -> Defined | None:
    """The function or constructor that a call runs."""
    found = repo.callee(source, call)
    kinds = repo.classes.get(called_name(call), []) if found is None else []
    return found or (repo.method(kinds[0], "__init__") if len(kinds) == 1 else None)


def _given(reached: Defined, call: ast.Call, name: str) -> list[str]:
    """The parameters of a function for which a call gives a name."""
    assert isinstance(reached.node, Function)
    names = parameters(reached.node)
    first = names[:1] in (["self"], ["cls"])
    found = []
    for place, parameter in enumerate(names):
        given = argument_of(Made(file=reached.file, call=call), parameter, place - first)
        if given is not None and dotted(given[1]) == name:
            found.append(parameter)
    return found


def _elements_cut(file: ParsedFile, function: Function, name: str, place: int | None) -> bool:
    """Whether a function goes through a list and cuts the items of its elements in time."""
    elements = set()
    for loop in file.within(function, ast.For, ast.comprehension):
        given, target = loop.iter, loop.target
        while (
            isinstance(given, ast.Call) and called_name(given) in ("enumerate", "tqdm", "list") and given.args
        ):
            if called_name(given) == "enumerate" and isinstance(target, ast.Tuple) and len(target.elts) == 2:
                target = target.elts[1]
            given = given.args[0]
        if dotted(given) != name:
            continue
        if place is not None and isinstance(target, ast.Tuple):
            target = target.elts[place] if place < len(target.elts) else target
        elements.add(dotted(target))
    return bool((elements - {""}) & _names(_cuts(file, function)))


def _cuts(file: ParsedFile, function: Function) -> Iterator[ast.Subscript]:
    """The reads that mean an order: `x[-1]`, `x[:-2]`, `x[-50:]`, `x[:t]`."""
    for part in file.within(function, ast.Subscript):
        index = part.slice
        ends = [index.lower, index.upper] if isinstance(index, ast.Slice) else [index]
        before = isinstance(index, ast.Slice) and index.lower is None and isinstance(index.upper, ast.Name)
        if before or any(
            isinstance(end, ast.UnaryOp) and isinstance(end.op, ast.USub) and number(end) != 0
            for end in ends
            if end is not None
        ):
            yield part


def _names(cuts: Iterator[ast.Subscript]) -> set[str]:
    return {dotted(cut.value) for cut in cuts} - {""}
