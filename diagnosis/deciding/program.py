"""What a repo defines under which name: functions, classes, assignments, and who calls what."""

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache

from diagnosis.syntax import called_name, parsed

Function = ast.FunctionDef | ast.AsyncFunctionDef
SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
SHARED = (ast.expr_context, ast.operator, ast.unaryop, ast.boolop, ast.cmpop)  # one object for all nodes
GROWING = {"append", "extend", "add", "update", "appendleft", "insert"}
# Calls that give their keywords, or what their default says, to attributes.
SETTINGS = {
    "SimpleNamespace",
    "Namespace",
    "EasyDict",
    "edict",
    "Munch",
    "AttrDict",
    "DotMap",
    "Box",
    "set_defaults",
    "replace",
    "_replace",
    "evolve",
}
OPTIONS = {"add_argument", "option", "DEFINE_float", "DEFINE_integer"}
# Calls that give an attribute its value under a name that they are told, and the place of that name among their arguments.
NAMING = {"register_buffer": 0, "register_parameter": 0, "add_module": 0, "register_module": 0, "setattr": 1}
ALIKE = 4  # definitions of one name; more say nothing about which is meant


@dataclass(frozen=True, kw_only=True)
class Definition:
    """An expression that gives a name its value.

    path_in: which part of the value the name holds, outermost first. loops: the name holds one element at a time.
    key: of `name["key"] = value`, the key; "" of the name itself. fallback: holds where nothing else is given.
    """

    value: ast.expr
    path_in: tuple[object, ...] = ()
    loops: bool = False
    key: str = ""
    fallback: bool = False

    @property
    def held(self) -> ast.expr:
        """The value of the name alone, where several are assigned side by side."""
        value = self.value
        for index in self.path_in if not self.loops else ():
            if (
                isinstance(value, (ast.Tuple, ast.List))
                and isinstance(index, int)
                and index < len(value.elts)
            ):
                value = value.elts[index]
        return value

    def part_of(self, wanted: tuple[object, ...]) -> tuple[object, ...] | None:
        """Which part of the value is meant where this part of the name is wanted; None if another key is."""
        named = wanted[-1] if wanted and isinstance(wanted[-1], str) else ""
        if self.key and named:
            return wanted[:-1] if named == self.key else None
        return (*wanted, *reversed(self.path_in))


@dataclass(kw_only=True, eq=False)
class Program:
    """The syntax of all files. Nodes are known by identity.

    functions, classes: by name. calls: by the last part of the called name. attributes: definitions of `x.name`, whatever x
    is. columns: keys that are assigned, `x["key"] = value`. parents, paths: of every node.
    locals: definitions of a plain name, by the scope it is bound in. trees: the module of each file.
    """

    functions: dict[str, list[Function]] = field(default_factory=dict)
    classes: dict[str, list[ast.ClassDef]] = field(default_factory=dict)
    calls: dict[str, list[ast.Call]] = field(default_factory=dict)
    attributes: dict[str, list[Definition]] = field(default_factory=dict)
    parents: dict[ast.AST, ast.AST] = field(default_factory=dict)
    paths: dict[ast.AST, str] = field(default_factory=dict)
    locals: dict[tuple[ast.AST, str], list[Definition]] = field(default_factory=dict)
    trees: dict[str, ast.Module] = field(default_factory=dict)
    columns: set[str] = field(default_factory=set)

    def around(self, node: ast.AST) -> Iterator[ast.AST]:
        """The nodes around a node, innermost first."""
        while node in self.parents:
            node = self.parents[node]
            yield node

    def scope(self, node: ast.AST) -> ast.AST:
        """The function around a node, or its file's module."""
        return next(one for one in self.around(node) if isinstance(one, (*SCOPES, ast.Module)))

    def class_of(self, node: ast.AST) -> ast.ClassDef | None:
        """The class around a node."""
        return next((one for one in self.around(node) if isinstance(one, ast.ClassDef)), None)

    def statement(self, node: ast.AST) -> ast.AST:
        """The statement that holds a node."""
        return (
            node
            if isinstance(node, ast.stmt)
            else next(o for o in self.around(node) if isinstance(o, ast.stmt))
        )

    def methods(self, owner: ast.ClassDef, *names: str) -> list[Function]:
        """The methods of a class, its bases in the repo included, that have one of these names."""
        return self._methods(owner, names, {owner})

    def _methods(
        self, owner: ast.ClassDef, names: tuple[str, ...], known: set[ast.ClassDef]
    ) -> list[Function]:
        """known: classes that were looked into, as wrappers of libraries name their bases in circles."""
        found = [one for one in owner.body if isinstance(one, Function) and one.name in names]
        for base in owner.bases if not found else ():
            name = base.id if isinstance(base, ast.Name) else getattr(base, "attr", "")
            for other in self.classes.get(name, [])[:1]:
                if other not in known:
                    known.add(other)
                    found += self._methods(other, names, known)
        return found


