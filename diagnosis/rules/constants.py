"""The numbers that an expression may stand for, through names, attributes, defaults and options of the command line."""

import ast
import operator
from collections.abc import Callable, Sequence

from diagnosis.rules.codebase import Codebase, Defined, once
from diagnosis.rules.source import Function, ParsedFile, keyword
from diagnosis.rules.tensor_calls import amount
from diagnosis.rules.values import Binding, How, bindings, owner_of
from diagnosis.syntax import called_name, dotted

DEEPEST = 6


def numbers_of(repo: Codebase, file: ParsedFile, node: ast.expr | None, depth: int = 0) -> frozenset[float]:
    """The numbers that it may be, one for each place that sets it; empty where one of them is none that can be told."""
    plain = amount(node)
    if node is None or plain is not None:
        return frozenset() if plain is None else frozenset((plain,))
    if depth > DEEPEST:
        return frozenset()
    if isinstance(node, ast.Name):
        found = [_taken(b) for b in bindings(file, node.id, node)]
        values = [(file, value) if value is not None else None for value in found]
        owner = owner_of(file, node.id, node) if not values else None
        if owner is not None:
            default = default_of(owner, node.id)
            given = repo.given(Defined(file=file, node=owner), node.id)
            values = [*given, *([(file, default)] if default is not None and not given else [])]
        return _all(repo, values, depth)
    if isinstance(node, ast.Attribute):
        found = _of_module(repo, file, node) or _settings(repo).get(node.attr, [])
        return _all(repo, found, depth)
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        return _all(repo, _keys(repo).get(node.slice.value, []), depth)
    if isinstance(node, ast.BinOp):
        return _computed(repo, file, node, depth)
    return frozenset()


def _of_module(repo: Codebase, file: ParsedFile, node: ast.Attribute) -> list[tuple[ParsedFile, ast.expr]]:
    """What a name of an imported file of the repo is bound to: `config.RATE` after `import config`."""
    origin = file.imports.get(node.value.id, "") if isinstance(node.value, ast.Name) else ""
    if not origin:
        return []
    there = origin.lstrip(".").replace(".", "/")
    files = [one for one in repo.files if f"/{one.path}".endswith((f"/{there}.py", f"/{there}/__init__.py"))]
    return [
        (one, b.value) for one in files for b in bindings(one, node.attr, one.nodes[0]) if b.position is None
    ]


def _computed(repo: Codebase, file: ParsedFile, node: ast.BinOp, depth: int) -> frozenset[float]:
    """`10 * args.lr`, with each number that either side may be."""
    does = _ARITHMETIC.get(type(node.op))
    left, right = (
        numbers_of(repo, file, side, depth + 1) if does else frozenset[float]()
        for side in (node.left, node.right)
    )
    try:
        return frozenset(does(a, b) for a in left for b in right) if does else frozenset()
    except (ArithmeticError, ValueError, TypeError):
        return frozenset()


def _power(base: float, exponent: float) -> float:
    """A power that is a real number; raises ValueError for any other."""
    if base < 0 and exponent != int(exponent):
        raise ValueError("no real number")
    return float(base**exponent)


_ARITHMETIC: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Pow: _power,
}


def _taken(binding: Binding) -> ast.expr | None:
    """What a name is bound to, of a tuple that is written out its own part; None where that cannot be told."""
    if binding.position is None:
        return binding.value
    parts = binding.value.elts if isinstance(binding.value, ast.Tuple) and binding.how is How.ASSIGNED else []
    return parts[binding.position] if binding.position < len(parts) else None


def _all(
    repo: Codebase, values: Sequence[tuple[ParsedFile, ast.expr] | None], depth: int
) -> frozenset[float]:
    found = [numbers_of(repo, *value, depth + 1) if value else frozenset[float]() for value in values]
    return frozenset().union(*found) if all(found) else frozenset()


@once
def _settings(repo: Codebase) -> dict[str, list[tuple[ParsedFile, ast.expr]]]:
    """Name of an attribute -> what it is set to: assignments, fields of classes, options with a default."""
    found: dict[str, list[tuple[ParsedFile, ast.expr]]] = {}
    for file in repo.files:
        for node in file.within(file.nodes[0], ast.Assign, ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            in_class = isinstance(file.parents.get(node), ast.ClassDef)
            for target in targets:
                name = (
                    target.attr if isinstance(target, ast.Attribute) else dotted(target) if in_class else ""
                )
                if name and node.value is not None:
                    found.setdefault(name, []).append((file, node.value))
        for call in file.calls:
            _from_call(file, call, found)
    return found


@once
def _keys(repo: Codebase) -> dict[object, list[tuple[ParsedFile, ast.expr]]]:
    """Key of a dictionary that is written out, or of an element that is assigned to -> what it has, wherever in the repo."""
    found: dict[object, list[tuple[ParsedFile, ast.expr]]] = {}
    for file in repo.files:
        for table in file.within(file.nodes[0], ast.Dict):
            for key, value in zip(table.keys, table.values, strict=True):
                if isinstance(key, ast.Constant):
                    found.setdefault(key.value, []).append((file, value))
        for statement in file.within(file.nodes[0], ast.Assign):
            for target in statement.targets:
                if isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant):
                    found.setdefault(target.slice.value, []).append((file, statement.value))
        for call in file.calls_named("dict"):
            for word in call.keywords:
                if word.arg:
                    found.setdefault(word.arg, []).append((file, word.value))
    return found


def _from_call(file: ParsedFile, call: ast.Call, found: dict[str, list[tuple[ParsedFile, ast.expr]]]) -> None:
    if called_name(call) == "add_argument" and call.args and isinstance(call.args[0], ast.Constant):
        default = keyword(call, "default")
        name = str(call.args[0].value).lstrip("-").replace("-", "_")
        if default is not None:
            found.setdefault(name, []).append((file, default))
    elif called_name(call) in ("SimpleNamespace", "Namespace", "dict", "EasyDict", "Config"):
        for word in call.keywords:
            if word.arg:
                found.setdefault(word.arg, []).append((file, word.value))


def default_of(function: Function, name: str) -> ast.expr | None:
    """The default of a parameter; None if it has none."""
    arguments = function.args
    plain = [*arguments.posonlyargs, *arguments.args]
    late = plain[len(plain) - len(arguments.defaults) :]
    pairs = zip((*late, *arguments.kwonlyargs), (*arguments.defaults, *arguments.kw_defaults))
    return next((default for argument, default in pairs if argument.arg == name), None)
