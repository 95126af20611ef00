"""What an editor sends of an edit: the range that was replaced, in the units agreed on. Written apart from the server."""

from lsprotocol import types

UNITS = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}


def position(text: str, offset: int, encoding: str) -> types.Position:
    """offset: not between the CR and LF of one line end."""
    before = text[:offset].replace("\r\n", "\n").replace("\r", "\n")
    codec, size = UNITS[encoding]
    line = before.rpartition("\n")[2]
    return types.Position(line=before.count("\n"), character=len(line.encode(codec)) // size)


def shared(one: str, other: str) -> int:
    """How many first characters are the same."""
    pairs = enumerate(zip(one, other))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))


def typed_change(old: str, new: str, encoding: str) -> types.TextDocumentContentChangePartial:
    """The shortest one range whose replacement turns `old` into `new`."""
    start = shared(old, new)
    while start and "\r" in (old[start - 1], new[start - 1]):
        start -= 1
    tail = shared(old[start:][::-1], new[start:][::-1])
    while tail and (old[-tail] == "\n" or new[-tail] == "\n"):
        tail -= 1
    span = types.Range(start=position(old, start, encoding), end=position(old, len(old) - tail, encoding))
    return types.TextDocumentContentChangePartial(range=span, text=new[start : len(new) - tail])
