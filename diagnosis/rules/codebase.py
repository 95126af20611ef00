"""The files of a repo side by side: which function a call reaches, which class an object is of, and where it was made.

Everything is looked up by what the code binds and imports. Where several definitions fit, the answer is that none is known.
"""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, wraps
from typing import TypeVar
from weakref import WeakKeyDictionary

from diagnosis.rules.definitions import (
    Defined,
    Made,
    argument_of,
    bases_of,
    is_abstract,
    is_method_of_class,
    is_super_init,
    is_torch_module,
    own_method,
    returns,
)
from diagnosis.rules.makings import appended, makings_of
from diagnosis.rules.source import Function, ParsedFile
from diagnosis.rules.values import Binding, How, bindings, owner_of, parameters
from diagnosis.syntax import called_name, dotted

Answer = TypeVar("Answer")
DEEPEST = 12  # bindings and calls that one question follows
# Methods that hand their own object on.
SAME_OBJECT = {"to", "cuda", "cpu", "float", "double", "half", "train", "eval", "requires_grad_", "apply"}
# Functions that wrap or copy a model, and answer as it does.
WRAPPERS = {"compile", "deepcopy", "DataParallel", "DistributedDataParallel", "script"}


# What was found out about a codebase: expression -> who made it; and the expressions that are being asked about.
_MAKERS: "WeakKeyDictionary[Codebase, tuple[dict[ast.AST, list[Made]], set[ast.AST]]]" = WeakKeyDictionary()
_LINEAGES: "WeakKeyDictionary[Codebase, dict[ast.AST, list[Defined]]]" = WeakKeyDictionary()
_CALLS_OF_MODULES: "WeakKeyDictionary[Codebase, dict[ast.AST, list[Made]]]" = WeakKeyDictionary()


