"""Where a place in the text of an evolverec.toml is: in which section, on which key, in which value. Pure.

Read line by line, so that text that is no valid TOML yet, as it is while somebody types, has its places too.
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
    SECTION = auto()  # within the brackets of a header
    KEY = auto()  # where a key stands or may begin
    VALUE = auto()


@dataclass(frozen=True, kw_only=True)
class Place:
    """section, key: "" where there is none. text: the line's characters start to end, which belong together: the
    name, or what stands in the string. typed: those before the place asked for. quote: of the string around it, ""
    outside of strings. closed: whether what belongs to its right is there: `]`, `=`, or the closing quote. listed:
    inside the brackets of a list.
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
    """One line: the section and key it belongs to, whether it opens or assigns them, and where its value begins."""

    text: str
    section: str
    key: str
    header: tuple[int, int] | None = None
    name: tuple[int, int] | None = None
    value: int | None = None


@dataclass(frozen=True, kw_only=True)
class _String:
    """Its content is start to end."""

    start: int
    end: int
    quote: str
    closed: bool


def scan(lines: tuple[str, ...]) -> list[ConfigLine]:
    """Every line with the section and key it belongs to."""
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
    """Whether a line ends a list that nobody has closed: a header alone on it, as no list of strings has."""
    return re.fullmatch(r"\s*\[\s*[\w.-]+\s*\]\s*(#.*)?", text) is not None


def place_at(lines: tuple[str, ...], row: int, column: int) -> Place | None:
    """column: in characters. None in a comment, or behind a header."""
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
        typed=line.text[start : max(start, column)],
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


def strings(line: ConfigLine) -> list[tuple[int, int]]:
    """Where the contents of the strings of a line's value are."""
    return [] if line.value is None else [(s.start, s.end) for s in _strings(line.text, line.value)]


def _strings(text: str, at: int) -> list[_String]:
    """An unclosed one reaches to the end of the line."""
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
    """The column where the line's comment begins; past the end where it has none."""
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
