"""What an expression of a repo may be: constants followed through names, options, configs, arguments and path functions.

Flow is not followed: a name may be each of its values. Nothing is run. The repo's own folder is `HERE` in paths.
"""

import ast
import itertools
import posixpath
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from diagnosis.syntax import dotted
from evolution.adopting.branches import Branches
from evolution.adopting.foreign_code import CodeUnit, ForeignFile, ForeignRepo
from evolution.adopting.options import REQUIRED, ProgramOption, fields_named, options_of
from evolution.adopting.settings_text import parsed_settings, scalar
from evolution.base.places import CONFIG_NAME
from seeds.reading import read_text

HERE = "/@repo"
MOST_VALUES = 8
SMALL_REPO = 150  # files
DEEPEST = 14
# Steps that one question may take: past it nothing is known. Code whose branches hang on each other (a library in a repo) asks in circles.
MOST_STEPS = 20_000
Values = list[Any]
NOT_SETTINGS = ("pyproject.toml", "setup.cfg", "tox.ini", CONFIG_NAME)


class Constants:
    """Answers what expressions of one repo may be. given: options that are set on the command line, by name."""

    def __init__(
        self, repo: ForeignRepo, given: dict[str, Any] | None = None, units: Sequence[CodeUnit] = ()
    ) -> None:
        self.repo, self.given = repo, given or {}
        # Of a large repo what the program enters, and what its other files do when they are imported.
        small = len(repo.files) <= SMALL_REPO or not units
        self._units = repo.units if small else [*units, *(f.units[0] for f in repo.files.values())]
        self._files = {
            unit.file for unit in units
        }  # what another program sets is asked where this one sets nothing
        self.options: dict[str, list[ProgramOption]] = options_of(repo)
        self.used: set[str] = set()  # names of options that an answer hung on
        self._busy: set[tuple[int, int]] = set()
        self._steps = 0  # of the outermost question that is being answered
        self._stores = self._find_stores()
        self._sites = self._find_sites()
        self._settings = self._read_settings()
        self._branches = Branches(self.values)
        self.kind: tuple[ForeignFile, ast.ClassDef] | None = None  # whose methods `self` means

    def settings(self) -> dict[str, Any]:
        """Keys of configuration files, and attributes that the code sets, with one value each where a file has it."""
        return {**dict.fromkeys(self._stores), **self._settings}

    def is_dead(self, unit: CodeUnit, node: ast.AST | None = None) -> bool:
        """Whether a node, or all calls of a unit, stand in branches that constants rule out."""
        if node is not None:
            return self._branches.is_dead(unit, node)
        sites = self._sites.get(unit.node, [])
        return bool(sites) and all(self._branches.is_dead(caller, call) for caller, call in sites)

    def values(self, unit: CodeUnit, node: ast.expr, depth: int = 0) -> Values:
        """The values that an expression may have, [] where nothing is known."""
        key = (id(unit), id(node))
        if not self._busy:
            self._steps = 0
        self._steps += 1
        if depth > DEEPEST or key in self._busy or self._steps > MOST_STEPS:
            return []
        self._busy.add(key)
        try:
            found: Values = []
            for value in self._values(unit, node, depth + 1):
                if value not in found:
                    found.append(value)
                if len(found) >= MOST_VALUES:
                    break
            return found
        finally:
            self._busy.discard(key)

    def _values(self, unit: CodeUnit, node: ast.expr, depth: int) -> Iterator[Any]:
        again = partial(self.values, unit, depth=depth)
        match node:
            case ast.Constant():
                yield node.value
            case ast.Name():
                yield from self._named(unit, node.id, depth, getattr(node, "lineno", 0))
            case ast.Attribute():
                yield from self._attribute(unit, node, depth)
            case ast.Subscript():
                yield from self._item(unit, node, depth)
            case ast.JoinedStr():
                yield from self._joined(again, node)
            case ast.BinOp():
                yield from self._combined(again, node)
            case ast.IfExp():
                yield from [*again(node.body), *again(node.orelse)]
            case ast.BoolOp():
                yield from (value for part in node.values for value in again(part) if value not in (None, ""))
            case ast.List() | ast.Tuple():
                parts = [again(part) for part in node.elts]
                if all(parts):
                    yield [part[0] for part in parts]
            case ast.UnaryOp(op=ast.USub()):
                yield from (-value for value in again(node.operand) if isinstance(value, (int, float)))
            case ast.Call():
                yield from self._called(unit, node, depth)
            case ast.Await() | ast.NamedExpr() | ast.Starred():
                yield from again(node.value)
            case _:
                return

    def _named(self, unit: CodeUnit, name: str, depth: int, line: int = 0) -> Iterator[Any]:
        if name == "__file__":
            yield f"{HERE}/{unit.file.path}"
            return
        if name in ("args", "opt", "config") and name in self.options:
            return
        assigned = _assigned(unit, name)
        if line and not isinstance(unit.node, ast.Module) and name in _parameters(unit.node):
            assigned = [value for value in assigned if value.lineno < line]  # what it is given until then
        for value in assigned:
            if not self.is_dead(unit, value):
                yield from self.values(unit, value, depth)
        if assigned:
            return
        if not isinstance(unit.node, ast.Module) and name in _parameters(unit.node):
            yield from self._parameter(unit, name, depth)
            return
        for file, inner in self.repo.bindings_of(unit.file, name):
            module = file.units[0]
            for value in _assigned(module, inner) if inner and module is not unit else []:
                yield from self.values(module, value, depth)

    def _parameter(self, unit: CodeUnit, name: str, depth: int) -> Iterator[Any]:
        sites = [one for one in self._sites.get(unit.node, []) if not self.is_dead(*one)]
        for caller, call in sites:
            given = argument(call, unit, name)
            if given is not None:
                yield from self.values(caller, given, depth)
            elif any(word.arg is None for word in call.keywords):  # `Data(**config["data"])`
                for _, value, there in self._stores.get(f"[{name}]", []):
                    yield from self.values(there, value, depth)
        spread = any(word.arg is None for _, call in sites for word in call.keywords)
        for file, _, value in fields_named(self.repo, name) if spread else ():
            yield from self.values(file.units[0], value, depth)
        if (default := default_of(unit.node, name)) is not None:
            yield from self.values(unit, default, depth)
        elif name in self.options and (spread or not sites):  # click hands its options as arguments
            yield from self._option(name, depth)

    def _attribute(self, unit: CodeUnit, node: ast.Attribute, depth: int) -> Iterator[Any]:
        base = dotted(node.value)
        for file, inner in self.repo.bindings_of(unit.file, base) if base else []:
            if not inner and file is not unit.file:
                module = file.units[0]
                for value in _assigned(module, node.attr):
                    yield from self.values(module, value, depth)
                return
        if node.attr in ("parent", "name", "stem") and node.attr not in self.options:
            for value in self.values(unit, node.value, depth):
                yield posixpath.dirname(value) if node.attr == "parent" and isinstance(value, str) else value
            return
        if base != "self" and node.attr in self.options:
            yield from self._option(node.attr, depth)
        stores = self._stores.get(node.attr, [])
        for owner, value, there in [one for one in stores if one[2].file in self._files] or stores:
            fits = base != "self" or unit.owner is None or self._is_of(unit, owner)
            if fits and not self.is_dead(there, value):
                yield from self.values(there, value, depth)
        if node.attr in self._settings:
            yield self._settings[node.attr]
        elif node.attr not in self._stores and base.rpartition(".")[2] == "config":
            yield from self._handed_to_base(node.attr, depth)

    def _handed_to_base(self, name: str, depth: int) -> Iterator[Any]:
        """Attributes of configurations that a library's class sets: by the default of the constructor that hands them on."""
        for unit in self.repo.methods.get("__init__", []):
            default = default_of(unit.node, name)
            if unit.owner is not None and unit.owner.name.endswith("Config") and default is not None:
                yield from self.values(unit, default, depth)

    def _is_of(self, unit: CodeUnit, owner: ast.ClassDef | None) -> bool:
        if unit.owner is None or owner is None:
            return owner is None
        mine = [node for _, node in self.repo.lineage((unit.file, unit.owner))]
        theirs = [node.name for _, node in self.repo.classes_of(owner)]
        return owner in mine or unit.owner.name in theirs

    def _option(self, name: str, depth: int) -> Iterator[Any]:
        self.used.add(name)
        if name in self.given:
            yield self.given[name]
            return
        for option in [one for one in self.options[name] if one.file in self._files] or self.options[name]:
            if option.default is not REQUIRED and option.default is not None:
                yield from self.values(option.file.units[0], option.default, depth)

    def _item(self, unit: CodeUnit, node: ast.Subscript, depth: int) -> Iterator[Any]:
        keys = self.values(unit, node.slice, depth)
        for key in keys:
            if isinstance(key, str):
                if key in self._settings:
                    yield self._settings[key]
                for _, value, there in self._stores.get(f"[{key}]", []):
                    yield from self.values(there, value, depth)
                if key in self.options and key not in self._stores:
                    yield from self._option(key, depth)
            elif isinstance(key, int):
                for whole in self.values(unit, node.value, depth):
                    if isinstance(whole, list) and -len(whole) <= key < len(whole):
                        yield whole[key]

    def _joined(self, again: Callable[[ast.expr], Values], node: ast.JoinedStr) -> Iterator[str]:
        parts = []
        for part in node.values:
            inner = part.value if isinstance(part, ast.FormattedValue) else part
            values = again(inner)
            if not values:
                return
            parts.append([str(value) for value in values[:3]])
        for told in itertools.product(*parts):
            yield "".join(told)

    def _combined(self, again: Callable[[ast.expr], Values], node: ast.BinOp) -> Iterator[Any]:
        for left, right in itertools.product(again(node.left), again(node.right)):
            try:
                match node.op:
                    case ast.Add():
                        yield left + right
                    case ast.Mod() if isinstance(left, str):
                        yield left % (tuple(right) if isinstance(right, list) else right)
                    case ast.Div() if isinstance(left, str) and isinstance(right, str):
                        yield posixpath.join(left, right)
                    case ast.Mult() if not isinstance(left, (str, list)) and not isinstance(
                        right, (str, list)
                    ):
                        yield left * right
                    case ast.Sub() if isinstance(left, (int, float)) and isinstance(right, (int, float)):
                        yield left - right
                    case ast.FloorDiv() if right and isinstance(left, int) and isinstance(right, int):
                        yield left // right
                    case _:
                        return
            except (TypeError, ValueError, OverflowError):
                continue

    def _called(self, unit: CodeUnit, call: ast.Call, depth: int) -> Iterator[Any]:
        name = dotted(call.func).rpartition(".")[2] or getattr(call.func, "attr", "")
        given = [self.values(unit, arg, depth) for arg in call.args]
        plain = {
            "str",
            "Path",
            "PurePath",
            "abspath",
            "realpath",
            "expanduser",
            "normpath",
            "resolve",
            "int",
            "float",
            "as_posix",
        }
        if name in ("getcwd", "cwd"):
            yield ""
        elif name in ("join", "joinpath") and all(given):
            if name == "joinpath" and isinstance(call.func, ast.Attribute):
                given.insert(0, self.values(unit, call.func.value, depth))
            if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Constant):
                return
            for parts in itertools.product(*given):
                if all(isinstance(part, str) for part in parts) and parts:
                    yield posixpath.join(*parts)
        elif name == "dirname" and given:
            yield from (posixpath.dirname(value) for value in given[0] if isinstance(value, str))
        elif name == "format" and isinstance(call.func, ast.Attribute):
            yield from self._formatted(unit, call, given, depth)
        elif name in plain and given:
            yield from given[0]
        elif name in plain and isinstance(call.func, ast.Attribute):
            yield from self.values(unit, call.func.value, depth)
        elif name in ("get", "getenv") and len(given) == 2:
            yield from self._item(
                unit, ast.Subscript(value=call.func, slice=call.args[0], ctx=ast.Load()), depth
            )
            yield from given[1]
        elif name in ("lower", "upper", "strip", "rstrip") and isinstance(call.func, ast.Attribute):
            for value in self.values(unit, call.func.value, depth):
                if isinstance(value, str):
                    yield (
                        value.lower()
                        if name == "lower"
                        else value.upper()
                        if name == "upper"
                        else value.strip()
                    )
        else:
            yield from self._returned(unit, call, depth)

    def _formatted(self, unit: CodeUnit, call: ast.Call, given: list[Values], depth: int) -> Iterator[str]:
        assert isinstance(call.func, ast.Attribute)
        words = {word.arg: self.values(unit, word.value, depth)[:2] for word in call.keywords if word.arg}
        if not all(given) or not all(words.values()):
            return
        for text in self.values(unit, call.func.value, depth):
            for told in itertools.product(*(one[:3] for one in given)):
                try:
                    yield str(text).format(*told, **{name: values[0] for name, values in words.items()})
                except (IndexError, KeyError, ValueError, AttributeError):
                    continue

    def _returned(self, unit: CodeUnit, call: ast.Call, depth: int) -> Iterator[Any]:
        for entered in self._own(unit, call) or self.repo.reached(unit, call)[:4]:
            for node in entered.nodes:
                if isinstance(node, ast.Return) and node.value is not None:
                    yield from self.values(entered, node.value, depth)

    def _own(self, unit: CodeUnit, call: ast.Call) -> list[CodeUnit]:
        """The method that `self.name()` means for an object of the class that is asked about."""
        kind, called = self.kind, call.func
        if (
            kind is None
            or not isinstance(called, ast.Attribute)
            or dotted(called.value) not in ("self", "cls")
        ):
            return []
        inherited = any(node is unit.owner for _, node in self.repo.lineage(kind))
        return self.repo.method_of(kind, called.attr) if inherited else []

    def _find_stores(self) -> dict[str, list[tuple[ast.ClassDef | None, ast.expr, CodeUnit]]]:
        """Attribute, or "[key]" -> (class that it belongs to, value, where), for `x.attribute = value` and dicts."""
        found: dict[str, list[tuple[ast.ClassDef | None, ast.expr, CodeUnit]]] = {}
        for unit in self._units:
            for node in unit.nodes:
                if isinstance(node, ast.Dict):
                    for key, value in zip(node.keys, node.values):
                        if isinstance(key, ast.Constant) and isinstance(key.value, str):
                            found.setdefault(f"[{key.value}]", []).append((None, value, unit))
                    continue
                for target, given in target_pairs(node):
                    if isinstance(target, ast.Attribute):
                        owner = unit.owner if dotted(target.value) in ("self", "cls") else None
                        found.setdefault(target.attr, []).append((owner, given, unit))
                    elif isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant):
                        found.setdefault(f"[{target.slice.value}]", []).append((None, given, unit))
                    elif isinstance(target, ast.Name) and isinstance(
                        unit.file.parents.get(node), ast.ClassDef
                    ):
                        kind = unit.file.parents[node]
                        assert isinstance(kind, ast.ClassDef)
                        found.setdefault(target.id, []).append((kind, given, unit))
        return found

    def _find_sites(self) -> dict[ast.AST, list[tuple[CodeUnit, ast.Call]]]:
        """Function -> where it may be called."""
        found: dict[ast.AST, list[tuple[CodeUnit, ast.Call]]] = {}
        for unit in self._units:
            for call in unit.calls:
                for entered in self.repo.reached(unit, call):
                    found.setdefault(entered.node, []).append((unit, call))
        return found

    def _is_of_chosen(self, path: str) -> bool:
        """Whether a settings file has the name of the model that the program makes by its name."""
        chosen = self.repo.chosen
        return (
            chosen is not None
            and posixpath.splitext(posixpath.basename(path))[0].lower() == chosen[1].lower()
        )

    def _read_settings(self) -> dict[str, Any]:
        """Keys of small YAML and JSON files, the first file with a key wins."""
        found: dict[str, Any] = {}
        kinds = (".yaml", ".yml", ".json", ".toml", ".ini", ".cfg", ".conf")
        named = tuple(str(value) for value in self.given.values() if str(value).endswith(kinds))
        others = [p for p in self.repo.others if p.endswith(kinds) and p not in NOT_SETTINGS]
        for path in sorted(others, key=lambda path: (not path.endswith(named), not self._is_of_chosen(path)))[
            :30
        ]:
            try:
                text = read_text(self.repo.root / path, most=30_000, inside=self.repo.root)
                told = parsed_settings(path, text)
            except (OSError, ValueError):
                continue
            for key, value in told.items() if isinstance(told, dict) else ():
                if isinstance(value, (str, int, float, bool)):
                    found.setdefault(str(key), scalar(value))
        return found


