"""Which log a repo is trained on: the one that was named, or one that lies in the repo and can be read."""

import os
import posixpath
import re
from dataclasses import dataclass, replace
from pathlib import Path

from evolution.adopting.findings_of_repo import Adoption
from evolution.adopting.row_format import RowFormat
from evolution.base.errors import UsageError
from evolution.base.given_paths import real_path
from seeds.loading import built_in, described_sources, log_suffixes, source_path

PARTS_OF_ROWS = ("user", "item", "rating", "time")
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
            separator = f'separator = "{form.sep}"'.replace("\t", "\\t")
            logs.append(
                ChosenLog(
                    source=file.path, settings=(separator, _columns(form)), why=f"{file.place} reads it"
                )
            )
    known = {one.source for one in logs}
    suffixes = (*log_suffixes(), ".inter")
    for path in found.repo.others:
        name = posixpath.basename(path)
        if path in known or not name.endswith(suffixes) or NO_LOG.search(name) or not _has_size(root / path):
            continue
        logs.append(ChosenLog(source=path, why="it lies in the repo"))
    return logs[:9]


def _columns(form: RowFormat) -> str:
    """The line of [data] that says which column is which."""
    places = {name: form.columns.index(name) + 1 for name in PARTS_OF_ROWS if name in form.columns}
    names = [f'{name} = "{form.header[at - 1] if form.header else at}"' for name, at in places.items()]
    return f"columns = {{ {', '.join(names)} }}"


def as_read(found: Adoption, log: ChosenLog) -> ChosenLog:
    """A named log with what the program's own reading of it says: its columns, or the parts that it is divided into already."""
    file = next((one for one in found.files if one.path == log.source and one.format is not None), None)
    if file is None or file.format is None:
        return log
    if file.format.kind == "lists" and posixpath.basename(file.path) == "train.txt":
        folder = posixpath.dirname(file.path)
        beside = [one for one in found.files if one.held_out and posixpath.dirname(one.path) == folder]
        there = [one for one in beside if (found.repo.root / one.path).is_file()]
        if folder and any(posixpath.basename(one.path) == "test.txt" for one in there):
            return replace(
                log,
                source=folder,
                settings=('split = "given"',),
                why=f"{log.why}; {there[0].place} reads its other part",
            )
    named = file.format.kind in ("rows", "jsonl") and {"user", "item"} <= set(file.format.columns)
    if named and file.format.header and (found.repo.root / file.path).is_file():
        return replace(
            log, settings=(_columns(file.format),), why=f"{log.why}; columns as {file.place} reads them"
        )
    return log


def _has_size(path: Path) -> bool:
    try:
        return SMALLEST < path.stat().st_size < LARGEST
    except OSError:
        return False
