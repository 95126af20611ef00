"""Columns in the client's units, lines as LSP counts them, and text that moved since it was measured."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol import types
from pytest_lsp import client_capabilities

from diagnosis.findings import Role
from server.lsp.marks import placer_of
from server.lsp.positions import code_range, columns, lines_of, lines_range
from server.lsp.protocol import changed
from tests.server.typed import UNITS, typed_change

TEXTS = st.text(st.sampled_from("aé😀 \t\f\u2028\r\n"), max_size=40)


@given(TEXTS)
def test_lines_end_only_where_lsp_ends_them(text):
    lines = lines_of(text)
    assert len(lines) == 1 + text.count("\n") + text.count("\r") - text.count("\r\n")


@given(TEXTS, st.lists(TEXTS, min_size=1, max_size=4), st.sampled_from(sorted(UNITS)))
def test_text_typed_range_by_range_is_the_editors(start, versions, encoding):
    text = start
    for old, new in itertools.pairwise([start, *versions]):
        text = changed(text, typed_change(old, new, encoding), encoding)
        assert text == new


def test_a_range_beyond_the_text_is_drawn_to_its_end():
    def span(*places):
        start, end = (types.Position(line=line, character=column) for line, column in places)
        return types.TextDocumentContentChangePartial(range=types.Range(start=start, end=end), text="!")

    assert changed("a\r\nb", span((0, 7), (0, 9)), "utf-16") == "a!\r\nb"
    assert changed("a\nb", span((1, 0), (9, 0)), "utf-16") == "a\n!"
    assert changed("a\nb", span((0, 1), (0, 0)), "utf-16") == "a!\nb"


@given(TEXTS.filter(lambda text: "\n" not in text and "\r" not in text))
def test_columns_are_the_length_in_the_encoding(text):
    assert columns(text, "utf-8") == len(text.encode())
    assert columns(text, "utf-16") == len(text.encode("utf-16-le")) // 2
    assert columns(text, "utf-32") == len(text)


def test_a_whole_last_line_without_line_end_reaches_to_its_last_column():
    assert lines_range(("a", "b😀"), 1, 2, "utf-16").end == types.Position(line=1, character=3)
    assert lines_range(("a", ""), 0, 1, "utf-16").end == types.Position(line=1, character=0)


def test_lines_beyond_the_text_are_drawn_at_its_end():
    assert code_range(("x",), 7, 9, "utf-16").start.line == 0


@pytest.mark.parametrize(("encoding", "end"), [("utf-8", 71), ("utf-16", 69), ("utf-32", 68)])
async def test_diagnostics_count_in_the_units_agreed_on(connect, records, sample, encoding, end):
    capabilities = client_capabilities("visual-studio-code")
    capabilities.general = types.GeneralClientCapabilities(position_encodings=[encoding])
    records.trial()
    records.feedback(records.finding())
    editor = await connect(capabilities)
    uri = editor.open("model.py")
    (shown,) = await editor.wait(lambda: editor.shown(uri))
    assert shown.range.end == types.Position(line=sample.table, character=end)


async def test_files_with_crlf_are_marked_and_patched_in_their_own_line_ends(connect, records, sample):
    model = records.repo / "model.py"
    model.write_bytes(sample.model.replace("\n", "\r\n").encode())
    records.trial()
    records.feedback(records.finding())
    records.proposal("p1", sample.patched.replace("\n", "\r\n"))
    editor = await connect("emacs")
    uri = editor.open("model.py")
    (shown,) = await editor.wait(lambda: editor.shown(uri))
    assert shown.range.start.line == sample.table
    fix = (await editor.actions(uri, sample.table, only=["quickfix"]))[0]
    (document,) = fix.edit.document_changes
    assert [edit.new_text[-2:] for edit in document.edits] == ["\r\n"]
    # an editor that shows plain line feeds for such a file has not changed it
    editor.change(uri, sample.model)
    titles = [lens.command.title for lens in await editor.lenses(uri)]
    assert "earlier version" not in titles[0]


class TestPlacing:
    def anchor(self, records, sample):
        return records.anchor("model.py", sample.table, Role.ITEM_TABLE)

    def sources(self, anchor, sample):
        return {anchor.blob: sample.model}

    def test_lines_put_above_move_it(self, records, sample):
        anchor = self.anchor(records, sample)
        moved = placer_of("import os\n\n" + sample.model).place(anchor, self.sources(anchor, sample))
        assert moved == (sample.table + 2, sample.table + 2, False)

    def test_an_edit_of_its_line_makes_it_stale(self, records, sample):
        anchor = self.anchor(records, sample)
        placed = placer_of(sample.patched).place(anchor, self.sources(anchor, sample))
        assert placed == (sample.table, sample.table, True)

    def test_a_deleted_line_takes_it_away(self, records, sample):
        anchor = self.anchor(records, sample)
        text = sample.model.replace(anchor.text + "\n", "")
        assert placer_of(text).place(anchor, self.sources(anchor, sample)) is None

    def test_without_the_measured_file_only_exact_unique_lines_are_believed(self, records, sample):
        anchor = self.anchor(records, sample)
        assert placer_of(sample.model).place(anchor, {}) == (sample.table, sample.table, False)
        assert placer_of(sample.patched).place(anchor, {}) is None
        assert placer_of(f"{anchor.text}\n{anchor.text}\n").place(anchor, {}) is None


def edited(text, edits, encoding):
    """The text as an editor has it after the edits, whose columns count in `encoding`."""
    ends = text.replace("\r\n", "\n").split("\n")
    newline = "\r\n" if "\r\n" in text else "\n"
    size = {"utf-8": 1, "utf-16": 2, "utf-32": 4}[encoding]
    codec = {"utf-8": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}[encoding]

    def split(line, column):
        units = line.encode(codec)
        assert column * size <= len(units)
        return units[: column * size].decode(codec), units[column * size :].decode(codec)

    for change in sorted(edits, key=lambda found: -found.range.start.line):
        start, end = change.range.start, change.range.end
        before, after = split(ends[start.line], start.character)[0], split(ends[end.line], end.character)[1]
        ends[start.line : end.line + 1] = (before + change.new_text.replace("\r\n", "\n") + after).split("\n")
    return newline.join(ends)


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
async def test_a_patch_of_the_last_line_of_a_file_without_a_line_end_replaces_all_of_it(
    connect, records, sample, encoding, newline
):
    text = (sample.model + 'LABELS = "aé😀"  # 😀😀').replace("\n", newline)
    patched = (sample.patched + 'LABELS = "bé"  # 😀').replace("\n", newline)
    (records.repo / "model.py").write_bytes(text.encode())
    records.trial()
    records.feedback(records.finding())
    records.proposal("p1", patched)
    capabilities = client_capabilities("emacs")
    capabilities.general = types.GeneralClientCapabilities(position_encodings=[encoding])
    editor = await connect(capabilities)
    uri = editor.open("model.py")
    await editor.wait(lambda: editor.shown(uri))
    (document,) = (await editor.actions(uri, sample.table, only=["quickfix"]))[0].edit.document_changes
    assert edited(text, document.edits, encoding) == patched
    said = await editor.hover(uri, sample.table)
    assert said.range.end.character == len(
        "        self.items = torch.nn.Embedding(n_items + 1, dim)  # "
    ) + ({"utf-8": 4, "utf-16": 2, "utf-32": 1}[encoding] + len(" table"))
