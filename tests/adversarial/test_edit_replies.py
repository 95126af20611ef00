"""Replies of models in every state that was seen in public: each is applied exactly as it was meant, or not at all."""

import contextlib

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from evolution.base.errors import EditError
from evolution.domain.edits import Edit, apply_edits
from evolution.proposers.coding.formats import edits_of
from evolution.proposers.coding.replies import FileEdit

MODEL = '"""Scores\n======\nNotes\n-----\n"""\n\n\ndef loss(a, b):\n    c = a - b\n    return c\n'
FILES = {"model.py": MODEL, "a b.py": "x = 1\n", "sub/model.py": "y = 1\n"}
OLD, NEW = "    c = a - b", "    c = b - a"
WANTED = MODEL.replace(OLD, NEW)
DIFF = "--- a/model.py\n+++ b/model.py\n@@ -9,2 +9,2 @@\n-    c = a - b\n+    c = b - a\n     return c\n"


def block(path: str, old: str, new: str, length: int = 7) -> str:
    marks = ("<" * length + " SEARCH", "=" * length, ">" * length + " REPLACE")
    return f"{path}\n{marks[0]}\n{old}\n{marks[1]}\n{new}\n{marks[2]}\n"


def applied(patch: str = "", *edits: FileEdit) -> dict[str, str]:
    return apply_edits(FILES, edits_of(list(edits), patch))


BLOCK = block("model.py", OLD, NEW)
MEANT = {
    "crlf block": BLOCK.replace("\n", "\r\n"),
    "crlf diff": DIFF.replace("\n", "\r\n"),
    "crlf diff in a fence": f"```diff\n{DIFF}```\n".replace("\n", "\r\n"),
    "long marks": block("model.py", OLD, NEW, 11),
    "lower case": BLOCK.replace("SEARCH", "search").replace("REPLACE", "replace"),
    "labelled path": BLOCK.replace("model.py", "File: model.py", 1),
    "path in a sentence": BLOCK.replace("model.py", "In `model.py`:", 1),
    "dot slash": BLOCK.replace("model.py", "./model.py", 1),
    "byte order mark": "\ufeff" + BLOCK,
    "wrong counts": DIFF.replace("-9,2 +9,2", "-1,70 +3,1"),
    "tab after the name": DIFF.replace("a/model.py", "a/model.py\t2026-01-01"),
}


@pytest.mark.parametrize("name", MEANT)
def test_a_reply_that_can_only_mean_one_thing_is_applied(name: str):
    assert applied(MEANT[name]) == {**FILES, "model.py": WANTED}


def test_an_underlined_heading_is_no_divider():
    heading = block("model.py", '"""Scores\n======\nNotes', '"""Marks\n=====\nNotes')
    assert applied(heading)["model.py"] == MODEL.replace("Scores\n======", "Marks\n=====")


def test_edits_as_data_with_crlf_match_and_the_file_keeps_its_endings():
    edit = FileEdit(path="model.py", old=f"{OLD}\r\n    return c\r\n", new=f"{NEW}\r\n    return c\r\n")
    assert applied("", edit)["model.py"] == WANTED
    windows = {"model.py": MODEL.replace("\n", "\r\n")}
    for reply in ([edit], ""), ([], DIFF), ([], BLOCK):
        assert apply_edits(windows, edits_of(*reply)) == {"model.py": WANTED.replace("\n", "\r\n")}


def test_a_new_file_has_plain_endings():
    assert applied("", FileEdit(path="n.py", old="", new="x = 1\r\ny = 2\r\n"))["n.py"] == "x = 1\ny = 2\n"


def test_a_name_with_blanks_stands_in_backticks():
    assert applied(block("`a b.py`", "x = 1", "x = 2"))["a b.py"] == "x = 2\n"


