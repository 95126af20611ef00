"""The code of a repo that is being adopted: its files as syntax trees, its functions, and what a call may reach.

Nothing is run. Unlike `diagnosis.rules.codebase`, which stays silent where several definitions fit, all candidates are given:
what is drafted from them is shown to the user as a guess.
"""

import ast
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from pathlib import Path

from diagnosis.syntax import below, dotted, parsed
from evolution.base.errors import RepoError
from evolution.base.places import KIT_NAME
from evolution.repo.files import read_code
from seeds.reading import parse_json, walk

MOST_FILES = 2000
SKIPPED = {"node_modules", "__pycache__", "site-packages", "venv", "env", "build", "dist", ".git"}
OURS = {KIT_NAME}
MANY = 12  # methods of one name; a call of it is then taken for none of them
Function = ast.FunctionDef | ast.AsyncFunctionDef
IMPORTS = {"import_module", "__import__"}
LIBRARIES = {
    "torch",
    "numpy",
    "scipy",
    "pandas",
    "sklearn",
    "transformers",
    "torchmetrics",
    "recbole",
    "lightning",
    "pytorch_lightning",
    "optuna",
}
ALWAYS_TORCH = {
    "to",
    "train",
    "eval",
    "step",
    "zero_grad",
    "backward",
    "parameters",
    "items",
    "append",
    "size",
    "view",
}


def walked(node: ast.AST) -> list[ast.AST]:
    """A node and all below it."""
    found = [node]
    for one in found:
        found += below(one)
    return found


@dataclass(frozen=True, kw_only=True, eq=False)
class ForeignFile:
    """A Python file or notebook. path: relative to the repo. text: the code cells of a notebook, one after the other."""

    path: str
    text: str
    tree: ast.Module

    @cached_property
    def all_nodes(self) -> list[ast.AST]:
        return walked(self.tree)

    @cached_property
    def parents(self) -> dict[ast.AST, ast.AST]:
        return {child: node for node in self.all_nodes for child in below(node)}

    @cached_property
    def units(self) -> list["CodeUnit"]:
        """The file itself, then its functions and methods."""
        found = [CodeUnit(file=self, name="", node=self.tree)]
        waiting: list[tuple[ast.AST, str, ast.ClassDef | None]] = [(self.tree, "", None)]
        while waiting:
            node, name, owner = waiting.pop()
            for child in below(node):
                inner = (
                    f"{name}.{child.name}".lstrip(".")
                    if isinstance(child, (*_FUNCTIONS, ast.ClassDef))
                    else name
                )
                if isinstance(child, _FUNCTIONS):
                    found.append(CodeUnit(file=self, name=inner, node=child, owner=owner))
                    waiting.append((child, inner, None))
                elif isinstance(child, ast.ClassDef):
                    waiting.append((child, inner, child))
                else:
                    waiting.append((child, inner, owner))
        return found

    @cached_property
    def imports(self) -> dict[str, tuple[str, str]]:
        """Name in this file -> (module, name in it or ""). "*3" -> a module whose names are all taken over."""
        found: dict[str, tuple[str, str]] = {}
        for node in self.all_nodes:
            if isinstance(node, ast.Import):
                for one in node.names:
                    found[one.asname or one.name] = (one.name, "")
            elif isinstance(node, ast.ImportFrom):
                base = _absolute(self.path, node)
                for one in node.names:
                    key = one.asname or one.name
                    found[f"*{len(found)}" if key == "*" else key] = (base, "" if key == "*" else one.name)
        return found


_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True, kw_only=True, eq=False)
class CodeUnit:
    """A function, a method of `owner`, or what a file runs when it is imported or started (name "")."""

    file: ForeignFile
    name: str
    node: ast.Module | Function
    owner: ast.ClassDef | None = None

    @property
    def place(self) -> str:
        return f"{self.file.path}:{getattr(self.node, 'lineno', 1)}"

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """Everything in it that is not part of an inner function; a file's classes' own statements included."""
        found: list[ast.AST] = []
        waiting: list[ast.AST] = [*reversed(self.node.body)]
        while waiting:
            node = waiting.pop()
            if isinstance(node, _FUNCTIONS):
                waiting += reversed(node.decorator_list)
                continue
            found.append(node)
            waiting += reversed(list(below(node)))
        return found

    @cached_property
    def calls(self) -> list[ast.Call]:
        return [node for node in self.nodes if isinstance(node, ast.Call)]

    def around(self, node: ast.AST) -> list[ast.AST]:
        """What stands around a node within this unit, innermost first."""
        found, here = list[ast.AST](), self.file.parents.get(node)
        while here is not None and here is not self.node:
            found.append(here)
            here = self.file.parents.get(here)
        return found


