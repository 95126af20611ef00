"""Reads the figures that an evaluation has printed: from a log, a table of a README, or JSON.

A figure is a metric's name as the field spells it, a cutoff, and a value with a decimal point or a percent sign. Figures that
stand together, on one line or on lines that follow one another, are one group: they speak of one model.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from seeds.reading import parse_json

NAMES: Mapping[str, str] = {
    **dict.fromkeys(("hr", "ht", "hit", "hits", "hitratio", "hitrate"), "HR"),
    **dict.fromkeys(("ndcg",), "NDCG"),
    **dict.fromkeys(("mrr",), "MRR"),
    **dict.fromkeys(("recall",), "Recall"),
}
_NAME = r"(?<![A-Za-z])(?P<name>hit(?:[ _-]?(?:ratio|rate)|s)?|hr|ht|n-?dcg|mrr|recall)"
_CUTOFF = r"(?:[ _-]?(?:@|at)?[ _-]?(?P<k>\d{1,4})(?![\d.%]))?"
_VALUE = r"(?P<value>\d*\.\d+(?:[eE]-?\d+)?|\d{1,3}(?=\s*%))\s*(?P<percent>%?)"
_BETWEEN = r"(?:[\s:=|\"'\])(\[*]|is\b|array|tensor|np\.float\d+)*"
_FIGURE = re.compile(_NAME + _CUTOFF + _BETWEEN + _VALUE, re.IGNORECASE)
_HEADING = re.compile(_NAME + _CUTOFF, re.IGNORECASE)
_CELL = re.compile(r"[\s*_`]*" + _VALUE + r"[\s*_`]*")
_PART = re.compile(r"(?<![A-Za-z])(test|valid(?:ation)?|val|dev|train(?:ing)?)(?![A-Za-z])", re.IGNORECASE)
_EPOCH = re.compile(r"epochs?\W{0,3}(\d{1,6})", re.IGNORECASE)
_TOP = re.compile(r"\btop_?ks?\b\W{0,4}(\d{1,4})\b(?!\s*,\s*\d)", re.IGNORECASE)
_PARTS = {"test": "test", "train": "training", "training": "training"}
CARRIED = 3  # lines for which a word such as "test" goes on to hold


@dataclass(frozen=True, kw_only=True)
class Printed:
    """metric: our name. k: 0 without a cutoff. value: a share. half_unit: half of its last digit's worth."""

    metric: str
    k: int
    value: float
    half_unit: float

    @property
    def name(self) -> str:
        """As metrics are called here, "HR@10"; "MRR" without a cutoff."""
        return f"{self.metric}@{self.k}" if self.k else self.metric


@dataclass(frozen=True, kw_only=True)
class Group:
    """Figures of one model. line: of the first, from 1. part: "test", "validation", "training", "" if unsaid. epoch: 0 if unsaid."""

    line: int
    last_line: int
    part: str
    epoch: int
    text: str
    figures: tuple[Printed, ...]

    @property
    def total(self) -> float:
        return sum(figure.value for figure in self.figures)


def read_figures(text: str) -> list[Group]:
    """All groups of figures in a text, in its order; figures of training events are left out."""
    lines = _as_lines(text)
    tops = {int(found) for found in _TOP.findall(text)}
    usual = next(iter(tops)) if len(tops) == 1 else 0
    groups: list[Group] = []
    for group in [*_in_lines(lines), *_in_tables(lines)]:
        figures = tuple(replace(f, k=usual) if not f.k and f.metric != "MRR" else f for f in group.figures)
        groups.append(replace(group, figures=figures))
    return sorted((group for group in groups if group.part != "training"), key=lambda group: group.line)


def chosen(groups: Sequence[Group]) -> list[Group]:
    """Of each part the group that its figures are best in, as a repo reports it, and the last, where it is another."""
    picked: dict[Group, None] = {}
    for part in dict.fromkeys(group.part for group in groups):
        own = [group for group in groups if group.part == part]
        alike = [
            group for group in own if {f.name for f in group.figures} == {f.name for f in own[-1].figures}
        ]
        for group in (max(alike, key=lambda found: found.total), own[-1]):
            picked[group] = None
    return list(picked)