def read_program(sources: Mapping[str, str]) -> Program:
    """The program of these files (path -> text); files that are not valid Python are left out."""
    return _read(tuple(sorted((path, text) for path, text in sources.items() if path.endswith(".py"))))


@lru_cache(maxsize=4)
def _read(sources: tuple[tuple[str, str], ...]) -> Program:
    program = Program()
    for path, text in sources:
        tree = parsed(text)
        if tree is not None:
            program.trees[path] = tree
            _index(program, path, tree)
    return program


def _index(program: Program, path: str, tree: ast.Module) -> None:
    nodes: list[ast.AST] = [tree]
    for node in nodes:  # which grows, as `ast.walk` goes
        program.paths[node] = path
        for child in ast.iter_child_nodes(node):
            if not isinstance(child, SHARED):
                program.parents[child] = node
                nodes.append(child)
    for node in nodes:
        if isinstance(node, Function):
            program.functions.setdefault(node.name, []).append(node)
        elif isinstance(node, ast.ClassDef):
            program.classes.setdefault(node.name, []).append(node)
        elif isinstance(node, ast.Call):
            program.calls.setdefault(called_name(node), []).append(node)
        for target, definition in _definitions(node):
            _define(program, target, definition)
    _options(program, nodes)


def _options(program: Program, nodes: Iterable[ast.AST]) -> None:
    """Attributes that are not assigned: fields of a class's body, options of a command line, keywords of a bag of settings."""
    for node in nodes:
        if isinstance(node, ast.Call):
            for name, definition in _given_by(program, node):
                program.attributes.setdefault(name, []).append(definition)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)) and isinstance(
            program.parents.get(node), ast.ClassDef
        ):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            value = node.value
            for target in targets:
                if isinstance(target, ast.Name) and value is not None:
                    given = Definition(value=value, fallback=True)
                    program.attributes.setdefault(target.id, []).append(given)


def _given_by(program: Program, call: ast.Call) -> Iterator[tuple[str, Definition]]:
    """Attributes that a call gives values: `Namespace(lr=1)`, `replace(settings, lr=1)`, `add_argument("--lr", default=1)`,
    `register_buffer("graph", x)`.
    """
    name = called_name(call)
    if name in NAMING:
        yield from _named_by(call, NAMING[name])
    elif name in OPTIONS:
        default = next((one.value for one in call.keywords if one.arg == "default"), None)
        said = [
            one.value for one in call.args if isinstance(one, ast.Constant) and isinstance(one.value, str)
        ]
        if name.startswith("DEFINE") and len(call.args) > 1:
            default = call.args[1]
        for one in said[:2]:
            option = one.lstrip("-").replace("-", "_")
            if option.isidentifier() and default is not None:
                yield option, Definition(value=default, fallback=True)
    elif name in SETTINGS or any(not _has_init(one) for one in program.classes.get(name, [])):
        yield from ((one.arg, Definition(value=one.value)) for one in call.keywords if one.arg)
        owner = next(iter(program.classes.get(name, [])), None)
        fields = _fields(owner) if owner is not None and not _has_init(owner) else []
        plain = not any(isinstance(one, ast.Starred) for one in call.args)
        yield from zip(fields, (Definition(value=one) for one in call.args if plain), strict=False)


