"""Planted defects as values: reads `variants.toml` of a repo of the bench, plants a variant in a copy, finds its lines."""

import shutil
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
BENCH = HERE / "bench"
# were kept aside until they were read; count as bench since then
READ = tuple(
    HERE / name
    for name in (
        "aside",
        "aside2",
        "aside3",
        "aside4",
        "aside5",
        "aside6",
        "aside7",
        "aside8",
        "aside9",
        "aside10",
        "aside11",
        "aside12",
    )
)
ASIDE = HERE / "aside13"
HEALTHY = "healthy"
NAMES = {"name", "kind", "also", "why", "edits", "cause", "near", "fails"}


class BadVariant(Exception):
    """A variant that does not keep the format; the message names the repo, the variant and what is wrong."""


@dataclass(frozen=True, kw_only=True)
class Edit:
    """`old`, which occurs once in `file`, becomes `new`."""

    file: str
    old: str
    new: str


@dataclass(frozen=True, kw_only=True)
class Line:
    """The text of a line after the edits, without indentation; `nth` of those that have it, from 1; 0 where one has."""

    file: str
    text: str
    nth: int


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One planted defect, or one other healthy design (`kind` is HEALTHY) of the repo in `folder`.

    also: other kinds whose findings name this defect as well.
    """

    folder: Path
    name: str
    kind: str
    also: tuple[str, ...]
    why: str
    edits: tuple[Edit, ...]
    cause: tuple[Line, ...]
    near: tuple[Line, ...]
    fails: bool
    aside: bool

    @property
    def repo(self) -> str:
        return self.folder.name

    @property
    def id(self) -> str:
        return f"{self.repo}/{self.name}"

    @property
    def healthy(self) -> bool:
        return self.kind == HEALTHY


def repos(root: Path) -> list[Path]:
    """The repos below the bench or the kept-aside part, by name."""
    return sorted(path.parent for path in root.glob("*/evolverec.toml"))


def read_variants(folder: Path, *, aside: bool = False) -> list[Variant]:
    """The variants of a repo, after the repo itself, which is a healthy variant without an edit. Raises BadVariant.

    A folder without evolverec.toml holds further variants of the bench's repo of that name.
    """
    path = folder / "variants.toml"
    rows = tomllib.loads(path.read_text(encoding="utf-8")).get("variant", []) if path.exists() else []
    own = [{"name": "original", "kind": HEALTHY, "why": "The repo as it is.", "edits": []}]
    own = own if (folder / "evolverec.toml").exists() else []
    return [_variant(folder, row, aside) for row in own + rows]


def all_variants(*, aside: bool = True) -> list[Variant]:
    """Every variant of the bench, the parts once kept aside included, then of the present kept-aside part."""
    read = [folder for part in READ for folder in _folders(part)]
    ours = [v for folder in [*repos(BENCH), *read] for v in read_variants(folder)]
    theirs = [v for folder in _folders(ASIDE) for v in read_variants(folder, aside=True)] if aside else []
    return ours + theirs


def _folders(part: Path) -> Iterator[Path]:
    """Repos of a kept-aside part, and its variants of the bench's repos: a folder there with variants.toml alone."""
    yield from sorted(path.parent for path in part.glob("*/variants.toml"))


def _variant(folder: Path, row: dict[str, Any], aside: bool) -> Variant:
    said = f"{folder.name}/{row.get('name', '?')}"
    if unknown := row.keys() - NAMES:
        raise BadVariant(f"{said}: unknown keys {sorted(unknown)}; expected {sorted(NAMES)}.")
    try:
        return Variant(
            folder=folder,
            name=row["name"],
            kind=row["kind"],
            also=tuple(row.get("also", ())),
            why=row["why"],
            edits=tuple(Edit(file=e["file"], old=e["old"], new=e["new"]) for e in row["edits"]),
            cause=_lines(row.get("cause", ())),
            near=_lines(row.get("near", ())),
            fails=bool(row.get("fails", False)),
            aside=aside,
        )
    except KeyError as missing:
        raise BadVariant(f"{said}: {missing} is missing.") from None


def _lines(rows: Sequence[dict[str, Any]]) -> tuple[Line, ...]:
    return tuple(Line(file=r["file"], text=r["line"].strip(), nth=int(r.get("nth", 0))) for r in rows)


def source_of(variant: Variant) -> Path:
    """The healthy repo: the variant's own folder, or the bench's repo of the same name."""
    own = variant.folder / "evolverec.toml"
    return variant.folder if own.exists() else BENCH / variant.repo


def plant(variant: Variant, target: Path) -> None:
    """Copy the healthy repo to `target`, which must not exist, and apply the edits. Raises BadVariant."""
    left_out = shutil.ignore_patterns("variants.toml", "__pycache__", ".evolverec")
    shutil.copytree(source_of(variant), target, ignore=left_out)
    for edit in variant.edits:
        path = target / edit.file
        text = path.read_text(encoding="utf-8")
        if text.count(edit.old) != 1:
            raise BadVariant(
                f"{variant.id}: {edit.old!r} occurs {text.count(edit.old)} times in {edit.file}; expected once."
            )
        path.write_text(text.replace(edit.old, edit.new), encoding="utf-8")


def places(lines: Sequence[Line], planted: Path, said: str) -> set[tuple[str, int]]:
    """(file, line number from 1) of each line in the planted repo. Raises BadVariant."""
    return {(line.file, _number(line, planted / line.file, said)) for line in lines}


def _number(line: Line, path: Path, said: str) -> int:
    texts = path.read_text(encoding="utf-8").splitlines()
    found = [number for number, text in enumerate(texts, start=1) if text.strip() == line.text]
    if line.nth == 0 and len(found) == 1:
        return found[0]
    if not 1 <= line.nth <= len(found):
        raise BadVariant(
            f"{said}: line {line.text!r} occurs {len(found)} times in {line.file}; say which by nth."
        )
    return found[line.nth - 1]
