"""What an evolverec.toml names and the files do not have: a module, a function, a log. Told from files alone, none is run."""

import ast
import os
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from diagnosis.syntax import parsed
from evolution.adopting.gaps import gaps_in
from evolution.base.errors import RepoError
from evolution.repo.config import config_problems, key_line
from evolution.repo.files import read_code
from seeds.loading import built_in, described_sources, log_suffixes
from seeds.reading import parse_toml
from server.shown.repo_files import code_files, functions, module_file, named_source

MOST_OFFERS = 5


@dataclass(frozen=True, kw_only=True)
class ConfigFault:
    """line: of evolverec.toml, from 1. key: (section, key). value: as it stands there.

    offers: values that exist and may be meant, the likeliest first. missing: the file in which the function is to be made,
    relative to the repo, and the function; None where that would mend nothing.
    """

    line: int
    key: tuple[str, str]
    value: str
    message: str
    offers: tuple[str, ...] = ()
    missing: tuple[str, str] | None = None


@dataclass(frozen=True, kw_only=True)
class AdapterGap:
    """A line of an adapter that says what is still to be filled in. line: from 1."""

    path: str
    line: int
    message: str


def config_faults(root: Path, text: str) -> list[ConfigFault]:
    """The faults of a config's text; [] where the text itself is wrong, which is said already."""
    if config_problems(text):
        return []
    told = parse_toml(text)
    entry, data = told["recommender"]["entry"], told["data"]
    return [*_of_entry(root, text, entry), *_of_source(root, text, data), *_of_items(root, text, data)]


def adapter_gaps(root: Path, text: str) -> list[AdapterGap]:
    """The gaps that `evolverec init` has left in the file of the entry."""
    if config_problems(text):
        return []
    path = module_file(root, parse_toml(text)["recommender"]["entry"].partition(":")[0])
    try:
        gaps = gaps_in(read_code(root, path) or "") if path else []
    except RepoError:
        return []
    return [AdapterGap(path=path or "", line=line, message=words) for line, words in gaps]


def _of_entry(root: Path, text: str, entry: str) -> list[ConfigFault]:
    module, _, function = entry.partition(":")
    line, path = key_line(text, ("recommender", "entry")), module_file(root, module)
    wanted = f"{module.replace('.', '/')}.py"
    offers = tuple(one.entry for one in islice((f for f in functions(root) if f.builds), MOST_OFFERS))
    if path is None:
        if any(file.endswith(f"/{wanted}") for file in code_files(root)):
            return []  # below a folder that the repo's own installation may put on the module path
        near = f" Functions that could build a recommender: {', '.join(offers)}." if offers else ""
        message = f"recommender.entry: there is no {wanted} in this repo.{near} `evolverec init` drafts one"
        return [_entry_fault(line, entry, message, offers, (wanted, function))]
    names = _names_at_top(root, path)
    if names is None or function in names:
        return []
    message = f"recommender.entry: {path} has no {function} at its top"
    beside = tuple(f"{module}:{name}" for name in sorted(names) if name.startswith("build"))
    return [_entry_fault(line, entry, message, tuple(dict.fromkeys((*beside, *offers))), (path, function))]


def _entry_fault(
    line: int, entry: str, message: str, offers: tuple[str, ...], missing: tuple[str, str]
) -> ConfigFault:
    key = ("recommender", "entry")
    return ConfigFault(
        line=line, key=key, value=entry, message=message, offers=offers[:MOST_OFFERS], missing=missing
    )


def _names_at_top(root: Path, path: str) -> set[str] | None:
    """The names that a module binds; None where they cannot be told: it has no syntax tree, takes over all of another's."""
    try:
        tree = parsed(read_code(root, path) or "")
    except RepoError:
        return None
    if tree is None:
        return None
    found: set[str] = set()
    for node in _at_top(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            if any(one.name == "*" for one in node.names):
                return None
            found |= {(one.asname or one.name).partition(".")[0] for one in node.names}
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in ("globals", "exec", "setattr")
        ):
            return None
    return None if "__getattr__" in found else found


def _at_top(tree: ast.Module) -> list[ast.AST]:
    """The nodes of a module that are in no function and no class; these themselves included."""
    found, waiting = list[ast.AST](), list[ast.AST](tree.body)
    while waiting:
        node = waiting.pop()
        found.append(node)
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            waiting += ast.iter_child_nodes(node)
    return found


def _of_source(root: Path, text: str, data: dict[str, Any]) -> list[ConfigFault]:
    source = data["source"]
    if source in built_in() or named_source(root, source) is not None:
        return []
    line = key_line(text, ("data", "source"))
    message = f"data.source: there is no {source}; expected {described_sources()}"
    offers = (*islice(_logs_of(root), MOST_OFFERS - 1), "shop-micro")
    return [ConfigFault(line=line, key=("data", "source"), value=source, message=message, offers=offers)]


def _of_items(root: Path, text: str, data: dict[str, Any]) -> list[ConfigFault]:
    items = data.get("items", "")
    if not items or named_source(root, items) is not None:
        return []
    message = f"data.items: there is no {items}; expected a table of item columns, relative to the repo"
    return [
        ConfigFault(
            line=key_line(text, ("data", "items")), key=("data", "items"), value=items, message=message
        )
    ]


def _logs_of(root: Path) -> list[str]:
    """Logs at the top of the repo and in folders there that are named for data."""
    found: list[str] = []
    folders = [root, *(root / name for name in ("data", "datasets", "dataset", "Data", "Datasets", "input"))]
    for folder in folders:
        try:
            names = sorted(entry.name for entry in islice(os.scandir(folder), 500) if entry.is_file())
        except OSError:
            continue
        found += [
            (folder / name).relative_to(root).as_posix() for name in names if name.endswith(log_suffixes())
        ]
    return [
        one for one in found if not one.lower().endswith(("requirements.txt", "license.txt", "readme.txt"))
    ]
