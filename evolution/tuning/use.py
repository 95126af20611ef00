"""What of a program's configuration its code uses: the files that the entry reaches, the names that are read, the calls that give
their own value. Everything is read from the text; where it cannot be told, a number counts as used.
"""

import ast
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from diagnosis.syntax import parsed
from evolution.tuning.number import Number, Where
from evolution.tuning.text_numbers import is_settings_file

# Calls that read names which nothing spells: of objects and dicts, and of modules.
SPREADERS = ("vars", "asdict", "fields", "setattr", "getattr", "update", "from_dict", "model_dump")
MODULE_SPREADERS = ("vars", "getattr", "import_module", "run_path", "run_module", "exec", "exec_module")

_MODULE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")


@dataclass(frozen=True, kw_only=True)
class _Call:
    """What one call gives: its number of positional arguments, its keywords, and whether it also spreads others."""

    positional: int
    keywords: frozenset[str]
    spreads: bool


@dataclass(frozen=True, kw_only=True, eq=False)
class Use:
    """What the files that the entry reaches do with names.

    sources: path -> text of all Python files and settings files. entry: "module:function". executed: path -> lines that the traced
    trial ran, {} where nobody saw.
    """

    sources: Mapping[str, str]
    entry: str
    executed: Mapping[str, frozenset[int]] = field(default_factory=dict)

    def why_unused(self, number: Number) -> str:
        """Why the program does not use a number, in words; "" where it may."""
        if number.path not in self.reached:
            kind = "names" if number.where is Where.FILE else "imports"
            return f"no code that the entry reaches {kind} this file"
        if self._did_not_run(number):
            return "no line of the traced training ran here"
        if number.where in (Where.FIELD, Where.PARAMETER) and self._always_given(number):
            return f"every call of {number.owner} gives its own value"
        if number.where is not Where.ARGUMENT and not self._is_read(number):
            return "nothing reads it"
        return ""

    @cached_property
    def reached(self) -> frozenset[str]:
        """The files that the entry reaches: by imports, by their names in texts, and those of which lines ran."""
        module = self.entry.partition(":")[0].replace(".", "/")
        first = {path for path in self.sources if path in (f"{module}.py", f"{module}/__init__.py")}
        if not first:
            return frozenset(self.sources)
        found, left = set[str](), [*first, *(path for path in self.executed if path in self.sources)]
        while left:
            path = left.pop()
            if path not in found:
                found.add(path)
                left += self._named_by(path)
        return frozenset(found)

    def _named_by(self, path: str) -> Iterator[str]:
        tree = self._trees.get(path)
        if tree is None:
            return
        folder = posixpath.dirname(path)
        for node in ast.walk(tree):
            for name in _imported(node, folder):
                yield from self._files_of_module(name)
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and 0 < len(node.value) < 200:
                yield from self._files_of_text(node.value)

    def _files_of_module(self, name: str) -> Iterator[str]:
        """Wherever it may be found: a repo may put any of its folders on the path."""
        endings = (f"{name}.py", f"{name}/__init__.py")
        yield from (p for p in self.sources if any(p == end or p.endswith(f"/{end}") for end in endings))

    def _files_of_text(self, text: str) -> Iterator[str]:
        """Those named by a path, by a module such as `train.cli:main`, or by the `small` of a name that is put together."""
        whole = text.split(":", 1)[0].removeprefix("./")
        for path in self.sources:
            named = "." in whole and (path == whole or path.endswith(f"/{whole}"))
            if named or (is_settings_file(path) and _stem(path) == text):
                yield path
        if _MODULE.fullmatch(whole):
            yield from self._files_of_module(whole.replace(".", "/"))

    @cached_property
    def _trees(self) -> Mapping[str, ast.Module]:
        found = {path: parsed(text) for path, text in self.sources.items() if path.endswith(".py")}
        return {path: tree for path, tree in found.items() if tree is not None}

    @cached_property
    def _nodes(self) -> list[ast.AST]:
        return [
            node
            for path in sorted(self.reached)
            if path in self._trees
            for node in ast.walk(self._trees[path])
        ]

    def _did_not_run(self, number: Number) -> bool:
        """What runs when a file is imported, nobody saw."""
        if not self.executed or not number.around or number.where is Where.FILE:
            return False
        first, last = number.lines
        return self.executed.get(number.path, frozenset()).isdisjoint(range(first, last + 1))

    @cached_property
    def _calls(self) -> Mapping[str, list[_Call]]:
        found: dict[str, list[_Call]] = {}
        for node in self._nodes:
            if isinstance(node, ast.Call):
                name = (
                    node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                )
                keywords = frozenset(one.arg for one in node.keywords if one.arg)
                spreads = any(one.arg is None for one in node.keywords) or any(
                    isinstance(one, ast.Starred) for one in node.args
                )
                found.setdefault(name, []).append(
                    _Call(positional=len(node.args), keywords=keywords, spreads=spreads)
                )
        return found

    def _always_given(self, number: Number) -> bool:
        calls = self._calls.get(number.owner, [])
        return bool(calls) and all(
            not call.spreads and (number.word in call.keywords or 0 <= number.position < call.positional)
            for call in calls
        )

    def _is_read(self, number: Number) -> bool:
        if number.where in (Where.PARAMETER, Where.WORDS):
            return True  # whoever has a parameter or an option reads it; a linter says so else
        if number.word in self._read:
            return True
        if number.where is Where.CONSTANT:
            return any(name in self._calls for name in MODULE_SPREADERS)
        return self._spreads

    @cached_property
    def _read(self) -> frozenset[str]:
        """The names, attributes and texts that are read; the keys of dicts and the names of options are none."""
        written = {id(key) for node in self._nodes if isinstance(node, ast.Dict) for key in node.keys}
        found = set[str]()
        for node in self._nodes:
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                found.add(node.id)
            elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                found.add(node.attr)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in written:
                found.add(node.value)
        return frozenset(found)

    @cached_property
    def _spreads(self) -> bool:
        """Whether some code reads names that it does not spell, as `**settings` and `vars(args)` do."""
        if any(isinstance(node, ast.Dict) and None in node.keys for node in self._nodes):
            return True
        return any(call.spreads for calls in self._calls.values() for call in calls) or any(
            name in self._calls for name in SPREADERS
        )


def _stem(path: str) -> str:
    return posixpath.splitext(posixpath.basename(path))[0]


def _imported(node: ast.AST, folder: str) -> list[str]:
    """The modules that a statement may import, with "/" for dots."""
    if isinstance(node, ast.Import):
        return [one.name.replace(".", "/") for one in node.names]
    if isinstance(node, ast.ImportFrom):
        base = (node.module or "").replace(".", "/")
        if node.level:
            above = folder.split("/")[: len(folder.split("/")) - (node.level - 1)] if folder else []
            base = "/".join([*above, base] if base else above)
        return [name for name in (base, *(f"{base}/{one.name}".lstrip("/") for one in node.names)) if name]
    return []
