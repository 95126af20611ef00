"""The files of a repo side by side: which function a call reaches, which class an object is of, and where it was made.

Everything is looked up by what the code binds and imports. Where several definitions fit, the answer is that none is known.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from diagnosis.rules.source import Function, ParsedFile
from diagnosis.rules.values import How, bindings, owner_of, parameters
from diagnosis.syntax import called_name, dotted

MOST_OPEN = 24  # expressions that one question asks about at once
DEEPEST = 6  # bindings and calls that one question follows
# Methods that hand their own object on.
SAME_OBJECT = {"to", "cuda", "cpu", "float", "double", "half", "train", "eval", "requires_grad_", "apply"}
# Functions that wrap a model, and answer as it does.
WRAPPERS = {"compile", "DataParallel", "DistributedDataParallel", "script"}


@dataclass(frozen=True, kw_only=True, eq=False)
class Defined:
    """A function or class, and the file that defines it."""

    file: ParsedFile
    node: ast.AST


@dataclass(frozen=True, kw_only=True, eq=False)
class Made:
    """A call that makes an object, and its file."""

    file: ParsedFile
    call: ast.Call

    @property
    def full_name(self) -> str:
        """What is called, imports resolved: "torch.nn.GRU"."""
        return self.file.full_name(self.call)


@dataclass(frozen=True, kw_only=True, eq=False)
class Codebase:
    """All parsed files of a repo; the one that is being checked alone where the others are not at hand."""

    files: tuple[ParsedFile, ...]

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
            name: {base for place in places for base in _bases(place)}
            for name, places in self.classes.items()
        }
        found: set[str] = set()
        while True:
            more = {
                name
                for name, above in bases.items()
                if name not in found and any(b in found or _is_torch_module(b) for b in above)
            }
            if not more:
                return found
            found |= more

    def calls(self, *names: str) -> Iterator[Made]:
        """All calls in the repo whose called name, its last part, is one of these."""
        for file in self.files:
            for call in file.calls:
                if called_name(call) in names:
                    yield Made(file=file, call=call)

    def class_of(self, file: ParsedFile, node: ast.expr) -> Defined | None:
        """The class of the repo that an expression's value is of; None if that cannot be told."""
        found = {d.node: d for made in self.makers(file, node) if (d := self._class_called(made))}
        return next(iter(found.values())) if len(found) == 1 else None

    def makers(self, file: ParsedFile, node: ast.expr, depth: int = 0) -> list[Made]:
        """The constructor calls that may have made an expression's value, followed through names, attributes of
        objects, factories and wrappers.
        """
        if depth > DEEPEST or node in self._open or len(self._open) > MOST_OPEN:
            return []
        self._open.add(node)
        try:
            return self._makers(file, node, depth)
        finally:
            self._open.discard(node)

    @cached_property
    def _open(self) -> set[ast.AST]:
        """The expressions whose makers are being looked for: what leads back to one of them leads nowhere."""
        return set()

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
        return [
            made
            for place, value in self._bound(file, node, depth)
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
        kind = self.class_of(file, function)
        return (self.method(kind, "forward") or self.method(kind, "__call__")) if kind else None

    def method(self, kind: Defined, name: str, depth: int = 0) -> Defined | None:
        """A method of a class, or of the classes that it derives from; None if it has none."""
        for node in getattr(kind.node, "body", []):
            if isinstance(node, Function) and node.name == name:
                return Defined(file=kind.file, node=node)
        if depth < DEEPEST:
            for base in _bases(kind):
                for above in self.classes.get(base.rpartition(".")[2], []):
                    if above.node is not kind.node and (found := self.method(above, name, depth + 1)):
                        return found
        return None

    def attribute(self, kind: Defined, name: str) -> list[ast.expr]:
        """What `self.name` is assigned to in a class."""
        return [
            binding.value
            for binding in bindings(kind.file, f"self.{name}", kind.node)
            if binding.how is How.ASSIGNED
            and binding.position is None
            and kind.node in kind.file.around(binding.node)
        ]

    def class_around(self, file: ParsedFile, node: ast.AST) -> Defined | None:
        """The innermost class around a node."""
        found = next((outer for outer in file.around(node) if isinstance(outer, ast.ClassDef)), None)
        return Defined(file=file, node=found) if found else None

    def is_module(self, kind: Defined | None) -> bool:
        """Whether a class is a torch module."""
        return kind is not None and getattr(kind.node, "name", "") in self.modules

    def _class_called(self, made: Made) -> Defined | None:
        places = self.classes.get(called_name(made.call), [])
        here = [place for place in places if place.file.path == made.file.path] or places
        return here[0] if len(here) == 1 else None

    def _made_by(self, file: ParsedFile, call: ast.Call, depth: int) -> list[Made]:
        name = called_name(call)
        if isinstance(call.func, ast.Attribute) and name in SAME_OBJECT and name not in self.functions:
            return self.makers(file, call.func.value, depth + 1)
        if name in WRAPPERS and call.args:
            return self.makers(file, call.args[0], depth + 1)
        if name in self.classes:
            return [Made(file=file, call=call)]
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
        return self.makers(reached.file, value, depth + 1)

    def _elements(self, file: ParsedFile, node: ast.expr, depth: int) -> list[Made]:
        """What the elements of a list or ModuleList are made by."""
        values = [value for _, value in self._bound(file, node, depth)] or [node]
        found: list[Made] = []
        for value in values:
            for part in [value] if not isinstance(value, ast.Call) else value.args[:1]:
                if isinstance(part, ast.List | ast.Tuple):
                    found += [m for e in part.elts for m in self.makers(file, e, depth + 1)]
                elif isinstance(part, ast.ListComp | ast.GeneratorExp):
                    found += self.makers(file, part.elt, depth + 1)
        return found

    def _bound(self, file: ParsedFile, node: ast.expr, depth: int) -> list[tuple[ParsedFile, ast.expr]]:
        """The expressions that a name or attribute stands for, one step back."""
        if isinstance(node, ast.Name):
            found = [b for b in bindings(file, node.id, node) if b.position is None]
            plain = [(file, b.value) for b in found if b.how is How.ASSIGNED]
            if not found and depth < DEEPEST and (owner := owner_of(file, node.id, node)):
                return self._given(Defined(file=file, node=owner), node.id)
            return plain
        if isinstance(node, ast.Attribute):
            if isinstance(node.value, ast.Name) and node.value.id == "self":
                kind = self.class_around(file, node)
            else:
                kind = self.class_of(file, node.value) if depth < DEEPEST else None
            if kind is not None:
                return [
                    (place.file, value)
                    for place in self._lineage(kind)
                    for value in self.attribute(place, node.attr)
                ]
        return []

    def _lineage(self, kind: Defined, depth: int = 0) -> list[Defined]:
        """A class and the classes of the repo above it."""
        found = [kind]
        if depth < DEEPEST:
            for base in _bases(kind):
                for above in self.classes.get(base.rpartition(".")[2], []):
                    if above.node is not kind.node:
                        found += self._lineage(above, depth + 1)
        return found

    def _given(self, function: Defined, name: str) -> list[tuple[ParsedFile, ast.expr]]:
        """What the calls in the repo give for a parameter of a function; [] if none is seen."""
        node = function.node
        assert isinstance(node, Function)
        names = parameters(node)
        owner = function.file.parents.get(node)
        is_method = isinstance(owner, ast.ClassDef) and names[:1] in (["self"], ["cls"])
        called = owner.name if isinstance(owner, ast.ClassDef) and node.name == "__init__" else node.name
        place = names.index(name) - is_method
        if (
            len(self.classes.get(called, []) if node.name == "__init__" else self.functions.get(called, []))
            > 1
        ):
            return []
        given: list[tuple[ParsedFile, ast.expr]] = []
        for made in self.calls(called):
            call = made.call
            named = next((k.value for k in call.keywords if k.arg == name), None)
            if named is not None:
                given.append((made.file, named))
            elif 0 <= place < len(call.args) and not any(isinstance(a, ast.Starred) for a in call.args):
                given.append((made.file, call.args[place]))
        return given

    def _function(self, file: ParsedFile, name: str) -> Defined | None:
        """The plain function that a name means in a file: its own, or the one of the repo that it imports."""
        own = [d for d in self.functions.get(name, []) if d.file.path == file.path and not _is_method(d)]
        if own:
            return own[0] if len(own) == 1 else None
        origin = file.imports.get(name, "")
        last = origin.rpartition(".")[2]
        found = [d for d in self.functions.get(last, []) if origin and not _is_method(d)]
        return found[0] if len(found) == 1 else None

    def _method_called(self, file: ParsedFile, function: ast.Attribute, depth: int = 0) -> Defined | None:
        if isinstance(function.value, ast.Name) and function.value.id == "self":
            kind = self.class_around(file, function)
            return self.method(kind, function.attr) if kind else None
        if isinstance(function.value, ast.Name) and function.value.id in file.imports:
            found = [d for d in self.functions.get(function.attr, []) if not _is_method(d)]
            module = file.imports[function.value.id].replace(".", "/")
            found = [
                d for d in found if f"/{d.file.path}".endswith((f"/{module}.py", f"/{module}/__init__.py"))
            ]
            return found[0] if len(found) == 1 else None
        if function.attr not in self.functions or depth > DEEPEST:
            return None
        kind = self.class_of(file, function.value)
        return self.method(kind, function.attr) if kind else None


def returns(function: Defined) -> list[ast.expr]:
    """The expressions that a function returns, those of functions inside it left out."""
    return [
        statement.value
        for statement in function.file.within(function.node, ast.Return)
        if statement.value is not None and function.file.function_of(statement) is function.node
    ]


def _is_method(defined: Defined) -> bool:
    return isinstance(defined.file.parents.get(defined.node), ast.ClassDef)


def _bases(kind: Defined) -> list[str]:
    """Full dotted names of the classes that a class names as its bases."""
    found = []
    for base in getattr(kind.node, "bases", []):
        head, _, rest = dotted(base).partition(".")
        origin = kind.file.imports.get(head, head)
        found.append(
            (f"{origin}.{rest}" if rest else origin).rpartition(".")[2] if not rest else f"{origin}.{rest}"
        )
    return found


def _is_torch_module(base: str) -> bool:
    return base.rpartition(".")[2] in ("Module", "LightningModule")
