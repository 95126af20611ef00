"""A text after edits in UTF-16, as an editor that counts in it has it."""

from hypothesis import example, given
from hypothesis import strategies as st
from lsprotocol import types

from server.lsp.texts import changed, joined, readable

PIECES = st.lists(
    st.sampled_from(("a", "é", "😀", "\n", "\r\n", "\ud83d", "\ude00", "\x0c")), max_size=6
).map("".join)


def units(text: str) -> bytes:
    return text.encode("utf-16-le", "surrogatepass")


def offset(text: bytes, line: int, column: int) -> int:
    """In bytes of UTF-16, with places clamped as LSP says: the editor's own arithmetic."""
    rows = text.decode("utf-16-le", "surrogatepass")
    starts = [0]
    at = 0
    while at < len(rows):
        width = 2 if rows[at : at + 2] == "\r\n" else 1 if rows[at] in "\r\n" else 0
        if width:
            starts.append(at + width)
        at += width or 1
    if line >= len(starts):
        return len(text)
    start = starts[line]
    end = next((at for at in range(start, len(rows)) if rows[at] in "\r\n"), len(rows))
    return len(units(rows[:start])) + min(2 * column, len(units(rows[start:end])))


@given(PIECES, st.lists(st.tuples(*[st.integers(0, 3)] * 4, PIECES), max_size=4))
@example("😀", [(0, 1, 0, 1, "\n"), (0, 1, 1, 0, "")])
def test_edits_also_between_the_halves_of_a_character_give_the_editors_text(text, edits):
    text = joined(text)
    held = units(text)
    for line, column, last, until, new in edits:
        start = offset(held, line, column)
        end = max(start, offset(held, last, until))
        held = held[:start] + units(new) + held[end:]
        span = types.Range(types.Position(line, column), types.Position(last, until))
        text = changed(text, types.TextDocumentContentChangePartial(range=span, text=new), "utf-16")
        assert units(text) == held


@given(PIECES)
def test_what_is_read_of_a_text_can_be_encoded_and_is_as_wide(text):
    shown = readable(joined(text))
    assert len(shown.encode("utf-16-le")) == len(units(text))
    assert len(shown.encode()) == len(joined(text).encode("utf-8", "surrogatepass"))