def _targets(node: ast.AST) -> tuple[list[ast.expr], ast.expr | None]:
    if isinstance(node, ast.Assign):
        return node.targets, node.value
    if isinstance(node, (ast.AnnAssign, ast.NamedExpr)):
        return [node.target], node.value
    return [], None


def target_pairs(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    """(target, value), those of `self.a, self.b = a, b` one by one."""
    targets, value = _targets(node)
    for target in targets:
        if (
            isinstance(target, ast.Tuple)
            and isinstance(value, ast.Tuple)
            and len(target.elts) == len(value.elts)
        ):
            yield from zip(target.elts, value.elts)
        elif value is not None:
            yield target, value


def _assigned(unit: CodeUnit, name: str) -> list[ast.expr]:
    """What a plain name is set to within a unit."""
    found: list[ast.expr] = []
    for node in unit.nodes:
        targets, value = _targets(node)
        for target in targets:
            if isinstance(target, ast.Name) and target.id == name and value is not None:
                found.append(value)
            elif isinstance(target, (ast.Tuple, ast.List)) and isinstance(value, (ast.Tuple, ast.List)):
                pairs = zip(target.elts, value.elts) if len(target.elts) == len(value.elts) else ()
                found += [one for left, one in pairs if isinstance(left, ast.Name) and left.id == name]
        if (
            isinstance(node, (ast.For, ast.comprehension))
            and isinstance(node.target, ast.Name)
            and node.target.id == name
        ):
            found += node.iter.elts if isinstance(node.iter, (ast.List, ast.Tuple)) else []
    return found


def _parameters(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    given = node.args
    return [one.arg for one in (*given.posonlyargs, *given.args, *given.kwonlyargs)]


def parameters_of(unit: CodeUnit) -> list[str]:
    """The names of a function's parameters, without `self`."""
    if isinstance(unit.node, ast.Module):
        return []
    names = _parameters(unit.node)
    static = any(dotted(one) == "staticmethod" for one in unit.node.decorator_list)
    return names[1:] if unit.owner is not None and not static else names


def argument(call: ast.Call, unit: CodeUnit, name: str) -> ast.expr | None:
    """What a call of `unit` gives for its parameter."""
    for word in call.keywords:
        if word.arg == name:
            return word.value
    names = parameters_of(unit)
    place = names.index(name) if name in names else -1
    starred = any(isinstance(arg, ast.Starred) for arg in call.args)
    return call.args[place] if 0 <= place < len(call.args) and not starred else None


def default_of(node: ast.AST, name: str) -> ast.expr | None:
    """The default of a function's parameter."""
    if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return None
    plain = [*node.args.posonlyargs, *node.args.args]
    defaults = dict(zip([one.arg for one in reversed(plain)], reversed(node.args.defaults)))
    defaults.update(
        {one.arg: value for one, value in zip(node.args.kwonlyargs, node.args.kw_defaults) if value}
    )
    return defaults.get(name)


def assigned_in(unit: CodeUnit, name: str) -> list[ast.expr]:
    """What a plain name is set to within a unit."""
    return _assigned(unit, name)
