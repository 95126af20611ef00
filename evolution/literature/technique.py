"""Techniques from the literature, and reading the shelves of techniques that ship with evolverec.

A shelf is a TOML file in `evolution/literature/shelves` that holds one family of techniques, described in our own
words.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

SHELVES = Path(__file__).parent / "shelves"
LONGEST_SKETCH = 12
_KEBAB = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_ARXIV = re.compile(r"\d{4}\.\d{4,5}")
_DOI = re.compile(r"10\.\d{4,9}/\S+")


class ShelfError(ValueError):
    """A shelf cannot be read; the message names the file and the entry."""


@dataclass(frozen=True, kw_only=True)
class Technique:
    """One technique of the literature.

    title, year: of the paper; the year is that of its first appearance.
    arxiv, doi: the paper's arXiv id, or its DOI if it has none.
    answers: codes of the findings and critiques that the technique can mend, those that it mends best first.
    hurts: when the technique does harm.
    sketch: at most 12 lines of pseudo-code.
    checked: how the citation was confirmed.
    family: the shelf that the technique stands on.
    """

    id: str
    name: str
    title: str
    year: int
    answers: tuple[str, ...]
    mechanism: str
    hurts: str
    sketch: str
    checked: str
    family: str
    arxiv: str = ""
    doi: str = ""

    @property
    def identifier(self) -> str:
        """The paper's arXiv id, or its DOI."""
        return self.arxiv or self.doi

    @property
    def citation(self) -> str:
        """Title and identifier of the paper."""
        return f"{self.title}, {self.identifier}"

    @property
    def url(self) -> str:
        """The paper's address at arXiv or doi.org."""
        return f"https://arxiv.org/abs/{self.arxiv}" if self.arxiv else f"https://doi.org/{self.doi}"


def read_shelves(folder: Path = SHELVES) -> tuple[Technique, ...]:
    """All techniques, sorted by id. Raises ShelfError naming file and entry."""
    found = [technique for path in sorted(folder.glob("*.toml")) for technique in read_shelf(path)]
    seen: dict[str, Technique] = {}
    for technique in found:
        if technique.id in seen:
            raise ShelfError(
                f"{technique.family}.toml: {technique.id} stands on shelf {seen[technique.id].family} too"
            )
        seen[technique.id] = technique
    return tuple(sorted(found, key=lambda technique: technique.id))


def read_shelf(path: Path) -> list[Technique]:
    """The techniques of one shelf, which has one table `[id]` for each. Raises ShelfError."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ShelfError(f"{path.name}: {error}") from None
    return [_technique(path, name, table) for name, table in tables.items()]


@cache
def _types() -> dict[str, type]:
    """The type that each key of an entry must have; a list in TOML becomes a tuple."""
    kinds = {field.name: field.type for field in fields(Technique) if field.name not in ("id", "family")}
    return {name: int if kind is int else str if kind is str else list for name, kind in kinds.items()}


def _technique(path: Path, name: str, table: Any) -> Technique:
    place = f"{path.name}: [{name}]"
    if not isinstance(table, Mapping):
        raise ShelfError(f"{place} is {table!r}; expected a table of one technique")
    _require_keys(place, table)
    lists = {key: tuple(value) for key, value in table.items() if isinstance(value, list)}
    texts = {key: value.strip() if isinstance(value, str) else value for key, value in table.items()}
    technique = Technique(**{**texts, **lists, "id": name, "family": path.stem})
    for problem in problems_of(technique):
        raise ShelfError(f"{place} {problem}")
    return technique


def _require_keys(place: str, table: Mapping[str, Any]) -> None:
    types = _types()
    required = {field.name for field in fields(Technique) if field.default is MISSING} & types.keys()
    if missing := sorted(required - table.keys()):
        raise ShelfError(f"{place} lacks {', '.join(missing)}")
    for key, value in table.items():
        if key not in types:
            raise ShelfError(f"{place} has the unknown key {key!r}; expected {', '.join(sorted(types))}")
        if not isinstance(value, types[key]):
            raise ShelfError(f"{place}: {key} is {value!r}; expected a {types[key].__name__}")


def problems_of(technique: Technique) -> Sequence[str]:
    """Faults of an entry, as texts that continue its name."""
    empty = [
        key
        for key in ("name", "title", "mechanism", "hurts", "sketch", "checked", "answers")
        if not getattr(technique, key)
    ]
    said = [f"has an empty {key}" for key in empty]
    if not _KEBAB.fullmatch(technique.id):
        said.append("is no kebab-case id")
    if bool(technique.arxiv) == bool(technique.doi):
        said.append("needs an arXiv id or a DOI, and not both")
    if technique.arxiv and not _ARXIV.fullmatch(technique.arxiv):
        said.append(f"has the arXiv id {technique.arxiv!r}; expected the form 2308.07192")
    if technique.doi and not _DOI.fullmatch(technique.doi):
        said.append(f"has the DOI {technique.doi!r}; expected the form 10.1145/3240323.3240372")
    if technique.arxiv and technique.year > 2000 + int(technique.arxiv[:2]):
        said.append(f"says {technique.year}, but {technique.arxiv} was there earlier")
    if len(set(technique.answers)) != len(technique.answers):
        said.append("names a code twice")
    if technique.sketch.count("\n") >= LONGEST_SKETCH:
        said.append(f"has a sketch of more than {LONGEST_SKETCH} lines")
    return said
