"""Which log a repo is trained on: the one that was named, or one that lies in the repo and can be read."""

import os
import posixpath
import re
from dataclasses import dataclass
from pathlib import Path

from evolution.adopting.findings_of_repo import Adoption
from evolution.base.errors import UsageError
from evolution.base.given_paths import real_path
from seeds.loading import built_in, described_sources, log_suffixes, source_path

LARGEST, SMALLEST = 4_000_000_000, 500  # bytes
NO_LOG = re.compile(
    r"requirements|readme|licen[sc]e|trust|social|negative|(^|[_.-])(neg|test|valid|val|config|stats|result|log|users?|items?|movies?|adj)([_.-]|$)",
    re.I,
)


@dataclass(frozen=True, kw_only=True)
class ChosenLog:
    """source: for data.source. settings: further lines of [data]. found: of the repo itself."""

    source: str
    settings: tuple[str, ...] = ()
    why: str = ""


def named_log(root: Path, named: str) -> ChosenLog:
    """The log that the user named. Raises UsageError: there is none."""
    if named in built_in():
        return ChosenLog(source=named, why="the built-in shop, as you said")
    inside = root / named
    path = inside if inside.exists() and not Path(named).exists() else real_path(source_path(named, Path()))
    if not path.exists():
        raise UsageError(f"--data {named} does not exist; expected {described_sources()}")
    own = str(root) + os.sep
    source = posixpath.relpath(str(path), str(root)) if str(path).startswith(own) else str(path)
    return ChosenLog(source=source, why="as you said")


def logs_in(found: Adoption) -> list[ChosenLog]:
    """Logs that lie in the repo, the one that its program trains on first."""
    root, logs = found.repo.root, list[ChosenLog]()
    for file in found.files:
        form = file.format
        if (
            not file.path
            or file.held_out
            or not (root / file.path).is_file()
            or form is None
            or form.kind != "rows"
        ):
            continue
        if {"user", "item"} <= set(form.columns):
            places = {
                name: form.columns.index(name) + 1
                for name in ("user", "item", "rating", "time")
                if name in form.columns
            }
            names = [
                f'{name} = "{form.header[at - 1] if form.header else at}"' for name, at in places.items()
            ]
            columns = f"columns = {{ {', '.join(names)} }}"
            separator = f'separator = "{form.sep}"'.replace("\t", "\\t")
            logs.append(
                ChosenLog(source=file.path, settings=(separator, columns), why=f"{file.place} reads it")
            )
    known = {one.source for one in logs}
    suffixes = (*log_suffixes(), ".inter")
    for path in found.repo.others:
        name = posixpath.basename(path)
        if path in known or not name.endswith(suffixes) or NO_LOG.search(name) or not _has_size(root / path):
            continue
        logs.append(ChosenLog(source=path, why="it lies in the repo"))
    return logs[:9]


def _has_size(path: Path) -> bool:
    try:
        return SMALLEST < path.stat().st_size < LARGEST
    except OSError:
        return False