Kind = tuple[ForeignFile, ast.ClassDef]


def makes_by_name(unit: CodeUnit, call: ast.Call) -> bool:
    """Whether a call makes what a text names: `eval(name)`, `getattr(import_module(path), name)`, `getattr(models, name)`,
    `globals()[name](...)`.
    """
    name = dotted(call.func)
    if isinstance(call.func, ast.Subscript) and isinstance(call.func.value, ast.Call):
        return dotted(call.func.value.func) in ("globals", "vars", "locals")
    if name == "eval":
        return not (call.args and isinstance(call.args[0], ast.Constant)) and not _is_of_settings(call)
    if name != "getattr" or len(call.args) < 2 or isinstance(call.args[1], ast.Constant):
        return False
    given = [call.args[0]]
    module, inner = unit.file.imports.get(dotted(call.args[0]), ("", ""))
    if (
        module
        and not inner
        and module.lstrip(".").partition(".")[0] not in {*LIBRARIES, *sys.stdlib_module_names}
    ):
        return True
    given += [
        node.value
        for node in unit.nodes
        if isinstance(node, ast.Assign) and any(dotted(t) == dotted(call.args[0]) for t in node.targets)
    ]
    return any(isinstance(one, ast.Call) and dotted(one.func).rpartition(".")[2] in IMPORTS for one in given)


def _is_of_settings(call: ast.Call) -> bool:
    """`eval(args.layers)`: a list of numbers, most often."""
    return bool(call.args) and isinstance(call.args[0], ast.Attribute | ast.Subscript)


