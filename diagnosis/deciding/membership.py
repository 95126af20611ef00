"""Where drawn ids are held against a collection: `drawn in seen`, `np.isin(drawn, seen)`, `seen[user, drawn]`."""

import ast
from collections.abc import Iterator

from diagnosis.deciding.parameters import position
from diagnosis.deciding.program import Function, Program
from diagnosis.syntax import called_name

MEMBERSHIP = {"isin", "in1d"}


def tests_of(program: Program, call: ast.AST) -> list[ast.AST]:
    """The tests of what a call draws, in its own function; else in functions that this one hands the drawn ids, or returns them to."""
    names = _names_of(program, call)
    scope = program.scope(call)
    here = [node for node in ast.walk(scope) if _is_test(node, names)]
    return here or _where_handed(program, scope, names) or _where_returned(program, call, scope)


def _where_handed(program: Program, scope: ast.AST, names: set[str]) -> list[ast.AST]:
    return [
        node
        for given in ast.walk(scope)
        if isinstance(given, ast.Call)
        for function, name in _handed(program, given, names)
        for node in ast.walk(function)
        if _is_test(node, {name}) and _is_returned(program, node)
    ]


def _where_returned(program: Program, call: ast.AST, scope: ast.AST) -> list[ast.AST]:
    """The tests of what a function draws and returns at once, in the functions that call it."""
    if not isinstance(scope, Function) or not isinstance(program.statement(call), ast.Return):
        return []
    if program.functions.get(scope.name) != [scope]:
        return []
    asked = [one for one in program.calls.get(scope.name, []) if program.scope(one) is not scope]
    found = {
        node: None
        for one in asked
        if (names := _names_of(program, one))
        for node in ast.walk(program.scope(one))
        if _is_test(node, names)
    }
    return list(found)


def _handed(program: Program, call: ast.Call, names: set[str]) -> Iterator[tuple[Function, str]]:
    """The one function of the repo that a call means, with the parameter that is given the drawn ids."""
    known = program.functions.get(called_name(call), [])
    for function in known if len(known) == 1 else ():
        for parameter in function.args.args:
            place = position(function, parameter.arg)
            given = call.args[place] if place is not None and 0 <= place < len(call.args) else None
            if given is not None and _is_named(given, names):
                yield function, parameter.arg


def _is_returned(program: Program, test: ast.AST) -> bool:
    """Whether a function answers with a test."""
    return isinstance(program.statement(test), ast.Return)


def _names_of(program: Program, call: ast.AST) -> set[str]:
    """What the function calls the drawn ids: the names that the draw is bound to, and those made of one of them."""
    statement = program.statement(call)
    names = {
        node.id
        for target in getattr(statement, "targets", [])
        for node in ast.walk(target)
        if isinstance(node, ast.Name) and not isinstance(target, ast.Subscript)
    }
    inside = program.parents.get(call)
    while inside is not None and not isinstance(inside, ast.stmt):
        if isinstance(inside, ast.comprehension) and isinstance(inside.target, ast.Name):
            names.add(inside.target.id)
        for part in getattr(inside, "generators", ()):
            names |= {one.id for one in ast.walk(part.target) if isinstance(one, ast.Name)}
        inside = program.parents.get(inside)
    for node in ast.walk(program.scope(call)):
        if isinstance(node, (ast.For, ast.comprehension)) and _mentions(node.iter, names):
            names |= {one.id for one in ast.walk(node.target) if isinstance(one, ast.Name)}
    return names


def _is_test(node: ast.AST, names: set[str]) -> bool:
    if isinstance(node, ast.Compare) and any(isinstance(op, (ast.In, ast.NotIn)) for op in node.ops):
        return _mentions(node.left, names)
    if isinstance(node, ast.Call) and called_name(node) in MEMBERSHIP and node.args:
        return _mentions(node.args[0], names)
    if (
        isinstance(node, ast.Subscript)
        and isinstance(node.ctx, ast.Load)
        and isinstance(node.slice, ast.Tuple)
    ):
        return any(_is_named(one, names) for one in node.slice.elts)  # of a table of who met what
    return False


def _is_named(node: ast.expr, names: set[str]) -> bool:
    """Whether it is the drawn ids, or a part of them: `drawn`, `drawn[:, 0]`."""
    whole = node.value if isinstance(node, ast.Subscript) else node
    return isinstance(whole, ast.Name) and whole.id in names


def _mentions(node: ast.AST, names: set[str]) -> bool:
    return any(isinstance(one, ast.Name) and one.id in names for one in ast.walk(node))