def _named_by(call: ast.Call, place: int) -> Iterator[tuple[str, Definition]]:
    """What `self.register_buffer("graph", x)` or `setattr(self, "graph", x)` gives to which attribute."""
    given = [
        *call.args[place:],
        *(one.value for one in call.keywords if one.arg in ("tensor", "param", "module")),
    ]
    said = given[0].value if given and isinstance(given[0], ast.Constant) else None
    if isinstance(said, str) and len(given) > 1:
        yield said, Definition(value=given[1])


def _fields(owner: ast.ClassDef) -> list[str]:
    """The fields of a data class or a named tuple, in the order in which its instances are given them."""
    annotated = [one.target for one in owner.body if isinstance(one, ast.AnnAssign)]
    return [one.id for one in annotated if isinstance(one, ast.Name)]


def _has_init(owner: ast.ClassDef) -> bool:
    return any(isinstance(one, Function) and one.name == "__init__" for one in owner.body)


def _definitions(node: ast.AST) -> Iterator[tuple[ast.expr, Definition]]:
    """What a node assigns: targets with their values."""
    if isinstance(node, ast.Assign):
        yield from ((target, Definition(value=node.value)) for target in node.targets)
    elif isinstance(node, (ast.AugAssign, ast.NamedExpr)) or (isinstance(node, ast.AnnAssign) and node.value):
        yield node.target, Definition(value=node.value)  # pyright: ignore[reportArgumentType]
    elif isinstance(node, (ast.For, ast.AsyncFor, ast.comprehension)):
        yield node.target, Definition(value=node.iter, loops=True)
    elif isinstance(node, ast.withitem) and node.optional_vars is not None:
        yield node.optional_vars, Definition(value=node.context_expr)
    elif isinstance(node, ast.Call):
        yield from _changes(node)


def _changes(node: ast.Call) -> Iterator[tuple[ast.expr, Definition]]:
    """What a call changes in place: `rows.append(x)`, `rng.shuffle(rows)`, `rows.sort()`."""
    if not isinstance(node.func, ast.Attribute):
        return
    if node.func.attr in GROWING and node.args:
        yield node.func.value, Definition(value=node.args[-1])
    elif node.func.attr == "shuffle" and node.args:
        yield node.args[0], Definition(value=node)
    elif node.func.attr == "sort":
        yield node.func.value, Definition(value=node)


def _define(program: Program, target: ast.expr, definition: Definition) -> None:
    if isinstance(target, (ast.Tuple, ast.List)):
        starred = [n for n, part in enumerate(target.elts) if isinstance(part, ast.Starred)]
        for index, part in enumerate(target.elts):
            behind = bool(starred) and index > starred[0]
            place = index - len(target.elts) if behind else index
            path = definition.path_in if index in starred else (*definition.path_in, place)
            _define(program, part, replace(definition, path_in=path))
    elif isinstance(target, ast.Starred):
        _define(program, target.value, definition)
    elif isinstance(target, ast.Name):
        program.locals.setdefault((program.scope(target), target.id), []).append(definition)
    elif isinstance(target, ast.Attribute):
        data = target.attr in ("data", "values", "flat")  # `matrix.data *= kept` changes the matrix
        _define(program, target.value, definition) if data else program.attributes.setdefault(
            target.attr, []
        ).append(definition)
    elif isinstance(target, ast.Subscript):
        key = target.slice.value if isinstance(target.slice, ast.Constant) else ""
        named = replace(definition, key=key) if isinstance(key, str) and key else definition
        program.columns.update({key} if isinstance(key, str) else ())
        _define(program, target.value, named)