@dataclass(frozen=True, kw_only=True, eq=False)
class ForeignRepo:
    """files: by path. others: paths of files that are no code. unread: files without a syntax tree.

    chosen: the class that a program makes by a name, with that name, where one is taken for it (named_models.py).
    """

    root: Path
    files: dict[str, ForeignFile]
    others: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    chosen: "tuple[Kind, str] | None" = None
    _reached: dict[ast.AST, list[CodeUnit]] = field(default_factory=dict)

    @cached_property
    def units(self) -> list[CodeUnit]:
        return [unit for file in self.files.values() for unit in file.units]

    @cached_property
    def methods(self) -> dict[str, list[CodeUnit]]:
        found: dict[str, list[CodeUnit]] = {}
        for unit in self.units:
            if unit.owner is not None:
                found.setdefault(unit.name.rpartition(".")[2], []).append(unit)
        return found

    @cached_property
    def classes(self) -> dict[str, list[tuple[ForeignFile, ast.ClassDef]]]:
        found: dict[str, list[tuple[ForeignFile, ast.ClassDef]]] = {}
        for file in self.files.values():
            for node in file.all_nodes:
                if isinstance(node, ast.ClassDef):
                    found.setdefault(node.name, []).append((file, node))
        return found

    @cached_property
    def _by_module(self) -> dict[str, list[ForeignFile]]:
        found: dict[str, list[ForeignFile]] = {}
        for path, file in self.files.items():
            parts = path.removesuffix(".py").removesuffix("/__init__").split("/")
            for start in range(len(parts)):
                found.setdefault(".".join(parts[start:]), []).append(file)
        return found

    def module(self, name: str, near: str) -> ForeignFile | None:
        """The file of a module as a file at the path `near` would import it; None for a library's."""
        fits = self._by_module.get(name, [])
        beside = near.rpartition("/")[0]
        return min(
            fits,
            key=lambda file: (not file.path.startswith(beside), file.path.count("/"), file.path),
            default=None,
        )

    def bindings_of(self, file: ForeignFile, name: str, depth: int = 0) -> list[tuple[ForeignFile, str]]:
        """Files that may define a name used in `file`, with its name there; the file itself first. "" is the module."""
        found = [(file, name)]
        if depth > 4:
            return found
        taken = file.imports.get(name)
        if taken is not None:
            module = self.module(f"{taken[0]}.{taken[1]}".strip("."), file.path) if taken[1] else None
            if module is not None:
                found.append((module, ""))
            elif (source := self.module(taken[0], file.path)) is not None and source is not file:
                found += self.bindings_of(source, taken[1], depth + 1) if taken[1] else [(source, "")]
        else:
            for key, (base, _) in file.imports.items():
                source = self.module(base, file.path) if key.startswith("*") else None
                if source is not None and source is not file:
                    found += self.bindings_of(source, name, depth + 1)
        return found

    def defined(self, file: ForeignFile, name: str) -> list[CodeUnit]:
        """Functions and constructors that a plain name may mean."""
        found: list[CodeUnit] = []
        for place, inner in self.bindings_of(file, name):
            found += [unit for unit in place.units if inner and unit.name == inner]
            found += [u for kind in self.class_named(place, inner) for u in self.method_of(kind, "__init__")]
        return found

    def class_named(self, file: ForeignFile, name: str) -> list[tuple[ForeignFile, ast.ClassDef]]:
        return [(f, node) for f, node in self.classes.get(name, []) if f is file]

    def classes_called(self, file: ForeignFile, node: ast.expr) -> list[tuple[ForeignFile, ast.ClassDef]]:
        """Classes that a called name such as `SASRec` or `models.SASRec` may mean."""
        name = dotted(node) or ""
        base, _, last = name.rpartition(".")
        places = self.bindings_of(file, base or name)
        return [
            found for place, inner in places for found in self.class_named(place, last if base else inner)
        ]

    def lineage(self, kind: tuple[ForeignFile, ast.ClassDef]) -> list[tuple[ForeignFile, ast.ClassDef]]:
        """A class and those of the repo that it inherits from."""
        found, waiting = list[tuple[ForeignFile, ast.ClassDef]](), [kind]
        while waiting and len(found) < 20:
            one = waiting.pop(0)
            if any(one[1] is known for _, known in found):
                continue
            found.append(one)
            for base in one[1].bases:
                waiting += self.classes_called(one[0], base)[:1]
        return found

    def classes_of(self, kind: ast.ClassDef) -> list[tuple[ForeignFile, ast.ClassDef]]:
        """The lineage of a class of which the file is not at hand."""
        place = next(((f, node) for f, node in self.classes.get(kind.name, []) if node is kind), None)
        return self.lineage(place) if place else []

    def method_of(self, kind: tuple[ForeignFile, ast.ClassDef], name: str) -> list[CodeUnit]:
        for file, node in self.lineage(kind):
            found = [u for u in file.units if u.owner is node and u.name.rpartition(".")[2] == name]
            if found:
                return found
        return []

    def reached(self, unit: CodeUnit, call: ast.Call) -> list[CodeUnit]:
        """The functions of the repo that a call may enter."""
        if call not in self._reached:
            self._reached[call] = list(dict.fromkeys(self._reach(unit, call)))
        return self._reached[call]

    def _reach(self, unit: CodeUnit, call: ast.Call) -> Iterator[CodeUnit]:
        called, file = call.func, unit.file
        if self.chosen is not None and makes_by_name(unit, call):
            yield from self.method_of(self.chosen[0], "__init__")
        elif isinstance(called, ast.Name):
            yield from self.defined(file, called.id) or self._chosen(unit, called.id)
        elif isinstance(called, ast.Attribute):
            base = dotted(called.value) or ""
            if isinstance(called.value, ast.Call) and dotted(called.value.func) == "super":
                above = self.classes_of(unit.owner)[1:] if unit.owner is not None else []
                yield from self.method_of(above[0], called.attr) if above else []
                return
            if base in ("self", "cls") and unit.owner is not None:
                own = self.method_of((file, unit.owner), called.attr)
                yield from own
                if not own or is_abstract(own[0]):
                    fits = self.methods.get(called.attr, [])
                    heirs = [one for one in fits if one.owner and self._inherits(one.owner, unit.owner)]
                    heirs = self._of_chosen(heirs)
                    yield from (heirs or fits) if len(heirs or fits) <= MANY else []
                return
            modules = [
                place for place, inner in self.bindings_of(file, base) if not inner and place is not file
            ]
            if modules:
                for place in modules:
                    yield from self.defined(place, called.attr)
            elif called.attr not in ALWAYS_TORCH or not _is_torch(called.value):
                fits = self._of_chosen(self.methods.get(called.attr, []))
                yield from fits if len(fits) <= MANY else []
        elif isinstance(called, ast.Subscript):  # MODELS[name](...)
            yield from self._in_table(file, called.value)

    def _of_chosen(self, fits: list[CodeUnit]) -> list[CodeUnit]:
        """Those of methods that the chosen class has, if it has any of them."""
        lineage = self.lineage(self.chosen[0]) if self.chosen is not None and len(fits) > 1 else []
        return [one for one in fits if any(one.owner is node for _, node in lineage)] or fits

    def _chosen(self, unit: CodeUnit, name: str) -> list[CodeUnit]:
        """The functions that a local name may stand for: `read = read_lists if args.lists else read_pairs`."""
        values = [
            node.value
            for node in unit.nodes
            if isinstance(node, ast.Assign) and any(dotted(target) == name for target in node.targets)
        ]
        parts = [
            part
            for value in values
            for part in ([value.body, value.orelse] if isinstance(value, ast.IfExp) else [value])
        ]
        return [
            one
            for part in parts
            if isinstance(part, ast.Name) and part.id != name
            for one in self.defined(unit.file, part.id)
        ]

    def _inherits(self, heir: ast.ClassDef, base: ast.ClassDef) -> bool:
        return any(node is base for _, node in self.classes_of(heir))

    def _in_table(self, file: ForeignFile, table: ast.expr) -> Iterator[CodeUnit]:
        base, _, last = (dotted(table) or "").rpartition(".")
        for place, inner in self.bindings_of(file, base or last):
            name = last if base else inner
            for node in place.tree.body:
                if isinstance(node, ast.Assign) and any(
                    isinstance(t, ast.Name) and t.id == name for t in node.targets
                ):
                    for value in node.value.values if isinstance(node.value, ast.Dict) else ():
                        for kind in self.classes_called(place, value):
                            yield from self.method_of(kind, "__init__")

    def imported(self, file: ForeignFile) -> list[ForeignFile]:
        """The files of the repo that a file imports."""
        found = []
        for module, name in file.imports.values():
            for wanted in (f"{module}.{name}".strip("."), module):
                if (source := self.module(wanted, file.path)) is not None and source is not file:
                    found.append(source)
        return list(dict.fromkeys(found))


