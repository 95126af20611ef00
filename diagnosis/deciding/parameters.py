"""Parameters of a function: their places, their defaults, and the calls that give them values."""

import ast

from diagnosis.deciding.instances import by_factory, calls_of_instances, heirs
from diagnosis.deciding.program import Function, Program


def position(scope: ast.AST, name: str) -> int | None:
    """The place of a parameter; `self` does not count; -1 of one that only a keyword gives."""
    arguments = scope.args  # pyright: ignore[reportAttributeAccessIssue]
    names = [one.arg for one in (*arguments.posonlyargs, *arguments.args)]
    if name in names:
        bound = bool(names) and names[0] in ("self", "cls")
        return names.index(name) - bound
    rest = name in [one.arg for one in (arguments.vararg, arguments.kwarg) if one is not None]
    return -1 if rest or name in [one.arg for one in arguments.kwonlyargs] else None


def default(scope: Function, name: str) -> list[ast.expr]:
    """The value of a parameter that is not given."""
    plain = [*scope.args.posonlyargs, *scope.args.args]
    with_default = plain[len(plain) - len(scope.args.defaults) :]
    pairs = [
        *zip(with_default, scope.args.defaults, strict=True),
        *zip(scope.args.kwonlyargs, scope.args.kw_defaults, strict=True),
    ]
    return [value for one, value in pairs if one.arg == name and value is not None]


def callers(program: Program, function: Function) -> list[ast.Call]:
    """The calls that run a function, by its name; of a constructor or a module's `forward` those of its class."""
    owner = program.class_of(function)
    if owner is None or function.name not in ("__init__", "forward", "__call__"):
        return program.calls.get(function.name, [])
    if function.name == "__init__":
        made = [call for name in heirs(program, owner) for call in program.calls.get(name, [])]
        return made or by_factory(program, owner, function)
    return calls_of_instances(program, owner)


def given_to(scope: Function, call: ast.Call) -> list[tuple[str, ast.expr]]:
    """The parameters of a function with what a call gives them; what is unpacked, or left to its default, is not told."""
    names = [one.arg for one in (*scope.args.posonlyargs, *scope.args.args)]
    bound = names[1:] if names[:1] in (["self"], ["cls"]) else names
    plain = not any(isinstance(one, ast.Starred) for one in call.args)
    named = [(one.arg, one.value) for one in call.keywords if one.arg]
    return [*(zip(bound, call.args, strict=False) if plain else ()), *named]
