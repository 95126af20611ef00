"""Source files as text: decoded as Python decodes them (byte order mark, coding cookie), and back to the same bytes.

The text keeps the mark as its first character, so that text and bytes determine each other; `unmarked` is what editors
show. Bytes that do not fit the file's encoding become surrogates.
"""

import contextlib
import io
import tokenize
from functools import cache

MARK = "\ufeff"


def decoded(data: bytes) -> str:
    """The text of a source file. `encoded` of it is `data` again, whatever the bytes are."""
    codec = _codec(data)
    try:
        text = data.decode(codec)
    except UnicodeError:
        return _undecodable(data, codec)
    return text if codec == "utf-8" or encoded(text) == data else _undecodable(data, codec)


def encoded(text: str) -> bytes:
    """The bytes of a source file with this text, in the encoding that its first two lines state, else UTF-8."""
    head = "\n".join(text.split("\n", 2)[:2]).encode("ascii", "replace")
    codec = "utf-8" if text.startswith(MARK) else _codec(head)
    for way in (
        (codec, "strict"),
        ("utf-8", "surrogateescape"),
    ):  # bytes that did not fit, characters of a patch
        with contextlib.suppress(UnicodeError):
            return text.encode(*way)
    return text.encode("utf-8", "surrogatepass")  # halves of pairs, which an editor can send


def unmarked(text: str) -> str:
    """The text without a byte order mark, as editors show it and Python parses it."""
    return text.removeprefix(MARK)


def _undecodable(data: bytes, codec: str) -> str:
    """In a file of UTF-8, each byte that does not fit becomes a surrogate; else each byte above 127 does."""
    return data.decode("utf-8" if codec == "utf-8" else "ascii", "surrogateescape")


def _codec(data: bytes) -> str:
    """The encoding that a file states, as far as it keeps ASCII as it is; UTF-8 where it states none."""
    head = b"\n".join(data[:4096].replace(b"\r", b"\n").split(b"\n", 2)[:2])
    if b"coding" not in head or data.startswith(MARK.encode()):
        return "utf-8"
    plain = bytes(byte if byte < 128 else ord("?") for byte in head)
    try:
        name, _ = tokenize.detect_encoding(io.BytesIO(plain).readline)
    except SyntaxError:  # no such encoding
        return "utf-8"
    return name if _keeps_ascii(name) else "utf-8"


@cache
def _keeps_ascii(codec: str) -> bool:
    plain = bytes(range(128))
    try:
        return plain.decode(codec) == plain.decode("ascii") and plain.decode("ascii").encode(codec) == plain
    except (UnicodeError, LookupError):
        return False
