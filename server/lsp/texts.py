"""A text after a change of textDocument/didChange, in the client's columns. Pure."""

from lsprotocol import types

from server.lsp.positions import columns, lines_of, offset_of


def changed(text: str, change: types.TextDocumentContentChangeEvent, encoding: str) -> str:
    """The text after one change, which replaces a range or the whole text.

    A place between the two halves of a character beyond the BMP cuts it, as editors that count in UTF-16 do; halves
    that come to stand together are one character again.
    """
    if isinstance(change, types.TextDocumentContentChangeWholeDocument):
        return change.text
    start, end = change.range.start, change.range.end
    if (end.line, end.character) < (start.line, start.character):
        end = start
    before, _ = cut(text, start, encoding)
    _, after = cut(text, end, encoding)
    return joined("".join((before, change.text, after)))


def cut(text: str, position: types.Position, encoding: str) -> tuple[str, str]:
    """The text before and after a position."""
    at = offset_of(text, position, encoding)
    if encoding == "utf-16" and at and text[at - 1] > "\uffff" and _is_within(text, at, position):
        high, low = halves(text[at - 1])
        return text[: at - 1] + high, low + text[at:]
    return text[:at], text[at:]


def _is_within(text: str, at: int, position: types.Position) -> bool:
    """Whether the position is one unit before the offset, to which it was rounded up."""
    if position.line >= len(lines_of(text)):
        return False
    start = max(text.rfind("\n", 0, at), text.rfind("\r", 0, at)) + 1
    return columns(text[start:at], "utf-16") == position.character + 1


def halves(char: str) -> tuple[str, str]:
    """The two surrogates of a character beyond the BMP."""
    both = char.encode("utf-16-le")
    return both[:2].decode("utf-16-le", "surrogatepass"), both[2:].decode("utf-16-le", "surrogatepass")


def joined(text: str) -> str:
    """The text with each pair of surrogates as the character that it stands for."""
    if text.isascii():
        return text
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:  # has surrogates
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    return text


def readable(text: str) -> str:
    """The text with a replacement character, as wide in every encoding, for each half that stands alone."""
    if text.isascii():
        return text
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in text)
    return text
