"""Lines and columns as LSP counts them: lines end at CRLF, LF or CR only, and columns are in the client's units."""

import re
from functools import lru_cache
from itertools import islice

from lsprotocol import types

_LINE_END = re.compile(r"\r\n|\n|\r")


@lru_cache(maxsize=6)  # few: a long text takes a megabyte, and each keystroke makes a new one
def lines_of(text: str) -> tuple[str, ...]:
    """The lines without their line ends; the last is "" if the text ends with a line end."""
    if "\r" not in text:
        return tuple(text.split("\n"))
    return tuple(_LINE_END.split(text))


def columns(text: str, encoding: str) -> int:
    """The length of a piece of a line in the units of a position encoding ("utf-8", "utf-16", "utf-32")."""
    if text.isascii():
        return len(text)
    if encoding == "utf-8":
        return len(text.encode("utf-8", "surrogatepass"))
    if encoding == "utf-32":
        return len(text)
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def characters(line: str, column: int, encoding: str) -> int:
    """How many characters of a line lie before a column of a position encoding; the inverse of `columns`."""
    if encoding == "utf-32" or line.isascii():
        return min(column, len(line))
    units = 0
    for count, char in enumerate(line):
        if units >= column:
            return count
        units += columns(char, encoding)
    return len(line)


def offset_of(text: str, position: types.Position, encoding: str) -> int:
    """The offset of a position in the text, in characters.

    A position past the end of its line or text is clamped to it.
    """
    lines = lines_of(text)
    if position.line >= len(lines):
        return len(text)
    if "\r" not in text:
        start = sum(map(len, lines[: position.line])) + position.line
    else:
        ends = islice(_LINE_END.finditer(text), position.line)
        start = max((end.end() for end in ends), default=0)
    return start + characters(lines[position.line], position.character, encoding)


def code_range(lines: tuple[str, ...], start: int, end: int, encoding: str) -> types.Range:
    """The range from the first non-blank character of line `start` to the end of line `end` (from 0, inclusive)."""
    start, end = _inside(lines, start), _inside(lines, end)
    first = lines[start]
    indent = first[: len(first) - len(first.lstrip())]
    return types.Range(
        start=types.Position(line=start, character=columns(indent, encoding)),
        end=types.Position(line=end, character=columns(lines[end].rstrip(), encoding)),
    )


def lines_range(lines: tuple[str, ...], start: int, end: int, encoding: str) -> types.Range:
    """The range of the whole lines from `start` up to but without `end` (from 0), including their line ends."""
    if end < len(lines):
        return types.Range(
            start=types.Position(line=start, character=0), end=types.Position(line=end, character=0)
        )
    last = len(lines) - 1
    return types.Range(
        start=types.Position(line=min(start, last), character=0),
        end=types.Position(line=last, character=columns(lines[last], encoding)),
    )


def _inside(lines: tuple[str, ...], line: int) -> int:
    return max(0, min(line, len(lines) - 1))