@dataclass(frozen=True, kw_only=True, eq=False)
class Codebase:
    """All parsed files of a repo; the one that is being checked alone where the others are not at hand.

    whole: nothing of the repo is missing, so that what is not here is nowhere.
    """

    files: tuple[ParsedFile, ...]
    whole: bool

    @cached_property
    def functions(self) -> dict[str, list[Defined]]:
        """Name -> its definitions, methods included."""
        found: dict[str, list[Defined]] = {}
        for file in self.files:
            for function in file.functions:
                found.setdefault(function.name, []).append(Defined(file=file, node=function))
        return found

    @cached_property
    def classes(self) -> dict[str, list[Defined]]:
        """Name -> its definitions."""
        found: dict[str, list[Defined]] = {}
        for file in self.files:
            for node in file.within(file.nodes[0], ast.ClassDef):
                found.setdefault(node.name, []).append(Defined(file=file, node=node))
        return found

    @cached_property
    def modules(self) -> set[str]:
        """Names of the classes that are torch modules, directly or through classes of the repo."""
        bases = {
            name: {base for place in places for base in bases_of(place)}
            for name, places in self.classes.items()
        }
        found: set[str] = set()
        while True:
            more = {
                name
                for name, above in bases.items()
                if name not in found and any(b in found or is_torch_module(b) for b in above)
            }
            if not more:
                return found
            found |= more

    @cached_property
    def constructions(self) -> dict[str, list[Made]]:
        """Name of a class -> the calls that make its objects, by `super().__init__` of a class below as well."""
        found: dict[str, list[Made]] = {}
        for file in self.files:
            for call in file.calls:
                names = {called_name(call)} & self.classes.keys()
                if isinstance(call.func, ast.Subscript | ast.Name) and not names:
                    names = set(self._table_called(file, call.func).values()) & self.classes.keys()
                if is_super_init(call) and (kind := self.class_around(file, call)):
                    names = {base.rpartition(".")[2] for base in bases_of(kind)} & self.classes.keys()
                for name in names:
                    found.setdefault(name, []).append(Made(file=file, call=call))
        return found

    @cached_property
    def below(self) -> dict[str, list[Defined]]:
        """Name of a class -> the classes that name it as a base."""
        found: dict[str, list[Defined]] = {}
        for places in self.classes.values():
            for place in places:
                for base in bases_of(place):
                    found.setdefault(base.rpartition(".")[2], []).append(place)
        return found

    @cached_property
    def _calls(self) -> dict[str, list[Made]]:
        found: dict[str, list[Made]] = {}
        for file in self.files:
            for call in file.calls:
                found.setdefault(called_name(call), []).append(Made(file=file, call=call))
        return found

    def calls(self, *names: str) -> Iterator[Made]:
        """All calls in the repo whose called name, its last part, is one of these."""
        for name in names:
            yield from self._calls.get(name, [])

    def class_of(self, file: ParsedFile, node: ast.expr) -> Defined | None:
        """The class of the repo that an expression's value is of; None if that cannot be told."""
        found = {d.node: d for made in self.makers(file, node) if (d := self._class_called(made))}
        return next(iter(found.values())) if len(found) == 1 else None

    def makers(self, file: ParsedFile, node: ast.expr, depth: int = 0) -> list[Made]:
        """The constructor calls that may have made an expression's value, followed through names, attributes of
        objects, factories and wrappers.
        """
        known, busy = _MAKERS.setdefault(self, ({}, set()))
        if node in known:
            return known[node]
        if depth > DEEPEST or node in busy:
            return []
        busy.add(node)
        found = self._makers(file, node, depth)
        busy.discard(node)
        if not busy:
            known[node] = found
        return found

    def _makers(self, file: ParsedFile, node: ast.expr, depth: int) -> list[Made]:
        if isinstance(node, ast.Call):
            return self._made_by(file, node, depth)
        if isinstance(node, ast.IfExp):
            return [
                *self.makers(file, node.body, depth + 1),
                *self.makers(file, node.orelse, depth + 1),
            ]
        if isinstance(node, ast.Subscript):
            return self._elements(file, node.value, depth)
        if isinstance(node, ast.Name) and (looped := self._iterated(file, node, depth)):
            return looped
        return [
            made
            for place, value in self.bound(file, node, depth)
            for made in self.makers(place, value, depth + 1)
        ]

    def callee(self, file: ParsedFile, call: ast.Call) -> Defined | None:
        """The function of the repo that a call runs: a function, a method, or `forward` of a module that is called."""
        function = call.func
        if isinstance(function, ast.Name):
            named = self._function(file, function.id)
            if named is not None:
                return named
        if isinstance(function, ast.Attribute):
            method = self._method_called(file, function)
            if method is not None:
                return method
        if isinstance(function, ast.Name) and function.id == "self":
            kind = self.class_around(file, call)
        else:
            kind = self.class_of(file, function)
        return (self.method(kind, "forward") or self.method(kind, "__call__")) if kind else None

    def method(self, kind: Defined, name: str) -> Defined | None:
        """A method of a class, or of the classes that it derives from; None if it has none."""
        return next((m for place in self.lineage(kind) if (m := own_method(place, name))), None)

    def lineage(self, kind: Defined) -> list[Defined]:
        """A class and the classes of the repo above it, nearest first."""
        known = _LINEAGES.setdefault(self, {})
        if kind.node not in known:
            found = {kind.node: kind}
            waiting = [kind]
            while waiting:
                below = waiting.pop(0)
                for base in bases_of(below):
                    above = self._class_named(below.file, base)
                    if above is not None and above.node not in found:
                        found[above.node] = above
                        waiting.append(above)
            known[kind.node] = list(found.values())
        return known[kind.node]

    def _class_named(self, file: ParsedFile, name: str) -> Defined | None:
        """The class of the repo that a name means in a file; None where several fit."""
        places = self.classes.get(name.rpartition(".")[2], [])
        here = [place for place in places if place.file.path == file.path] or places
        return here[0] if len(here) == 1 else None

    def _filled_in(self, kind: Defined, name: str, found: Defined | None) -> Defined | None:
        """A method, or where it is only a place for one, the only one that a class below puts there."""
        if found is not None and not is_abstract(found.node):
            return found
        below = [m for d in self.below.get(getattr(kind.node, "name", ""), []) if (m := own_method(d, name))]
        return below[0] if len(below) == 1 else found

    def attribute(self, kind: Defined, name: str) -> list[tuple[ParsedFile, ast.expr]]:
        """What `self.name` is assigned to in a class, with the file of each."""
        return [
            place
            for binding in bindings(kind.file, f"self.{name}", kind.node)
            if binding.how is How.ASSIGNED and kind.node in kind.file.around(binding.node)
            for place in self._taken(kind.file, binding)
        ]

    def class_around(self, file: ParsedFile, node: ast.AST) -> Defined | None:
        """The innermost class around a node."""
        found = next((outer for outer in file.around(node) if isinstance(outer, ast.ClassDef)), None)
        return Defined(file=file, node=found) if found else None

    def calls_of_module(self, kind: ast.AST | None) -> list[Made]:
        """The calls of objects of a class, which run its `forward`; [] while they are being collected."""
        found = _CALLS_OF_MODULES.get(self)
        if found is None:
            found = _CALLS_OF_MODULES[self] = {}
            for file in self.files:
                for call in file.calls:
                    name = called_name(call)
                    if (
                        name in self.functions
                        or name in self.classes
                        or file.full_name(call).startswith("torch.")
                    ):
                        continue
                    if reached := self.class_of(file, call.func):
                        found.setdefault(reached.node, []).append(Made(file=file, call=call))
        return found.get(kind, []) if kind else []

    def is_module(self, kind: Defined | None) -> bool:
        """Whether a class is a torch module."""
        return kind is not None and getattr(kind.node, "name", "") in self.modules

    def _class_called(self, made: Made) -> Defined | None:
        return self._class_named(made.file, made.name)

    def _made_by(self, file: ParsedFile, call: ast.Call, depth: int) -> list[Made]:
        name = called_name(call)
        if (
            isinstance(call.func, ast.Attribute)
            and name in SAME_OBJECT
            and (name not in self.functions or self._is_of_module(file, call.func))
        ):
            return self.makers(file, call.func.value, depth + 1)
        if name in WRAPPERS and call.args:
            return self.makers(file, call.args[0], depth + 1)
        if name in self.classes:
            return [Made(file=file, call=call)]
        if table := self._table_called(file, call.func):
            return [Made(file=file, call=call, chosen=chosen) for chosen in table.values()]
        reached = None
        if isinstance(call.func, ast.Name):
            reached = self._function(file, call.func.id)
        elif isinstance(call.func, ast.Attribute):
            reached = self._method_called(file, call.func, depth + 1)
        if reached is None:
            return [Made(file=file, call=call)]
        return [
            made for value in returns(reached) for made in self._returned(reached, value, file, call, depth)
        ]

    def _is_of_module(self, file: ParsedFile, function: ast.Attribute) -> bool:
        """Whether a method is torch's own, of a module of the repo that defines none of this name."""
        kind = self.class_of(file, function.value)
        return self.is_module(kind) and kind is not None and self.method(kind, function.attr) is None

    def _table_called(self, file: ParsedFile, function: ast.expr) -> dict[object, str]:
        """Key -> name of the class, where what is called was looked up in a dictionary of classes; else {}."""
        if isinstance(function, ast.Name):
            values = [b.value for b in bindings(file, function.id, function) if b.how is How.ASSIGNED]
            function = values[0] if len(values) == 1 else function
        if (
            isinstance(function, ast.Call)
            and called_name(function) == "get"
            and isinstance(function.func, ast.Attribute)
        ):
            table = function.func.value
        elif isinstance(function, ast.Subscript):
            table = function.value
        else:
            return {}
        if isinstance(table, ast.Name):
            values = [b.value for b in bindings(file, table.id, table)]
            table = values[0] if len(values) == 1 else table
        if not isinstance(table, ast.Dict):
            return {}
        return {
            (key.value if isinstance(key, ast.Constant) else number): dotted(value)
            for number, (key, value) in enumerate(zip(table.keys, table.values))
            if dotted(value)
        }

    def _returned(
        self, reached: Defined, value: ast.expr, file: ParsedFile, call: ast.Call, depth: int
    ) -> list[Made]:
        """What a returned expression is: an argument of this very call where the function hands one on."""
        inner = value
        while (
            isinstance(inner, ast.Call)
            and isinstance(inner.func, ast.Attribute)
            and inner.func.attr in SAME_OBJECT
        ):
            inner = inner.func.value
        names = parameters(reached.node) if isinstance(reached.node, Function) else []
        if isinstance(inner, ast.Name) and inner.id in names:
            place = names.index(inner.id) - (names[:1] == ["self"])
            if 0 <= place < len(call.args):
                return self.makers(file, call.args[place], depth + 1)
        if isinstance(inner, ast.Call) and isinstance(inner.func, ast.Subscript):
            table, key = self._table_called(reached.file, inner.func), inner.func.slice
            place = (
                names.index(key.id) - (names[:1] == ["self"])
                if isinstance(key, ast.Name) and key.id in names
                else -1
            )
            given = call.args[place] if 0 <= place < len(call.args) else None
            if isinstance(given, ast.Constant) and given.value in table:
                return [Made(file=reached.file, call=inner, chosen=table[given.value])]
        return self.makers(reached.file, value, depth + 1)

    def _iterated(self, file: ParsedFile, node: ast.Name, depth: int) -> list[Made]:
        """What the elements are made by that a loop variable stands for; through `enumerate` and `zip`."""
        found: list[Made] = []
        for binding in bindings(file, node.id, node):
            value, position = binding.value, binding.position
            if binding.how is not How.ITERATED:
                continue
            if isinstance(value, ast.Call) and position is not None and isinstance(value.func, ast.Name):
                place = position - 1 if value.func.id == "enumerate" else position
                if value.func.id in ("enumerate", "zip") and 0 <= place < len(value.args):
                    found += self._elements(file, value.args[place], depth)
            elif position is None:
                found += self._elements(file, value, depth)
        return found

    def _elements(self, file: ParsedFile, node: ast.expr, depth: int) -> list[Made]:
        """What the elements of a list or ModuleList are made by."""
        found: list[Made] = []
        for place, value in self.bound(file, node, depth) or [(file, node)]:
            if isinstance(value, ast.Name | ast.Attribute) and value is not node and depth < DEEPEST:
                found += self._elements(place, value, depth + 1)  # a list that was handed on
                continue
            for part in [value] if not isinstance(value, ast.Call) else value.args[:1]:
                if isinstance(part, ast.List | ast.Tuple):
                    found += [m for e in part.elts for m in self.makers(place, e, depth + 1)]
                elif isinstance(part, ast.ListComp | ast.GeneratorExp):
                    found += self.makers(place, part.elt, depth + 1)
            for added in appended(place, node, value):
                found += self.makers(place, added, depth + 1)
        return found

    def bound(self, file: ParsedFile, node: ast.expr, depth: int) -> list[tuple[ParsedFile, ast.expr]]:
        """The expressions that a name or attribute stands for, one step back."""
        if isinstance(node, ast.Name):
            found = bindings(file, node.id, node)
            plain = [p for b in found if b.how is How.ASSIGNED for p in self._taken(file, b)]
            if not found and depth < DEEPEST and (owner := owner_of(file, node.id, node)):
                return self.given(Defined(file=file, node=owner), node.id)
            return plain
        if isinstance(node, ast.Attribute):
            if isinstance(node.value, ast.Name) and node.value.id == "self":
                kind = self.class_around(file, node)
            else:
                kind = self.class_of(file, node.value) if depth < DEEPEST else None
            if kind is not None:
                return [value for place in self.lineage(kind) for value in self._kept(kind, place, node.attr)]
        return []

    def _kept(self, kind: Defined, above: Defined, name: str) -> list[tuple[ParsedFile, ast.expr]]:
        """What a class above another one assigns to `self.name`; a parameter of its `__init__` as objects of the lower one get it."""
        found, first = self.attribute(above, name), own_method(above, "__init__")
        if above.node is kind.node or first is None or not isinstance(first.node, Function):
            return found
        result: list[tuple[ParsedFile, ast.expr]] = []
        for file, value in found:
            if isinstance(value, ast.Name) and owner_of(file, value.id, value) is first.node:
                place = parameters(first.node).index(value.id) - 1
                made = makings_of(self, kind, first)
                result += [g for m in made if (g := argument_of(m, value.id, place))]
            else:
                result.append((file, value))
        return result

    def _taken(self, file: ParsedFile, binding: Binding) -> list[tuple[ParsedFile, ast.expr]]:
        """The value of a binding; where it takes a tuple apart that a function of the repo returns, the part."""
        if binding.position is None:
            return [(file, binding.value)]
        reached = self.callee(file, binding.value) if isinstance(binding.value, ast.Call) else None
        tuples = [value for value in returns(reached) if isinstance(value, ast.Tuple)] if reached else []
        return [
            (reached.file, t.elts[binding.position])
            for t in tuples
            if reached and binding.position < len(t.elts)
        ]

    def given(self, function: Defined, name: str) -> list[tuple[ParsedFile, ast.expr]]:
        """What the calls in the repo give for a parameter of a function; [] if none is seen."""
        node = function.node
        assert isinstance(node, Function)
        names = parameters(node)
        is_method = isinstance(function.file.parents.get(node), ast.ClassDef) and names[:1] in (
            ["self"],
            ["cls"],
        )
        place = names.index(name) - is_method
        return [g for made in self.callers(function) if (g := argument_of(made, name, place))]

    def callers(self, function: Defined) -> list[Made]:
        """The calls in the repo that run a function; of a method [] where its name is another's as well."""
        node = function.node
        assert isinstance(node, Function)
        owner = function.file.parents.get(node)
        is_method = isinstance(owner, ast.ClassDef) and parameters(node)[:1] in (["self"], ["cls"])
        if node.name == "__init__" and isinstance(owner, ast.ClassDef):
            return self._makings(Defined(file=function.file, node=owner))
        if node.name == "forward" and is_method:
            return self.calls_of_module(owner)
        if len(self.functions[node.name]) == 1:
            return list(self.calls(node.name))
        return [] if is_method else [made for made in self.calls(node.name) if self._runs(made, node)]

    def _makings(self, kind: Defined) -> list[Made]:
        """The calls that run a class's own `__init__`, by the names of classes below that have none as well."""
        name = getattr(kind.node, "name", "")
        if len(self.classes[name]) != 1:
            return []
        found = list(self.constructions.get(name, []))
        for below in self.below.get(name, []):
            first = next((d for d in self.lineage(below) if own_method(d, "__init__")), None)
            called = getattr(below.node, "name", "")
            if first is not None and first.node is kind.node and len(self.classes[called]) == 1:
                found += self.constructions.get(called, [])
        return found

    def _runs(self, made: Made, function: ast.AST) -> bool:
        """Whether a call by a bare name runs a plain function, whatever methods are of the same name."""
        named = made.call.func
        meant = self._function(made.file, named.id) if isinstance(named, ast.Name) else None
        return meant is not None and meant.node is function

    def _function(self, file: ParsedFile, name: str) -> Defined | None:
        """The plain function that a name means in a file: its own, or the one of the repo that it imports."""
        own = [
            d for d in self.functions.get(name, []) if d.file.path == file.path and not is_method_of_class(d)
        ]
        if own:
            return own[0] if len(own) == 1 else None
        origin = file.imports.get(name, "")
        last = origin.rpartition(".")[2]
        found = [d for d in self.functions.get(last, []) if origin and not is_method_of_class(d)]
        return found[0] if len(found) == 1 else None

    def _method_called(self, file: ParsedFile, function: ast.Attribute, depth: int = 0) -> Defined | None:
        if isinstance(function.value, ast.Name) and function.value.id == "self":
            kind = self.class_around(file, function)
            found = self.method(kind, function.attr) if kind else None
            return self._filled_in(kind, function.attr, found) if kind else None
        if isinstance(function.value, ast.Name) and function.value.id in file.imports:
            found = [d for d in self.functions.get(function.attr, []) if not is_method_of_class(d)]
            module = file.imports[function.value.id].replace(".", "/")
            found = [
                d for d in found if f"/{d.file.path}".endswith((f"/{module}.py", f"/{module}/__init__.py"))
            ]
            return found[0] if len(found) == 1 else None
        if function.attr not in self.functions or depth > DEEPEST:
            return None
        kind = self.class_of(file, function.value)
        return self.method(kind, function.attr) if kind else None


def once(question: Callable[[Codebase], Answer]) -> Callable[[Codebase], Answer]:
    """A question about a codebase, which is answered once and remembered as long as the codebase lives."""
    answers: WeakKeyDictionary[Codebase, Answer] = WeakKeyDictionary()

    @wraps(question)
    def ask(repo: Codebase) -> Answer:
        if repo not in answers:
            answers[repo] = question(repo)
        return answers[repo]

    return ask
