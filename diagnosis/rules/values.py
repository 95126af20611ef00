"""Where a value comes from: what each name of a file is bound to, followed backwards through assignments, loops,
attributes of `self` and the arguments of calls in the same file.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any
from weakref import WeakKeyDictionary

from diagnosis.rules.source import Function, ParsedFile
from diagnosis.syntax import below, called_name, dotted

MOST_STEPS = 60  # expressions that one question may pass


class How(Enum):
    """How a name gets its value."""

    ASSIGNED = "="
    ITERATED = "for"  # the name is one element of the value at a time
    CHANGED = "+="
    ENTERED = "with"


@dataclass(frozen=True, kw_only=True, eq=False)
class Binding:
    """One place that gives a name its value.

    position: of the name in the tuple that takes the value apart; None where the name takes it whole.
    node: the statement or comprehension that binds.
    """

    value: ast.expr
    how: How
    position: int | None
    node: ast.AST


Scope = ast.AST
_Table = dict[tuple[Scope | None, str], list[Binding]]
_TABLES: "WeakKeyDictionary[ParsedFile, _Table]" = WeakKeyDictionary()


def bindings(source: ParsedFile, name: str, at: ast.AST) -> list[Binding]:
    """What a name (or `self.x`) is bound to, seen from a node: in its function, else in those around it, else in the
    file; attributes in the whole file.
    """
    table = _TABLES.get(source)
    if table is None:
        table = _TABLES[source] = _table(source)
    if "." in name:
        return table.get((None, name), [])
    scope = source.function_of(at)
    while scope is not None:
        found = table.get((scope, name), [])
        if found or name in parameters(scope):
            return found
        scope = source.function_of(scope)
    return table.get((source.nodes[0], name), [])


def parameters(function: Function) -> list[str]:
    """The names of a function's parameters, in the order in which positional arguments fill them."""
    arguments = function.args
    return [a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]


def owner_of(source: ParsedFile, name: str, at: ast.AST) -> Function | None:
    """The function around a node that has a parameter of this name, which nothing in between rebinds."""
    for outer in source.around(at):
        if isinstance(outer, Function):
            if name in parameters(outer):
                return outer
            if bindings(source, name, at):
                return None
    return None


def arguments_of(source: ParsedFile, function: Function, name: str) -> list[ast.expr]:
    """What the calls in this file give for a parameter; [] if none is seen, or one hides it behind a star."""
    names = parameters(function)
    is_method = isinstance(source.parents.get(function), ast.ClassDef) and names[:1] in (["self"], ["cls"])
    place = names.index(name) - is_method
    called = function.name
    if called == "__init__":
        called = getattr(source.parents.get(function), "name", called)
    given: list[ast.expr] = []
    for call in source.calls_named(called):
        named = next((k.value for k in call.keywords if k.arg == name), None)
        if named is not None:
            given.append(named)
        elif 0 <= place < len(call.args) and not any(isinstance(a, ast.Starred) for a in call.args):
            given.append(call.args[place])
    return given


def origins(source: ParsedFile, node: ast.expr) -> Iterator[ast.expr]:
    """The expression, and all that its names are bound to, nearest first: assignments, what loops iterate, attributes,
    arguments of calls in this file.
    """
    waiting: list[ast.expr] = [node]
    seen: set[ast.AST] = set()
    while waiting and len(seen) < MOST_STEPS:
        current = waiting.pop(0)
        if current in seen:
            continue
        seen.add(current)
        yield current
        for part in names_in(current):
            waiting += bound_to(source, part)


def bound_to(source: ParsedFile, name: ast.Name | ast.Attribute) -> list[ast.expr]:
    """The expressions that a name may stand for, one step back."""
    text = dotted(name)
    found = [binding.value for binding in bindings(source, text, name)]
    owner = None if found or "." in text else owner_of(source, text, name)
    return found or (arguments_of(source, owner, text) if owner else [])


def names_in(node: ast.AST) -> Iterator[ast.Name | ast.Attribute]:
    """The names and `self.x` that an expression reads, outer before inner; not the name of what it calls."""
    stack: list[Any] = [node]
    while stack:
        part = stack.pop()
        if (
            isinstance(part, ast.Attribute)
            and dotted(part).count(".") == 1
            and dotted(part).startswith("self.")
        ):
            yield part
            continue
        if isinstance(part, ast.Name):
            yield part
            continue
        if isinstance(part, ast.Call) and isinstance(part.func, ast.Name):
            stack += [*part.args, *(k.value for k in part.keywords)]
            continue
        stack += list(ast.iter_child_nodes(part))


def words_of(node: ast.AST) -> Iterator[str]:
    """The names, attributes and strings of an expression, as they are written."""
    parts = [node]
    for part in parts:  # as ast.walk goes, without the operators and contexts
        parts += below(part)
        if isinstance(part, ast.Name):
            yield part.id
        elif isinstance(part, ast.Attribute):
            yield part.attr
        elif isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield part.value


def same(one: ast.AST | None, other: ast.AST | None) -> bool:
    """Whether two expressions are written alike; two that are missing are alike."""
    if one is None or other is None:
        return one is other
    return type(one) is type(other) and ast.dump(one) == ast.dump(other)


def _table(source: ParsedFile) -> _Table:
    table: _Table = {}
    kinds = (
        ast.Assign,
        ast.AnnAssign,
        ast.AugAssign,
        ast.NamedExpr,
        ast.For,
        ast.AsyncFor,
        ast.comprehension,
        ast.With,
    )
    for node in source.within(source.nodes[0], *kinds):
        for target, value, how in _bound(node):
            _bind(table, source, target, Binding(value=value, how=how, position=None, node=node))
    return table


def _bound(node: Any) -> Iterator[tuple[ast.expr, ast.expr, How]]:
    if isinstance(node, ast.Assign):
        yield from ((target, node.value, How.ASSIGNED) for target in node.targets)
    elif isinstance(node, ast.With):
        yield from ((i.optional_vars, i.context_expr, How.ENTERED) for i in node.items if i.optional_vars)
    elif isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
        yield node.target, node.iter, How.ITERATED
    elif node.value is not None:
        yield node.target, node.value, How.CHANGED if isinstance(node, ast.AugAssign) else How.ASSIGNED


def _bind(table: _Table, source: ParsedFile, target: ast.expr, binding: Binding) -> None:
    if isinstance(target, ast.Tuple | ast.List):
        apart = binding.value if isinstance(binding.value, ast.Tuple | ast.List) else None
        even = apart is not None and binding.how is How.ASSIGNED and len(apart.elts) == len(target.elts)
        for place, part in enumerate(target.elts):
            value = apart.elts[place] if apart is not None and even else binding.value
            position = None if even else place
            _bind(
                table,
                source,
                part,
                Binding(value=value, how=binding.how, position=position, node=binding.node),
            )
        return
    name = dotted(target)
    if not name:
        return
    scope = None if "." in name else (source.function_of(binding.node) or source.nodes[0])
    table.setdefault((scope, name), []).append(binding)


def returned_by(source: ParsedFile, call: ast.Call) -> list[ast.expr]:
    """What the functions of this file that the call may mean return; [] if there is none of this name."""
    named = [f for f in source.functions if f.name == called_name(call)] if called_name(call) else []
    return [
        statement.value
        for function in named
        for statement in source.within(function, ast.Return)
        if statement.value is not None and source.function_of(statement) is function
    ]
