"""Which class an attribute or variable holds an instance of, through factories and tables of classes."""

import ast
from collections.abc import Iterator

from diagnosis.deciding.program import Function, Program
from diagnosis.syntax import called_name


def held_classes(program: Program, name: str) -> list[ast.ClassDef]:
    """Classes of which a variable or attribute of this name holds an instance."""
    given = [*program.attributes.get(name, [])]
    given += [one for (_, known), more in program.locals.items() if known == name for one in more]
    calls = [one for definition in given for one in ast.walk(definition.value) if isinstance(one, ast.Call)]
    return list(dict.fromkeys(owner for call in calls for owner in _made(program, call)))


def _made(program: Program, call: ast.Call) -> Iterator[ast.ClassDef]:
    """The classes whose instance a call may return: its own, or what a factory of the repo returns."""
    name = called_name(call)
    yield from program.classes.get(name, [])[:1]
    for function in program.functions.get(name, [])[:1]:
        for node in ast.walk(function):
            for inner in ast.walk(node) if isinstance(node, ast.Return) else ():
                if isinstance(inner, ast.Call):
                    yield from program.classes.get(called_name(inner), [])[:1]
                    yield from _of_table(program, inner, call)


def _of_table(program: Program, chosen: ast.Call, call: ast.Call) -> Iterator[ast.ClassDef]:
    """Of `TABLE[key](...)` the class under the key that the factory is called with; all of them if that is not known."""
    table = chosen.func.value if isinstance(chosen.func, ast.Subscript) else None
    keys = {one.value for one in call.args if isinstance(one, ast.Constant)}
    name = table.id if isinstance(table, ast.Name) else ""
    dicts = [d.value for (_, known), more in program.locals.items() if known == name and name for d in more]
    for one in dicts:
        pairs = list(zip(one.keys, one.values, strict=True)) if isinstance(one, ast.Dict) else []
        named = [value for key, value in pairs if isinstance(key, ast.Constant) and key.value in keys]
        for value in named or [value for _, value in pairs]:
            yield from program.classes.get(getattr(value, "id", getattr(value, "attr", "")), [])[:1]


def heirs(program: Program, owner: ast.ClassDef) -> list[str]:
    """Names of a class and of those that are made of it."""
    names = [owner.name]
    for name, classes in program.classes.items():
        bases = [base for one in classes for base in one.bases]
        if any(getattr(base, "id", getattr(base, "attr", "")) == owner.name for base in bases):
            names.append(name)
    return names


def by_factory(program: Program, owner: ast.ClassDef, function: Function) -> list[ast.Call]:
    """Calls of a class that was chosen by a key, `TRAINERS[name](...)`, with as many arguments as it takes."""
    takes = len(function.args.args) - 1
    chosen = [call for call in program.calls.get("", []) if isinstance(call.func, ast.Subscript)]
    for (scope, name), given in program.locals.items():
        if any(isinstance(one.value, ast.Subscript) for one in given):
            chosen += [call for call in program.calls.get(name, []) if program.scope(call) is scope]
    tables = [one for tree in program.trees.values() for one in ast.walk(tree) if isinstance(one, ast.Dict)]
    named = {one.id for table in tables for one in ast.walk(table) if isinstance(one, ast.Name)}
    fits = [call for call in chosen if len(call.args) + len(call.keywords) == takes]
    return fits if named.intersection(heirs(program, owner)) else []
