"""What a repo's files offer to its evolverec.toml: functions that may be the entry, code, and logs to read."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path

from evolution.base.errors import RepoError
from evolution.repo.files import read_code
from seeds.loading import log_suffixes, source_path
from seeds.reading import is_plain, walk

MOST_FILES = 2000  # of a repo; further ones are not offered
SKIPPED = {"node_modules", "__pycache__", "site-packages", "venv"}
_FUNCTION = re.compile(r"^def[ \t]+([A-Za-z_]\w*)[ \t]*\(([^)]*)\)", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class EntryFunction:
    """At the top of a file; line from 0. builds: it takes what an entry is given."""

    module: str
    name: str
    path: str
    line: int
    builds: bool

    @property
    def entry(self) -> str:
        return f"{self.module}:{self.name}"


def functions(root: Path) -> list[EntryFunction]:
    """Every function at the top of a module of the repo, those that could build a recommender first."""
    found = [
        function for path in code_files(root) for function in _functions(str(root), path, _stamp(root / path))
    ]
    return sorted(found, key=lambda function: (not function.builds, function.entry))


def code_files(root: Path) -> list[str]:
    """The repo's Python files, relative to its root; no hidden folders, no environments."""
    return sorted(islice(_walk(root), MOST_FILES))


def _walk(root: Path) -> Iterator[str]:
    for path in walk(root, _holds_code):
        if path.name.endswith(".py"):
            yield path.relative_to(root).as_posix()


def _holds_code(folder: Path) -> bool:
    hidden = folder.name.startswith(".") or folder.name in SKIPPED
    return not hidden and not os.path.lexists(folder / "pyvenv.cfg")


def _stamp(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return 0, 0
    return status.st_mtime_ns, status.st_size


@lru_cache(maxsize=MOST_FILES)
def _functions(root: str, path: str, stamp: tuple[int, int]) -> tuple[EntryFunction, ...]:
    """Read again when the file's stamp has changed."""
    try:
        text = read_code(Path(root), path) or ""
    except RepoError:
        return ()
    module = path.removesuffix(".py").removesuffix("/__init__").removeprefix("src/").replace("/", ".")
    return tuple(
        EntryFunction(
            module=module,
            name=found[1],
            path=path,
            line=text.count("\n", 0, found.start()),
            builds={"device", "seed"} <= set(re.findall(r"\w+", found[2])),
        )
        for found in _FUNCTION.finditer(text)
    )


def module_file(root: Path, module: str) -> str | None:
    """The file of a module of the repo, relative to its root."""
    base = module.replace(".", "/")
    for path in (f"{base}.py", f"{base}/__init__.py", f"src/{base}.py"):
        if module and is_plain(root / path):
            return path
    return None


def logs_below(root: Path, typed: str) -> list[str]:
    """What stands in the folder that a path begins with: logs, and folders with a "/" behind them."""
    base, slash, _ = typed.rpartition("/")
    try:
        with os.scandir(source_path(base + slash, root)) as found:
            entries = sorted(islice(found, MOST_FILES), key=lambda entry: entry.name)
    except (OSError, ValueError):  # the second: a null byte
        return []
    suffixes = log_suffixes()
    return [
        f"{base}{slash}{entry.name}" + ("/" if entry.is_dir() else "")
        for entry in entries
        if not entry.name.startswith(".")
        and (entry.name.endswith(suffixes) or (entry.is_dir() and entry.name not in SKIPPED))
    ]


def named_source(root: Path, source: str) -> Path | None:
    """The file or folder that data.source names, where there is one."""
    path = source_path(source, root)
    try:
        return path if source and path.exists() else None
    except OSError:  # a name that no file can have
        return None
