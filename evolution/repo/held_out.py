"""Which files of a repo hold the labels: those that the loaders say they read, in whatever format.

They are part of no program, and no worker is given them, whichever version of the repo it runs.
"""

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path

from evolution.base.places import CONFIG_NAME
from seeds.loading import files_of, is_built_in, log_suffixes, source_path


@dataclass(frozen=True, kw_only=True)
class HeldOut:
    """paths: of files and folders, relative to the repo, with "/". suffixes: any file whose name ends so, too."""

    paths: frozenset[str] = frozenset()
    suffixes: tuple[str, ...] = ()

    def holds(self, path: str) -> bool:
        """Whether a path of the repo is held out, or lies in a folder that is."""
        parts = path.split("/")
        above = ("/".join(parts[:depth]) for depth in range(1, len(parts) + 1))
        return path.endswith(self.suffixes) or any(name in self.paths for name in above)


def held_out(repo: Path, source: str | None, *versions: Path) -> HeldOut:
    """source: data.source of the repo; None where it is not known, and then every file that may be a log is held out.

    versions: further folders with files of this repo, which may have logs that the repo no longer has.
    """
    if source is None or "\0" in source:
        return HeldOut(suffixes=log_suffixes())
    if is_built_in(source, repo):
        return HeldOut()
    named = source_path(source, repo)
    places = _inside(repo, named)
    found = places - {"."}
    for folder in (repo, *versions):
        for place in {str(named), *places}:
            for file in files_of(place, root=folder):
                found |= _inside(folder, file)
    return HeldOut(paths=frozenset(found))


def stated_source(repo: Path) -> str | None:
    """data.source as far as evolverec.toml can be read; None where it cannot."""
    try:
        source = tomllib.loads((repo / CONFIG_NAME).read_text(encoding="utf-8"))["data"]["source"]
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError, TypeError):
        return None
    return source if isinstance(source, str) else None


def _inside(folder: Path, path: Path) -> set[str]:
    """The path relative to the folder, as it is written and as links lead it; nothing where it lies elsewhere."""
    whole = Path(os.path.normpath(folder))
    pairs = ((whole, Path(os.path.normpath(path))), (whole.resolve(), path.resolve()))
    return {inner.relative_to(outer).as_posix() for outer, inner in pairs if inner.is_relative_to(outer)}
