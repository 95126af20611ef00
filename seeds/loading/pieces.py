"""Reads a text file in pieces of whole lines, plain or gzip'd, and refuses what is no text or has no end."""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NoReturn

from seeds.errors import SourceError
from seeds.reading import open_plain

PIECE_BYTES = 8 << 20
LONGEST_LINE_BYTES = 1_000_000
_BOM = b"\xef\xbb\xbf"


def pieces(path: Path) -> Iterator[tuple[int, bytes]]:
    """The line (from 1) that a piece begins with, and the piece: whole lines of UTF-8 text that end in "\\n".

    A byte order mark is dropped, and "\\r\\n" becomes "\\n". Raises SourceError.
    """
    rest, line = b"", 1
    for data in _read(path):
        whole, newline, end = (rest + data).rpartition(b"\n")
        rest = end
        if newline:
            piece = _checked(path, line, whole + newline)
            yield line, piece
            line += piece.count(b"\n")
        if len(rest) > LONGEST_LINE_BYTES:
            _refuse_zero(path, line, rest)
            _refuse_long(path, line)
    if rest:
        yield line, _checked(path, line, rest + b"\n")


def _read(path: Path) -> Iterator[bytes]:
    try:
        with open_plain(path) as file:
            stream = gzip.GzipFile(fileobj=file) if path.name.lower().endswith(".gz") else file
            yield from _blocks(stream)  # type: ignore[arg-type] # GzipFile reads as any file does
    except (OSError, EOFError, zlib.error) as error:  # gzip.BadGzipFile is an OSError
        packed = " in gzip format" if path.name.lower().endswith(".gz") else ""
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise SourceError(
            path=str(path),
            expected=f"a readable file{packed}",
            found=reason,
            next_step="Make it readable, copy or compress it again, or correct data.source.",
        ) from error


def _blocks(stream: BinaryIO) -> Iterator[bytes]:
    first = stream.read(PIECE_BYTES).removeprefix(_BOM)
    while first:
        yield first
        first = stream.read(PIECE_BYTES)


def _checked(path: Path, line: int, piece: bytes) -> bytes:
    try:
        piece.decode("utf-8")
    except UnicodeDecodeError as error:
        _refuse(path, line + piece.count(b"\n", 0, error.start), "UTF-8 text", f"byte 0x{piece[error.start]:02x}",
                "Convert the file to UTF-8.")  # fmt: skip
    _refuse_zero(path, line, piece)
    if (place := _long_line(piece)) >= 0:
        _refuse_long(path, line + piece.count(b"\n", 0, place))
    return piece.replace(b"\r\n", b"\n")


def _long_line(piece: bytes) -> int:
    """Where a line begins that is too long; -1 if none does."""
    start = 0
    while len(piece) - start > LONGEST_LINE_BYTES:
        end = piece.rfind(b"\n", start, start + LONGEST_LINE_BYTES + 1)
        if end < 0:
            return start
        start = end + 1
    return -1


def _refuse_zero(path: Path, line: int, piece: bytes) -> None:
    if (place := piece.find(b"\0")) >= 0:
        _refuse(path, line + piece.count(b"\n", 0, place), "text", "a zero byte",
                "Point data.source at a text file, or write this one again.")  # fmt: skip


def _refuse_long(path: Path, line: int) -> NoReturn:
    _refuse(
        path,
        line,
        f"lines of at most {LONGEST_LINE_BYTES:,} bytes",
        "a longer one",
        "Shorten or remove the line.",
    )


def _refuse(path: Path, line: int, expected: str, found: str, next_step: str) -> NoReturn:
    raise SourceError(path=str(path), line=line, expected=expected, found=found, next_step=next_step)
