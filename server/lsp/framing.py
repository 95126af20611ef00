"""Cuts a client's byte stream into message bodies, by LSP's base protocol, and finds the way again where it is broken.

Lines of a header may end with LF alone, names are read in any case, and bytes before the first header (what a login
shell prints) are skipped. Where a header is wrong, the bytes up to the next `Content-Length:` are skipped. A length
that is too large shows when the next header comes inside the body: raw line ends cannot occur in a JSON string, and a
bare `Content-Length: N` cannot occur outside of one. Only this module knows what a header looks like.
"""

import json
import re
from dataclasses import dataclass
from typing import Any, BinaryIO

MAX_BODY_BYTES = 64 << 20
MAX_HEADER_BYTES = 8 << 10
MAX_GREETING_BYTES = 1 << 20  # of bytes before the first message, which are no message
MAX_SKIPPED_BYTES = 4 * MAX_BODY_BYTES  # of bytes between two messages
CHUNK_BYTES = 1 << 16
MAX_DIGITS = 30  # leading zeros included
SHOWN_BYTES = 60

_LENGTH = re.compile(rb"content-length[ \t]*:", re.IGNORECASE)
_LONGEST_NAME = 32  # bytes of a name that may have come in part
_LONGEST_BEGINNING = 256  # bytes of a message without a length that may have come in part
_HEADER_LINE = re.compile(rb"[A-Za-z][A-Za-z0-9-]*[ \t]*:[^\r\n]*\r?\n")
_ENDED_EARLY = re.compile(rb"[Cc]ontent-[Ll]ength[ \t]*:[ \t]*[0-9]+[ \t]*\r?\n")
_PART_OF_HEADER = re.compile(rb"(?:[A-Za-z][A-Za-z0-9-]*(?:[ \t]*:[^\r\n]*)?)?\r?\Z")  # more of it may come
_HEADLESS = re.compile(
    rb'\s*(?:content-type[ \t]*:[^\r\n]*\r?\n\r?\n|\{\s*"(?:jsonrpc|id|method)")', re.IGNORECASE
)
_BLANK = re.compile(rb"\r?\n")
# The end of an object and the start of a header behind it, by which a length is a few bytes too large.
_NEXT_BEGUN = re.compile(rb"\}\s*(([A-Za-z-]+)[ \t]*:?[ \t]*[0-9]*[\r\n]*)\Z")
_OTHER_HEADERS = re.compile(rb"(?:[A-Za-z][A-Za-z-]*[ \t]*:[^\r\n]*\r?\n)*\s*\Z")


@dataclass(frozen=True, kw_only=True)
class Frame:
    """The body of one message. remark: what was wrong around it, "" if nothing was."""

    body: bytes
    remark: str = ""


