"""Rows of a text: its lines, or, where it is one document in brackets, what stands between them."""

import re
from collections.abc import Iterator
from itertools import islice

from evolution.repo.copies.content import Content
from evolution.repo.copies.judging import DIFFERENT, fewest_events
from evolution.repo.copies.log_index import LogIndex
from evolution.repo.copies.rows import WIDTH, Rows, rows_of, some_rows

WHOLE_BYTES = 2_000_000  # read whole up to this size
PIECES, PIECE_BYTES = 16, 65_536  # of a longer text
LONG_LINE = 2_000
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_ENDS = re.compile(r"[\]})]|/>|</row>|</tr>")
_WHOLE_FLOAT = re.compile(r"(\d+)\.0+")
_DELIMITERS = ("\t", ",", ";", "|")


def as_text(data: bytes) -> str | None:
    """The text of some bytes; None if they are none."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    sample = data[:8192]
    if sample[1::2].count(0) > 0.4 * len(sample) or sample[::2].count(0) > 0.4 * len(sample):
        order = "utf-16-le" if sample[1::2].count(0) > sample[::2].count(0) else "utf-16-be"
        text = sample.decode(order, "replace")
        printable = sum(c.isprintable() or c.isspace() for c in text)
        return data.decode(order, "replace") if printable > 0.9 * len(text) else None
    if len(_CONTROL.findall(sample)) > 0.02 * len(sample):
        return None
    return data.decode("utf-8", "replace").removeprefix("\ufeff")


def text_rows(content: Content, index: LogIndex) -> Iterator[Rows]:
    """The rows of a text in every reading of it; nothing where it has too few ids to be worth a look."""
    if content.size <= WHOLE_BYTES:
        pieces = [as_text(content.piece(0, WHOLE_BYTES)) or ""]
    else:
        step = (content.size - PIECE_BYTES) // (PIECES - 1)
        pieces = [as_text(content.piece(place * step, PIECE_BYTES)) or "" for place in range(PIECES)]
        pieces = [pieces[0], *(piece.partition("\n")[2] or piece for piece in pieces[1:])]
    pattern = re.compile(rf"[\w.\-{re.escape(index.name_marks)}]+")
    if not _worth_a_look(pieces, pattern, index):
        return
    yield rows_of(_lines(pieces, pattern))
    if any(" " in name for name in index.item_names[1:200] + index.user_names[1:200]):
        yield from (_fields(pieces, delimiter) for delimiter in _DELIMITERS)
    head = pieces[0][:LONG_LINE]
    if head.lstrip()[:1] in tuple("[{(<") or "\n" not in head:
        yield from _bracketed(pieces, pattern)


def _worth_a_look(pieces: list[str], pattern: re.Pattern[str], index: LogIndex) -> bool:
    """Whether enough tokens may be items; the lines of most source files have too few. Ids with blanks are no tokens."""
    if any(" " in name for name in index.item_names[1:200]):
        return True
    found, distinct, items, needed = 0, set[str](), index.namings[0].items, fewest_events(index)
    for part in (
        piece[at : at + PIECE_BYTES] for piece in pieces for at in range(0, len(piece), PIECE_BYTES)
    ):
        ids = [token for token in pattern.findall(part) if token in items or token[0].isdigit()]
        found += len(ids)
        distinct.update(ids)
        if found >= needed and len(distinct) >= DIFFERENT:
            return True
    return False


def _lines(pieces: list[str], pattern: re.Pattern[str]) -> Iterator[list[list[str]]]:
    """The tokens of the lines that are looked at, in unbroken pieces; of the others none is made, which is most of the work."""
    for piece in pieces:
        lines = [line for line in piece.split("\n") if pattern.search(line)]
        windows = some_rows(lines) if len(pieces) == 1 else [lines[:512]]
        for window in windows:
            yield [_first_tokens(line, pattern) for line in window]


def _first_tokens(line: str, pattern: re.Pattern[str]) -> list[str]:
    """As `_tokens`, as many as are looked at: a line of a user's whole history has thousands."""
    found = islice(pattern.finditer(line.replace("::", "\t")), WIDTH)
    return [_id(token[0]) for token in found]


def _tokens(line: str, pattern: re.Pattern[str]) -> list[str]:
    found = pattern.findall(line.replace("::", "\t"))
    return [_id(token) for token in found]


def _id(token: str) -> str:
    whole = _WHOLE_FLOAT.fullmatch(token) if token.endswith("0") else None
    return whole[1] if whole else token


def _spread(rows: list[list[str]], pieces: int) -> list:
    rows = [row for row in rows if row]
    return some_rows(rows) if pieces == 1 else [rows[:512]]


def _fields(pieces: list[str], delimiter: str) -> Rows:
    """For ids with blanks in them: the fields of each line."""
    rows = [
        [[field.strip(" \r\"'") for field in line.split(delimiter)] for line in piece.split("\n")]
        for piece in pieces
    ]
    return rows_of(some for piece in rows for some in _spread(piece, len(pieces)))


def _bracketed(pieces: list[str], pattern: re.Pattern[str]) -> Iterator[Rows]:
    """What closes with a bracket is a row; long rows of one length are the columns of a table."""
    rows = [[_tokens(part, pattern) for part in _ENDS.split(piece)] for piece in pieces]
    yield rows_of(some for piece in rows for some in _spread(piece, len(pieces)))
    long = [row for piece in rows for row in piece if len(row) >= 30]
    for place in range(len(long) - 1):
        columns = [row for row in long[place : place + 8] if abs(len(row) - len(long[place])) <= 1]
        if len(columns) > 1 and place < 4:
            yield table_of(columns)


def table_of(columns: list[list[str]]) -> Rows:
    """Columns that end together, as rows."""
    height = min(map(len, columns))
    return rows_of(
        some_rows([list(row) for row in zip(*(column[-height:] for column in columns), strict=True)])
    )
