"""Finds the files of a repo that hold the held-out events: the files that the loaders read for `data.source`.

They are left out of every program (stored version of the repo), so that no worker that runs candidate code sees them.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evolution.base.errors import ConfigError
from evolution.base.paths import matches
from evolution.repo.files import config_text
from seeds.loading import files_of, is_built_in, log_suffixes, source_path
from seeds.reading import parse_toml


@dataclass(frozen=True, kw_only=True)
class HeldOut:
    """The files that no program may contain.

    paths: files and folders, relative to the repo, with "/". suffixes: files whose names end so are held out as well.
    exposed: the glob patterns of `data.exposed`; what matches is not held out.
    """

    paths: frozenset[str] = frozenset()
    suffixes: tuple[str, ...] = ()
    exposed: tuple[str, ...] = ()

    def holds(self, path: str) -> bool:
        """Whether a path relative to the repo is held out, itself or by one of the folders above it."""
        if self.exposed and matches(path, self.exposed):
            return False
        parts = path.split("/")
        above = ("/".join(parts[:depth]) for depth in range(1, len(parts) + 1))
        return path.lower().endswith(self.suffixes) or any(name in self.paths for name in above)


def held_out(repo: Path, source: str | None, *versions: Path, exposed: tuple[str, ...] = ()) -> HeldOut:
    """The held-out files of a repo whose `data.source` is `source`; nothing for a built-in data set.

    With source None (unknown), every file with the suffix of a log is held out. `versions` are further folders with
    versions of this repo, which may contain logs that the repo no longer has.
    """
    if source is None or "\0" in source:
        return HeldOut(suffixes=log_suffixes(), exposed=exposed)
    if is_built_in(source, repo):
        return HeldOut()
    named = source_path(source, repo)
    places = _inside(repo, named)
    found = places - {"."}
    for folder in (repo, *versions):
        for place in {str(named), *places}:
            for file in files_of(place, root=folder):
                found |= _inside(folder, file)
    return HeldOut(paths=frozenset(found), exposed=exposed)


def stated_source(repo: Path) -> str | None:
    """`data.source` from evolverec.toml, which need not be valid otherwise; None if it cannot be read."""
    source = _stated(repo).get("source")
    return source if isinstance(source, str) else None


def stated_exposed(repo: Path) -> tuple[str, ...]:
    """`data.exposed` from evolverec.toml, likewise; () if it cannot be read."""
    patterns = _stated(repo).get("exposed")
    known = patterns if isinstance(patterns, list) else []
    return tuple(pattern for pattern in known if isinstance(pattern, str))


def _stated(repo: Path) -> dict[str, Any]:
    try:
        section = parse_toml(config_text(repo))["data"]
    except (OSError, ConfigError, ValueError, KeyError, TypeError):
        return {}
    return section if isinstance(section, dict) else {}


def _inside(folder: Path, path: Path) -> set[str]:
    """The path relative to the folder, as written and with symbolic links resolved; empty if it is outside."""
    whole = Path(os.path.normpath(folder))
    pairs = ((whole, Path(os.path.normpath(path))), (whole.resolve(), path.resolve()))
    return {inner.relative_to(outer).as_posix() for outer, inner in pairs if inner.is_relative_to(outer)}