@dataclass(frozen=True, kw_only=True)
class Broken:
    """A header that names no body; what follows is skipped up to the next header."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class Left:
    """The stream has ended. reason: why that was no end of a session, "" where it came between two messages."""

    reason: str = ""


class Frames:
    """The frames of one stream, in order. Not safe for more than one thread."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream: Any = stream  # a buffered reader, which has read1
        self._held = bytearray()
        self._ended = False
        self._met = False
        self._lost = False
        self._failed = ""

    def next(self) -> Frame | Broken | Left:
        """Wait for the next frame. After `Left` there is none."""
        while (remark := self._skip_to_header()) is not None:
            if isinstance(remark, Broken):
                self._lost = True
                return remark
            length = self._read_header()
            if isinstance(length, int):
                self._met, self._lost = True, False
                return self._read_body(length, remark)
            if not self._lost:  # while bytes are skipped, what looks like a header may be text
                self._lost = True
                return Broken(reason=length)
        return self._leave()

    def _more(self) -> bool:
        """Read some more bytes. Returns whether there were any."""
        if not self._ended:
            more = self._read()
            self._ended = not more
            self._held += more
        return not self._ended

    def _read(self) -> bytes:
        try:
            return self._stream.read1(CHUNK_BYTES)
        except OSError as error:  # a connection that was reset; a folder in place of a pipe
            self._failed = f"the client's messages cannot be read ({error})"
            return b""

    def _skip_to_header(self) -> str | Broken | None:
        """Drop what comes before the next header. Returns a remark on it, None if no header comes any more, and what is
        wrong as soon as a message begins without its length."""
        skipped, first = 0, b""
        limit = MAX_SKIPPED_BYTES if self._met or self._lost else MAX_GREETING_BYTES
        while True:
            if not (self._lost or skipped) and (headless := _HEADLESS.match(self._held)) is not None:
                del self._held[: headless.end()]
                return Broken(reason="a message has no Content-Length; expected it before the body")
            if (found := _LENGTH.search(self._held)) is not None:
                break
            surplus = max(0, len(self._held) - _LONGEST_BEGINNING)
            first = first or bytes(self._held[:surplus])[:SHOWN_BYTES]
            skipped += surplus
            del self._held[:surplus]
            if skipped > limit or not self._more():
                self._skipped = (skipped, first or bytes(self._held[:SHOWN_BYTES]))
                return None
        before = _HEADER_LINE.sub(b"", bytes(self._held[: found.start()])).strip()
        del self._held[: found.start()]
        skipped += len(before)
        if not (first or before) or self._lost:
            return ""
        return f"skipped {skipped} bytes that are no message: {_shown(first or before)}"

    def _leave(self) -> Left:
        skipped, first = self._skipped
        if not self._ended:
            return Left(
                reason=f"no LSP message in {skipped} bytes, which begin with {_shown(first)}; "
                "expected a header such as `Content-Length: 123`"
            )
        if self._failed or self._lost or not bytes(self._held).strip():
            return Left(reason=self._failed)
        return Left(reason=f"the client left after bytes that are no message: {_shown(first)}")

    def _read_header(self) -> int | str:
        """Drop the header at the start of the held bytes, and return the length that it names, or what is wrong with it."""
        while (found := _header(self._held)) is None and len(self._held) <= MAX_HEADER_BYTES and self._more():
            pass
        if found is None:
            found = Header(values=frozenset(), end=0, wrong="the header does not end with a blank line")
        wrong = found.wrong or _wrong_length(found.values)
        whole = found.values and all(map(bytes.isdigit, found.values))
        # What is a header is dropped as a whole; what only looks like one may hold the next one's start.
        del self._held[: found.end if whole else _name_end(self._held)]
        return wrong or int(min(found.values))

    def _read_body(self, length: int, remark: str) -> Frame:
        searched = 0
        while True:
            early = _ENDED_EARLY.search(self._held, searched, length + MAX_HEADER_BYTES)
            if early is not None and early.start() < length:
                return self._cut(early.start(), length, remark)
            if len(self._held) >= length:
                return self._whole(length, remark)
            searched = max(0, len(self._held) - 2 * _LONGEST_NAME)
            if not self._more():
                return self._cut(len(self._held), length, remark)

    def _whole(self, length: int, remark: str) -> Frame:
        body = bytes(self._held[:length])
        tail = _NEXT_BEGUN.search(body, max(0, length - 2 * _LONGEST_NAME))
        if tail is not None and b"content-length".startswith(tail[2].lower()):
            return self._cut(tail.start(1), length, remark)
        del self._held[:length]
        return Frame(body=body, remark=remark)

    def _cut(self, end: int, length: int, remark: str) -> Frame:
        """The body that ended before its length, because the stream or another header came."""
        part = bytes(self._held[:end])
        del self._held[:end]
        body = part[: found.start()] if (found := _OTHER_HEADERS.search(part)) else part
        said = f"Content-Length is {length}, but {len(body)} bytes came"
        return Frame(body=body, remark="; ".join(filter(None, (remark, said))))


def written(message: dict[str, Any]) -> bytes:
    """A message as the bytes of its frame."""
    body = json.dumps(message).encode()
    return b"Content-Length: %d\r\n\r\n" % len(body) + body


@dataclass(frozen=True, kw_only=True)
class Header:
    """A header's values of Content-Length, and where the body begins. wrong: why it is no header, "" if it is one."""

    values: frozenset[bytes]
    end: int
    wrong: str = ""


def _header(held: bytearray) -> Header | None:
    """The header at the start of the bytes, None while it is not complete.

    A body that begins without a blank line before it is taken as it is.
    """
    at = 0
    while line := _HEADER_LINE.match(held, at):
        at = line.end()
    if not at or _PART_OF_HEADER.match(held, at):
        return None
    blank = _BLANK.match(held, at)
    named = [bytes(held[found.end() : at]).split(b"\n", 1)[0] for found in _LENGTH.finditer(held, 0, at)]
    return Header(values=frozenset(map(bytes.strip, named)), end=blank.end() if blank else at)


def _wrong_length(values: frozenset[bytes]) -> str:
    """What is wrong with the values of Content-Length; "" if nothing is."""
    if len(values) > 1:
        named = " and ".join(_shown(value) for value in sorted(values))
        return f"Content-Length is given more than once, as {named}; expected one length"
    value = min(values)
    if not value.isdigit():
        return f"Content-Length is {_shown(value)}; expected the body's length in bytes"
    if len(value) > MAX_DIGITS or int(value) > MAX_BODY_BYTES:
        return f"Content-Length is {_shown(value)}; messages above {MAX_BODY_BYTES >> 20} MiB are refused"
    return ""


def _name_end(held: bytearray) -> int:
    found = _LENGTH.match(held)
    return found.end() if found else 1


def _shown(data: bytes) -> str:
    return ascii(data[:SHOWN_BYTES].decode("utf-8", "replace"))
