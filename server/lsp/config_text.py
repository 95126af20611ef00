"""Finds the section, key or value at a position in the text of an evolverec.toml. Pure.

The text is read line by line rather than parsed, because text that is being typed is often no valid TOML.
"""

import re
from dataclasses import dataclass
from enum import Enum, auto

_HEADER = re.compile(r"\s*\[\[?\s*(?P<name>[\w.-]*)(?P<close>\s*\])?")
_ASSIGN = re.compile(
    r"""\s*(?P<quote>["']?)(?P<key>[\w-]+(?:\s*\.\s*[\w-]+)*)(?P=quote)\s*=""",
)
_WORD = re.compile(r"[\w.+-]*")
_BEFORE = re.compile(r"[\w.+-]*$")


class PlaceKind(Enum):
    """What a completion or hover at a place is about."""

    SECTION = auto()  # within the brackets of a header
    KEY = auto()  # where a key stands or may begin
    VALUE = auto()


@dataclass(frozen=True, kw_only=True)
class Place:
    """The section name, key or value around a position.

    section, key: the names that the place belongs to, "" if there is none
    text: the characters start to end of the line, which hold the whole name or the whole content of the string
    typed: the part of `text` before the position
    quote: the quote character of the string around the position, "" outside of strings
    closed: whether the character that ends the place is in the text (`]`, `=` or the closing quote)
    listed: whether the position is inside the brackets of a list
    """

    kind: PlaceKind
    section: str
    key: str = ""
    start: int
    end: int
    text: str
    typed: str
    quote: str = ""
    closed: bool = False
    listed: bool = False


@dataclass(frozen=True, kw_only=True)
class ConfigLine:
    """One line with the section and key it belongs to.

    header: start and end of a section's name, if the line opens a section
    name: start and end of a key's name, if the line assigns a key
    value: the column where a value begins; 0 on further lines of a list
    """

    text: str
    section: str
    key: str
    header: tuple[int, int] | None = None
    name: tuple[int, int] | None = None
    value: int | None = None


@dataclass(frozen=True, kw_only=True)
class _String:
    """A string in a line; its content is the characters start to end, without the quotes."""

    start: int
    end: int
    quote: str
    closed: bool


def scan(lines: tuple[str, ...]) -> list[ConfigLine]:
    """Every line of the text with the section and key it belongs to."""
    found: list[ConfigLine] = []
    section, key, depth = "", "", 0
    for text in lines:
        if header := _HEADER.match(text) if depth == 0 or _opens_section(text) else None:
            section, key, depth = header["name"], "", 0
            found.append(ConfigLine(text=text, section=section, key="", header=header.span("name")))
        elif assign := _ASSIGN.match(text):
            names = [name.strip() for name in assign["key"].split(".")]
            inner = ".".join([section, *names[:-1]]).strip(".")
            key, depth = names[-1], _depth(text, assign.end())
            span = assign.span("key")
            start = span[1] - len(names[-1])
            found.append(
                ConfigLine(text=text, section=inner, key=key, name=(start, span[1]), value=assign.end())
            )
        elif depth > 0:
            found.append(ConfigLine(text=text, section=section, key=key, value=0))
            depth += _depth(text, 0)
        else:
            found.append(ConfigLine(text=text, section=section, key=""))
    return found


def _opens_section(text: str) -> bool:
    """Whether a line inside an unclosed list is a section header, which no line of a list of strings looks like."""
    return re.fullmatch(r"\s*\[\s*[\w.-]+\s*\]\s*(#.*)?", text) is not None


def place_at(lines: tuple[str, ...], row: int, column: int) -> Place | None:
    """The place at a row and column (from 0, the column in characters). None in a comment or after a header."""
    if row >= len(lines):
        return None
    line = scan(lines[: row + 1])[row]
    if column > _comment(line.text):
        return None
    if line.header is not None:
        return _in_header(line, column)
    if line.value is not None and column >= line.value:
        return _in_value(line, column)
    start, end = line.name or _word(line.text, column)
    return Place(
        kind=PlaceKind.KEY,
        section=line.section,
        key=line.key,
        start=start,
        end=end,
        text=line.text[start:end],
        typed=line.text[start : min(max(start, column), end)],
        closed=line.value is not None,
    )


