"""A notebook as a program: its code cells, each line on its line of the file, and the file again after they were changed.

A notebook's file has each line of a cell as a text of its own. Where a file is written otherwise, it is no program here.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from seeds.reading import parse_json

SUFFIX = ".ipynb"
COMMANDS = ("%", "!")  # lines that are commands of the notebook, and no Python


class NotAProgram(Exception):
    """The text of a notebook whose lines of code are not lines of the file."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """Code of one cell. first: the index of its first line in the file."""

    first: int
    lines: tuple[str, ...]  # without their ends


def as_program(text: str) -> str:
    """The code of all cells, each line on its line of the file; other lines are empty. Raises NotAProgram."""
    lines = [""] * len(text.split("\n"))
    for cell in _cells(text):
        for at, line in enumerate(cell.lines):
            lines[cell.first + at] = f"# {line}" if line.lstrip().startswith(COMMANDS) else line
    return "\n".join(lines)


def with_program(text: str, after: str) -> str:
    """The notebook whose program is `after`. Raises NotAProgram where a change lies outside of the lines of one cell."""
    told, before = text.split("\n"), as_program(text).split("\n")
    cells = list(_cells(text))
    new = {cell.first: list[str]() for cell in cells}
    changed = set[int]()
    now = after.split("\n")
    for kind, start, end, first, last in SequenceMatcher(None, before, now, autojunk=False).get_opcodes():
        if kind == "equal":
            for at in range(start, end):
                if (cell := _cell_at(cells, at)) is not None:
                    new[cell.first].append(cell.lines[at - cell.first])
            continue
        places = range(start, end) if end > start else (start - 1,)
        owners = [_cell_at(cells, at) for at in places]
        if any(owner is None or owner is not owners[0] for owner in owners) or owners[0] is None:
            raise NotAProgram("the change lies outside of one cell")
        new[owners[0].first] += now[first:last]
        changed.add(owners[0].first)
    for cell in reversed(cells):
        if cell.first in changed:
            told[cell.first : cell.first + len(cell.lines)] = _told(
                new[cell.first], _indent(told[cell.first])
            )
    return "\n".join(told)


def _cell_at(cells: Sequence[Cell], at: int) -> Cell | None:
    return next((cell for cell in cells if cell.first <= at < cell.first + len(cell.lines)), None)


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def _told(lines: Sequence[str], indent: str) -> list[str]:
    """Lines of code as the file of a notebook has them."""
    ends = ["\n"] * (len(lines) - 1) + [""]
    commas = [","] * (len(lines) - 1) + [""]
    return [
        f"{indent}{json.dumps(line + end, ensure_ascii=False)}{comma}"
        for line, end, comma in zip(lines, ends, commas)
    ]


def _cells(text: str) -> Iterator[Cell]:
    """The code cells that have lines. Raises NotAProgram where they are not found in the file as they were read."""
    told, after = text.split("\n"), 0
    try:
        cells = parse_json(text)["cells"]
        sources = [cell["source"] for cell in cells if cell["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError):
        raise NotAProgram("it is no notebook") from None
    for source in sources:
        if not source:
            continue
        if not isinstance(source, list) or not all(isinstance(line, str) for line in source):
            raise NotAProgram("a cell is one text and has no lines")
        wanted = _told([line.removesuffix("\n") for line in source], "")
        first = next(
            (
                at
                for at in range(after, len(told) - len(wanted) + 1)
                if [line.strip() for line in told[at : at + len(wanted)]] == wanted
            ),
            None,
        )
        if first is None:
            raise NotAProgram("a line of a cell is no line of the file")
        yield Cell(first=first, lines=tuple(line.removesuffix("\n") for line in source))
        after = first + len(wanted)
