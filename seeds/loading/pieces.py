"""Reads a text file in pieces of whole lines, plain or packed, and refuses what is no text or has no end."""

import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO, NoReturn

import numpy as np
from numpy.typing import NDArray

from seeds.errors import SourceError
from seeds.loading.layout import UTF_8
from seeds.loading.members import Member, opened

PIECE_BYTES = 8 << 20
LONGEST_LINE_BYTES = 1_000_000
_BOM = b"\xef\xbb\xbf"


def pieces(
    member: Member, *, encodings: tuple[str, ...] = UTF_8, quote: bytes = b""
) -> Iterator[tuple[int, bytes]]:
    """The line (from 1) that a piece begins with, and the piece: whole lines of UTF-8 text that end in "\\n".

    A byte order mark is dropped, and "\\r\\n" becomes "\\n". encodings: a piece is in the first that it can be in.
    quote: between two of them a line end belongs to a field. Raises SourceError.
    """
    rest, line = b"", 1
    for data in _read(member):
        cut = _row_end(rest + data, quote)
        whole, rest = (rest + data)[:cut], (rest + data)[cut:]
        if whole:
            piece = _checked(member, line, whole, encodings)
            yield line, piece
            line += piece.count(b"\n")
        if len(rest) > LONGEST_LINE_BYTES:
            _refuse_zero(member, line, rest)
            if b"\n" in rest and quote:
                _refuse(member, line, "quotes in pairs", "one that is not closed", "Close or double it.")
            _refuse_long(member, line)
    if rest:
        yield line, _checked(member, line, rest + b"\n", encodings)


def row_ends(piece: bytes, quote: bytes = b"") -> NDArray[np.int64]:
    """The line end behind each row of a piece: int64 (n_rows,) places of bytes."""
    text = np.frombuffer(piece, np.uint8)
    ends = np.flatnonzero(text == ord("\n"))
    if quote and quote in piece:
        marks = np.flatnonzero(text == quote[0])
        ends = ends[np.searchsorted(marks, ends) % 2 == 0]
    return ends


def _row_end(data: bytes, quote: bytes) -> int:
    """Behind the last line end of the data that ends a row; 0 if there is none."""
    end = data.rfind(b"\n") + 1
    if not quote or data.count(quote, 0, end) % 2 == 0:
        return end
    ends = row_ends(data[:end], quote)
    return int(ends[-1]) + 1 if len(ends) else 0


def _read(member: Member) -> Iterator[bytes]:
    try:
        with opened(member) as stream:
            yield from _blocks(stream)
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        packed = f" in {member.packed} format" if member.packed else ""
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise SourceError(
            path=member.shown,
            expected=f"a readable file{packed}",
            found=reason,
            next_step="Make it readable, copy or compress it again, or correct data.source.",
        ) from error


def _blocks(stream: BinaryIO) -> Iterator[bytes]:
    first = stream.read(PIECE_BYTES).removeprefix(_BOM)
    while first:
        yield first
        first = stream.read(PIECE_BYTES)


def _checked(member: Member, line: int, piece: bytes, encodings: tuple[str, ...]) -> bytes:
    for encoding in encodings:
        try:
            text = piece.decode(encoding)
        except UnicodeDecodeError:
            continue
        _refuse_zero(member, line, piece)
        if (place := _long_line(piece)) >= 0:
            _refuse_long(member, line + piece.count(b"\n", 0, place))
        return (piece if encoding == "utf-8" else text.encode()).replace(b"\r\n", b"\n")
    return _refuse_undecodable(member, line, piece, encodings[-1])


def _refuse_undecodable(member: Member, line: int, piece: bytes, encoding: str) -> NoReturn:
    place = _first_undecodable(piece, encoding)
    _refuse(
        member,
        line + piece.count(b"\n", 0, place),
        f"{encoding.upper()} text",
        f"byte 0x{piece[place]:02x}",
        'Convert the file to UTF-8, or set data.encoding, for example to "latin-1".',
    )


def _first_undecodable(piece: bytes, encoding: str) -> int:
    try:
        piece.decode(encoding)
    except UnicodeDecodeError as error:
        return error.start
    return 0


def _long_line(piece: bytes) -> int:
    """Where a line begins that is too long; -1 if none does."""
    start = 0
    while len(piece) - start > LONGEST_LINE_BYTES:
        end = piece.rfind(b"\n", start, start + LONGEST_LINE_BYTES + 1)
        if end < 0:
            return start
        start = end + 1
    return -1


def _refuse_zero(member: Member, line: int, piece: bytes) -> None:
    if (place := piece.find(b"\0")) >= 0:
        _refuse(member, line + piece.count(b"\n", 0, place), "text", "a zero byte",
                "Point data.source at a text file, or write this one again.")  # fmt: skip


def _refuse_long(member: Member, line: int) -> NoReturn:
    _refuse(
        member,
        line,
        f"lines of at most {LONGEST_LINE_BYTES:,} bytes",
        "a longer one",
        "Shorten or remove the line.",
    )


def _refuse(member: Member, line: int, expected: str, found: str, next_step: str) -> NoReturn:
    raise SourceError(path=member.shown, line=line, expected=expected, found=found, next_step=next_step)
