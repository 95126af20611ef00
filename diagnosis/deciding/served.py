"""From the question that `score` is asked on to what is taken of its histories."""

import ast
from collections.abc import Sequence

from diagnosis.deciding.instances import held_classes
from diagnosis.deciding.program import Function, Program
from diagnosis.deciding.shape import slices
from diagnosis.findings import CodePlace
from diagnosis.syntax import called_name

DEEPEST = 5  # calls below `score`
HISTORIES = 2  # the parameter of `score`, `self` counted


def ends(program: Program, seen: Sequence[CodePlace]) -> list[ast.AST]:
    """The only slice that takes the first of the histories, `histories[:, : n]`; [] if there are several."""
    found = [one for one in taken(program) if any(part.upper and not part.lower for part in slices(one))]
    return list(found) if len(found) == 1 else []


def taken(program: Program) -> list[ast.Subscript]:
    """Every slice of the histories that the entry's `score` is asked with, here or where they are handed on to."""
    waiting = [
        (one, name, 0) for one in program.functions.get("score", []) if (name := _histories(program, one))
    ]
    found: dict[ast.Subscript, None] = {}
    known = set[tuple[Function, str]]()
    while waiting:
        function, name, depth = waiting.pop()
        if (function, name) in known or depth > DEEPEST:
            continue
        known.add((function, name))
        names = _same(function, name)
        for node in ast.walk(function):
            if isinstance(node, ast.Subscript) and slices(node) and _holds(node.value, names):
                found[node] = None
            if isinstance(node, ast.Call):
                waiting += [(to, parameter, depth + 1) for to, parameter in _handed(program, node, names)]
    return list(found)


def _histories(program: Program, score: Function) -> str:
    owner = program.class_of(score)
    names = [one.arg for one in (*score.args.posonlyargs, *score.args.args)]
    if owner is None or not program.methods(owner, "fit") or len(names) <= HISTORIES:
        return ""
    return names[HISTORIES]


def _same(function: Function, name: str) -> set[str]:
    """The names of what is made of one name alone, as by `torch.as_tensor(histories)`, and of its elements in loops over it."""
    names = {name}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and _holds(node.value, names):
            names |= {one.id for one in node.targets if isinstance(one, ast.Name)}
        elif isinstance(node, ast.For | ast.comprehension):
            names |= _elements(node.target, node.iter, names)
    return names


def _elements(target: ast.expr, over: ast.expr, names: set[str]) -> set[str]:
    """The names that a loop gives the elements of one of these: `for row in histories`, `for n, row in enumerate(histories)`."""
    places: list[tuple[ast.expr, ast.expr]] = [(target, over)]
    if (
        isinstance(over, ast.Call)
        and called_name(over) in ("zip", "enumerate")
        and isinstance(target, ast.Tuple)
    ):
        places = list(zip(target.elts[called_name(over) == "enumerate" :], over.args))
    return {one.id for one, whole in places if isinstance(one, ast.Name) and _holds(whole, names)}


def _holds(node: ast.AST, names: set[str]) -> bool:
    """Whether an expression is one of these names, or a list made of each of its rows, converted, sliced or moved at most."""
    waiting = [node]  # no recursion: a chain of calls may be longer than Python's stack
    while waiting:
        one = waiting.pop()
        if isinstance(one, ast.Name) and one.id in names:
            return True
        if isinstance(one, ast.Subscript):
            waiting.append(one.value)
        elif isinstance(one, ast.ListComp | ast.GeneratorExp):
            waiting += [part.iter for part in one.generators[:1]]
        elif isinstance(one, ast.Call):
            waiting += [*one.args[:1], *([one.func.value] if isinstance(one.func, ast.Attribute) else [])]
    return False


def _handed(program: Program, call: ast.Call, names: set[str]) -> list[tuple[Function, str]]:
    """The functions of the repo that a call gives these names, and their parameters for them."""
    places = [place for place, one in enumerate(call.args) if _holds(one, names)]
    keywords = [one.arg for one in call.keywords if one.arg and _holds(one.value, names)]
    found: list[tuple[Function, str]] = []
    for function in _functions(program, call) if places or keywords else ():
        parameters = [one.arg for one in (*function.args.posonlyargs, *function.args.args)]
        bound = parameters[1:] if parameters[:1] == ["self"] else parameters
        found += [(function, bound[place]) for place in places if place < len(bound)]
        found += [(function, name) for name in keywords if name in parameters]
    return found


def _functions(program: Program, call: ast.Call) -> list[Function]:
    name = called_name(call)
    found = list(program.functions.get(name, []))
    for owner in held_classes(program, name) if not found else ():
        found += program.methods(owner, "forward", "__call__")
    return found if len(found) == 1 else []