UNDERLINE = '"""\nTitle\n=======\n"""'
REFUSED = {
    "two dividers": (block("model.py", OLD, UNDERLINE), "each of the lines 4, 7; .* with 9 characters"),
    "divider of another length": (BLOCK.replace("=======", "====="), r"no line ======= .*\(line 4 has 5\)"),
    "longer end": (BLOCK.replace(">>>>>>>", ">>>>>>>>>"), "7 characters, and line 6 has one of 9"),
    "shorter end": (BLOCK.replace(">>>>>>>", ">>>>>"), "no line >>>>>>> REPLACE"),
    "indented": (BLOCK.replace("<<<<", "  <<<<").replace("====", "  ====").replace(">>>>", "  >>>>"), "beginning of a line"),
    "second block indented": (BLOCK + "  <<<<<<< SEARCH\n", "looks like a mark"),
    "second block of a merge": (BLOCK + "<<<<<<< HEAD\nx\n=======\ny\n>>>>>>> theirs\n", "looks like a mark"),
    "an end too many": (BLOCK + ">>>>>>> REPLACE\n", "looks like a mark"),
    "cut off": (BLOCK[:-20], "no line >>>>>>> REPLACE"),
    "blanks in a bare path": (BLOCK + block("a b.py", OLD, NEW), "in `backticks`"),
    "path among words": (BLOCK + block("Now the same in sub/model.py please", OLD, NEW), "is no path"),
    "diff beside blocks": (BLOCK + DIFF, "expected one of them"),
    "lines after the fence": (f"```diff\n{DIFF}```\n+    d = 1\n", "outside of any hunk"),
    "absolute": (block("/repo/model.py", OLD, NEW), "no plain path"),
    "upwards": (block("sub/../model.py", OLD, NEW), "no plain path"),
    "other case": (block("Model.py", OLD, NEW), "does not exist"),
    "new in other case": (block("Model.py", "", "x = 1"), "take for the same file"),
    "new below a file": (block("model.py/x.py", "", "x = 1"), "a file and a folder at once"),
    "our own file": (block("sub/EVOLVEREC.toml", "", "x = 1"), "may not change this file"),
    "trailing blanks": (block("model.py", f"{OLD}  ", NEW), "are not in the file"),
    "overlapping": (BLOCK + block("model.py", f"{OLD}\n    return c", NEW), "two edits change this line"),
    "whole file": (f"model.py\n```python\n{WANTED}```\n", "neither a SEARCH/REPLACE block"),
    "another tool's patch": ("*** Begin Patch\n*** Update File: model.py\n@@\n-    c = a - b\n+    c = b - a\n*** End Patch", "no unified diff"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_reply_that_could_mean_more_than_one_thing_is_refused_by_name(name: str):
    patch, said = REFUSED[name]
    with pytest.raises(EditError, match=said):
        applied(patch)


@pytest.mark.parametrize("text", ["x = 1\x00", "x = '\ud800'"])
def test_characters_that_no_file_holds_are_refused(text: str):
    with pytest.raises(EditError, match="no source file holds"):
        applied("", FileEdit(path="n.py", old="", new=text))


LINE = st.sampled_from(
    ["", "x = 1", "    y = 2", "=====", "======", "=======", "========", "<<<<<<< SEARCH", ">>>>>>> REPLACE", "```", "@@", "+z"]
)  # fmt: skip
LINES = st.lists(LINE, min_size=1, max_size=6)


@settings(max_examples=500, deadline=None, derandomize=True, database=None)
@given(before=LINES, old=LINES, new=LINES, length=st.integers(5, 9), crlf=st.booleans())
@example(before=["Title", "====="], old=["Title", "====="], new=["x = 1"], length=5, crlf=False)
def test_a_block_of_any_lines_says_what_it_was_written_for_or_is_refused(before, old, new, length, crlf):
    """A reader who knows what was meant sees it applied, or sees an error; never another file.

    Lines that end one block and begin the next with marks of the same length are two blocks to every reader.
    """
    marks = {">" * length + " REPLACE", "<" * length + " SEARCH"}
    assume(not marks <= {*old, *new})
    text = "\n".join(["first = 0", *before, "start = 1", *old, "end = 2", ""])
    lines, instead = ["start = 1", *old, "end = 2"], ["start = 1", *new, "end = 2"]
    reply = block("m.py", "\n".join(lines), "\n".join(instead), length)
    meant = text.replace("\n".join(lines), "\n".join(instead))
    with contextlib.suppress(EditError):
        read = edits_of([], reply.replace("\n", "\r\n") if crlf else reply)
        assert read == [Edit(path="m.py", old="\n".join(lines), new="\n".join(instead))]
        assert apply_edits({"m.py": text}, read) == {"m.py": meant}