def _in_header(line: ConfigLine, column: int) -> Place | None:
    start, end = line.header or (0, 0)
    if not start <= column <= end:
        return None
    return Place(
        kind=PlaceKind.SECTION,
        section=line.section,
        start=start,
        end=end,
        text=line.text[start:end],
        typed=line.text[start:column],
        closed="]" in line.text[end:],
    )


def _in_value(line: ConfigLine, column: int) -> Place:
    string = next((s for s in _strings(line.text, line.value or 0) if s.start <= column <= s.end), None)
    start, end = (string.start, string.end) if string else _word(line.text, column)
    return Place(
        kind=PlaceKind.VALUE,
        section=line.section,
        key=line.key,
        start=start,
        end=end,
        text=line.text[start:end],
        typed=line.text[start:column],
        quote=string.quote if string else "",
        closed=string.closed if string else False,
        listed=line.name is None or _depth(line.text[:column], line.value or 0) > 0,
    )


def key_span(line: ConfigLine, name: str) -> tuple[int, int] | None:
    """Start and end of `name`, a part of the dotted name of the key or section that a line begins; None where it has none."""
    if line.header is not None:
        begin, end = line.header
    elif line.name is not None:
        begin, end = 0, line.name[1]
    else:
        return None
    parts = [
        (begin + part.start(), begin + part.end()) for part in re.finditer(r"[\w-]+", line.text[begin:end])
    ]
    return next((one for one in reversed(parts) if line.text[one[0] : one[1]] == name), None)


def value_span(line: ConfigLine) -> tuple[int, int] | None:
    """Start and end of the value on a line, without the comment behind it; None where there is none."""
    if line.value is None:
        return None
    said = line.text[line.value : _comment(line.text)]
    start = line.value + len(said) - len(said.lstrip())
    end = line.value + len(said.rstrip())
    return (start, end) if start < end else None


def strings(line: ConfigLine) -> list[tuple[int, int]]:
    """Start and end of the content of each string in a line's value."""
    return [] if line.value is None else [(s.start, s.end) for s in _strings(line.text, line.value)]


def _strings(text: str, at: int) -> list[_String]:
    """The strings from column `at` on; an unclosed string reaches to the end of the line."""
    found: list[_String] = []
    while at < len(text) and text[at] != "#":
        if text[at] in "\"'":
            end = _string_end(text, at)
            closed = end < len(text)
            found.append(_String(start=at + 1, end=end, quote=text[at], closed=closed))
            at = end
        at += 1
    return found


def _string_end(text: str, opening: int) -> int:
    """The column of the closing quote, or of the end of the line."""
    at = opening + 1
    while at < len(text) and text[at] != text[opening]:
        at += 2 if text[at] == "\\" and text[opening] == '"' else 1
    return min(at, len(text))


def _comment(text: str) -> int:
    """The column where the line's comment begins; the line's length if it has none."""
    at = 0
    while at < len(text):
        if text[at] == "#":
            return at
        at = _string_end(text, at) + 1 if text[at] in "\"'" else at + 1
    return len(text)


def _depth(text: str, at: int) -> int:
    """How many more brackets a value opens than it closes on this line."""
    inside = [(s.start, s.end) for s in _strings(text, at)]
    plain = [
        char
        for i, char in enumerate(text[: _comment(text)])
        if i >= at and not any(a <= i < b for a, b in inside)
    ]
    return plain.count("[") - plain.count("]")


def _word(text: str, column: int) -> tuple[int, int]:
    before = _BEFORE.search(text[:column])
    after = _WORD.match(text, column)
    return (before.start() if before else column), (after.end() if after else column)