def _as_lines(text: str) -> list[str]:
    """Of JSON one line for each number, with the path to it, so that "test": {"HR": {"10": .5}} is read as a log is."""
    if not text.lstrip().startswith(("{", "[")):
        return text.splitlines()
    try:
        return [*_flat(parse_json(text), "")]
    except ValueError:
        return text.splitlines()


def _flat(value: object, path: str) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _flat(inner, f"{path} {name}".strip())
    elif isinstance(value, list):
        for inner in value:
            yield from _flat(inner, path)
    elif isinstance(value, float):
        yield f"{path}: {value!r}"


def _in_lines(lines: Sequence[str]) -> Iterator[Group]:
    part, said_at, epoch, open_group = "", 0, 0, None
    for number, line in enumerate(lines, start=1):
        if found := _EPOCH.search(line):
            epoch = int(found[1])
        if number - said_at > CARRIED:
            part = ""
        at = 0
        for match in _FIGURE.finditer(line):
            for word in _PART.finditer(line, at, match.start()):
                part, said_at = _part(word[1]), number
            at = match.end()
            said_at = number if part else said_at
            figure = _figure(match)
            fits = open_group is not None and open_group.part == part and number - open_group.last_line <= 1
            if fits and open_group is not None and figure.name not in {f.name for f in open_group.figures}:
                open_group = replace(open_group, figures=(*open_group.figures, figure), last_line=number)
                continue
            if open_group is not None:
                yield open_group
            open_group = Group(
                line=number, last_line=number, part=part, epoch=epoch, text=line.strip(), figures=(figure,)
            )
        for word in _PART.finditer(line, at):
            part, said_at = _part(word[1]), number
    if open_group is not None:
        yield open_group


def _in_tables(lines: Sequence[str]) -> Iterator[Group]:
    """Rows below a row of headings, two of whose cells or more, or all but one, name metrics."""
    heads: dict[int, tuple[str, int]] = {}
    width = 0
    for number, line in enumerate(lines, start=1):
        cells = _cells(line)
        named = {place: found for place, cell in enumerate(cells) if (found := _heading(cell)) is not None}
        if named and len(cells) > 1 and not any(_CELL.fullmatch(cell) for cell in cells):
            heads, width = named, len(cells)
            continue
        if not heads or (set(line.strip()) <= set("|-: ") and line.strip()):
            continue
        values = {place: _CELL.fullmatch(cells[place]) for place in heads if place < len(cells)}
        figures = tuple(_shared(*heads[place], found) for place, found in values.items() if found is not None)
        if len(cells) != width or not figures:
            heads = {}
            continue
        yield Group(line=number, last_line=number, part="", epoch=0, text=line.strip(), figures=figures)


def _cells(line: str) -> list[str]:
    """Of a Markdown row, or of a row with commas or tabs."""
    text = line.strip()
    mark = "|" if "|" in text else "\t" if "\t" in text else ","
    return [cell.strip() for cell in text.strip(mark).split(mark)]


def _heading(cell: str) -> tuple[str, int] | None:
    found = _HEADING.fullmatch(cell.strip(" *_`"))
    return (_metric(found["name"]), int(found["k"] or 0)) if found else None


def _figure(match: re.Match[str]) -> Printed:
    return _shared(_metric(match["name"]), int(match["k"] or 0), match)


def _shared(metric: str, k: int, match: re.Match[str]) -> Printed:
    """A value with a percent sign, or beyond 1, is in percent."""
    digits = match["value"].lower().partition("e")[0].partition(".")[2]
    value, unit = float(match["value"]), 10.0 ** -len(digits)
    scale = 100.0 if match["percent"] or value > 1 else 1.0
    return Printed(metric=metric, k=k, value=value / scale, half_unit=unit / scale / 2)


def _metric(name: str) -> str:
    return NAMES[re.sub(r"[^a-z]", "", name.lower())]


def _part(word: str) -> str:
    return _PARTS.get(word.lower(), "validation")