def is_abstract(unit: CodeUnit) -> bool:
    """Whether a method only says that others override it."""
    body = [n for n in unit.node.body if not (isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant))]
    return not body or isinstance(body[0], (ast.Raise, ast.Pass))


def _is_torch(node: ast.expr) -> bool:
    return (dotted(node) or "").rpartition(".")[2].lower() in {"model", "net", "optimizer", "opt", "loss"}


def read_foreign(root: Path) -> ForeignRepo:
    """The code of a repo; files that cannot be read or parsed are named in `unread`."""
    files: dict[str, ForeignFile] = {}
    others, unread = list[str](), list[str]()
    for path in sorted(p.relative_to(root).as_posix() for p in walk(root, _entered)):
        if not path.endswith((".py", ".ipynb")):
            others.append(path)
        elif len(files) < MOST_FILES and path.rpartition("/")[2] not in OURS:
            text = _text(root, path)
            if text is not None and "import evolverec_kit" in text:
                continue  # an adapter of ours is no code of the repo's own
            tree = parsed(text) if text is not None else None
            if text is None or tree is None:
                unread.append(path)
            else:
                files[path] = ForeignFile(path=path, text=text, tree=tree)
    return ForeignRepo(root=root, files=files, others=tuple(islice(others, 5000)), unread=tuple(unread))


def _entered(folder: Path) -> bool:
    hidden = folder.name.startswith(".") or folder.name in SKIPPED
    return not hidden and not os.path.lexists(folder / "pyvenv.cfg")


def _text(root: Path, path: str) -> str | None:
    try:
        text = read_code(root, path)
        return _cells(text) if text is not None and path.endswith(".ipynb") else text
    except (RepoError, ValueError, KeyError, TypeError, json.JSONDecodeError):
        return None


def _cells(text: str) -> str:
    """The code cells of a notebook as one program; lines that are commands of the notebook are comments."""
    lines: list[str] = []
    for cell in parse_json(text)["cells"]:
        if cell["cell_type"] == "code":
            source = cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])
            lines += [
                "# " + one if one.lstrip().startswith(("%", "!")) else one for one in source.splitlines()
            ]
    return "\n".join(lines) + "\n"


def _absolute(path: str, node: ast.ImportFrom) -> str:
    """The module of `from ... import`, a relative one as its place in the repo."""
    if not node.level:
        return node.module or ""
    folder = path.rpartition("/")[0].split("/") if "/" in path else []
    above = folder[: len(folder) - (node.level - 1)] if node.level > 1 else folder
    return ".".join([*above, *([node.module] if node.module else [])])
