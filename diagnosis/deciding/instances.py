"""Which class an attribute or variable holds an instance of, through factories and tables of classes."""

import ast
from collections.abc import Iterator
from functools import lru_cache

from diagnosis.deciding.program import Definition, Function, Program
from diagnosis.syntax import called_name

FURTHEST = 3  # names that stand for each other: `for layer in self.layers`


def held_classes(program: Program, name: str) -> list[ast.ClassDef]:
    """Classes of which a variable or attribute of this name holds an instance, or of which it holds several."""
    return list(_held(program, name, FURTHEST))


def handed_classes(program: Program, name: str) -> list[ast.ClassDef]:
    """The same of an attribute that a constructor is given: `self.collator = collator` in a class made with `Trainer(..., collator)`."""
    found: dict[ast.ClassDef, None] = dict.fromkeys(held_classes(program, name))
    for definition in program.attributes.get(name, []) if not found else ():
        given = definition.held
        function, owner = program.scope(given), program.class_of(given)
        if not isinstance(given, ast.Name) or not isinstance(function, Function) or owner is None:
            continue
        places = [one.arg for one in function.args.args[1:]]
        for call in program.calls.get(owner.name, []) if given.id in places else ():
            named = [one.value for one in call.keywords if one.arg == given.id]
            told = (named or call.args[places.index(given.id) : places.index(given.id) + 1])[:1]
            for one in told:
                made = _made(program, one) if isinstance(one, ast.Call) else ()
                found.update(dict.fromkeys(made))
                for other in _stands_for(one) if not isinstance(one, ast.Call) else ():
                    found.update(dict.fromkeys(held_classes(program, other)))
    return list(found)


@lru_cache(maxsize=50_000)
def _held(program: Program, name: str, further: int) -> tuple[ast.ClassDef, ...]:
    owners: dict[ast.ClassDef, None] = {}
    for definition in _definitions(program, name):
        for call in (one for one in ast.walk(definition.value) if isinstance(one, ast.Call)):
            owners.update(dict.fromkeys(_made(program, call)))
        for other in _stands_for(definition.value) if definition.loops and further else ():
            owners.update(dict.fromkeys(_held(program, other, further - 1) if other != name else ()))
    return tuple(owners)


def _definitions(program: Program, name: str) -> list[Definition]:
    return [*program.attributes.get(name, []), *_locals_by_name(program).get(name, [])]


@lru_cache(maxsize=8)
def _locals_by_name(program: Program) -> dict[str, list[Definition]]:
    found: dict[str, list[Definition]] = {}
    for (_, name), given in program.locals.items():
        found.setdefault(name, []).extend(given)
    return found


def _stands_for(node: ast.expr) -> Iterator[str]:
    """The names that a loop goes over, `enumerate` and `zip` included."""
    if isinstance(node, ast.Call):
        for one in node.args:
            yield from _stands_for(one)
    elif isinstance(node, (ast.Name, ast.Attribute)):
        yield node.id if isinstance(node, ast.Name) else node.attr


@lru_cache(maxsize=8)
def _calls_of_instances(program: Program) -> dict[ast.ClassDef, list[ast.Call]]:
    """For each class the calls of what holds an instance of it: `net(x)`, `layer.forward(x)`."""
    found: dict[ast.ClassDef, list[ast.Call]] = {}
    for name, calls in program.calls.items():
        for owner in _held(program, name, FURTHEST) if name and name != "forward" else ():
            found.setdefault(owner, []).extend(calls)
    for call in program.calls.get("forward", []):
        base = call.func.value if isinstance(call.func, ast.Attribute) else None
        own = program.class_of(call) if isinstance(base, ast.Name) and base.id == "self" else None
        held = _held(program, getattr(base, "attr", getattr(base, "id", "")), FURTHEST)
        for owner in (own,) if own is not None else held:
            found.setdefault(owner, []).append(call)
    return found


def calls_of_instances(program: Program, owner: ast.ClassDef) -> list[ast.Call]:
    """Calls that run `forward` or `__call__` of an instance of a class."""
    return _calls_of_instances(program).get(owner, [])


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
    dicts = [one.value for one in _locals_by_name(program).get(name, [])]
    for one in dicts:
        pairs = list(zip(one.keys, one.values, strict=True)) if isinstance(one, ast.Dict) else []
        named = [value for key, value in pairs if isinstance(key, ast.Constant) and key.value in keys]
        for value in named or [value for _, value in pairs]:
            yield from program.classes.get(getattr(value, "id", getattr(value, "attr", "")), [])[:1]


def heirs(program: Program, owner: ast.ClassDef) -> list[str]:
    """Names of a class and of those that are made of it."""
    return [owner.name, *_heirs_by_name(program).get(owner.name, [])]


@lru_cache(maxsize=8)
def _heirs_by_name(program: Program) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, classes in program.classes.items():
        bases = (getattr(base, "id", getattr(base, "attr", "")) for one in classes for base in one.bases)
        for base in dict.fromkeys(bases):
            found.setdefault(base, []).append(name)
    return found


def by_factory(program: Program, owner: ast.ClassDef, function: Function) -> list[ast.Call]:
    """Calls of a class that was chosen by a key, `TRAINERS[name](...)`, with as many arguments as it takes."""
    if _in_tables(program).isdisjoint(heirs(program, owner)):
        return []
    return _chosen_by_key(program).get(len(function.args.args) - 1, [])


@lru_cache(maxsize=8)
def _in_tables(program: Program) -> frozenset[str]:
    """The names in all tables that are written down."""
    tables = [one for tree in program.trees.values() for one in ast.walk(tree) if isinstance(one, ast.Dict)]
    values = [value for table in tables for value in table.values]
    return frozenset(one.id for value in values for one in ast.walk(value) if isinstance(one, ast.Name))


@lru_cache(maxsize=8)
def _chosen_by_key(program: Program) -> dict[int, list[ast.Call]]:
    """Calls of what was looked up by a key, by how many arguments they have."""
    chosen = [call for call in program.calls.get("", []) if isinstance(call.func, ast.Subscript)]
    for (scope, name), given in program.locals.items():
        if any(isinstance(one.value, ast.Subscript) for one in given):
            chosen += [call for call in program.calls.get(name, []) if program.scope(call) is scope]
    found: dict[int, list[ast.Call]] = {}
    for call in chosen:
        found.setdefault(len(call.args) + len(call.keywords), []).append(call)
    return found
