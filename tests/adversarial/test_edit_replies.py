"""Replies of models in every state that was seen in public: each is applied exactly as it was meant, or not at all."""

import contextlib

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from evolution.base.errors import EditError
from evolution.base.plain_text import OBEYED
from evolution.domain.edits import Edit, apply_edits
from evolution.domain.unified_diffs import parse_unified_diff
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


GIT = "diff --git a/model.py b/model.py\n"
LINK = "diff --git a/l.py b/l.py\nnew file mode 120000\n--- /dev/null\n+++ b/l.py\n@@ -0,0 +1 @@\n+model.py\n"
MODULE = "diff --git a/m b/m\nnew file mode 160000\n--- /dev/null\n+++ b/m\n@@ -0,0 +1 @@\n+Subproject commit 1234\n"
BINARY = "diff --git a/t.npy b/t.npy\nindex 1..2 100644\nGIT binary patch\nliteral 3\nKcmZQ%00\n"
NO_PATCH = {
    "a link": (LINK, "line 5 of the diff, 'new file mode 120000', makes or changes a symbolic link"),
    "a link beside an edit": (GIT + DIFF + LINK, "symbolic link"),
    "a link that is changed": (LINK.replace("new file mode", "index 12..34"), "symbolic link"),
    "a file that becomes a link": (GIT + "old mode 100644\nnew mode 120000\n" + DIFF, "changes the mode|symbolic link"),
    "a submodule": (MODULE, "submodule"),
    "a submodule that is changed": (MODULE.replace("new file mode", "index 12..34"), "submodule"),
    "a mode beside a change": (GIT + "old mode 100644\nnew mode 100755\n" + DIFF, "changes the mode"),
    "a mode alone": (GIT + "old mode 100644\nnew mode 100755\n", "changes the mode"),
    "an executable file": (LINK.replace("120000", "100755"), "not plain; expected mode 100644"),
    "a binary file": (BINARY, "line 6 of the diff, 'GIT binary patch', changes a binary file"),
    "a binary file beside an edit": (GIT + DIFF + BINARY, "changes a binary file"),
    "binary files that differ": (GIT + DIFF + "Binary files a/t.npy and b/t.npy differ\n", "changes a binary file"),
    "a file on one side": ("Only in sub: x.py\n" + DIFF, "on one side only"),
    "a copy": (GIT + "similarity index 90%\ncopy from model.py\ncopy to n.py\n" + DIFF, "copies a file"),
    "a deletion": (GIT + "deleted file mode 100644\n--- a/model.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n", "not delete"),
    "a header alone": (GIT, "line 4 of the diff, 'diff --git a/model.py b/model.py', names a file, and no hunk"),
    "names alone": ("--- a/model.py\n+++ b/model.py\n", "line 4 of the diff, '--- a/model.py', names a file, and no hunk"),
    "a header before an edit": ("diff --git a/sub/model.py b/sub/model.py\n" + GIT + DIFF, "line 4 .* no hunk"),
    "a header after an edit": (GIT + DIFF + "diff --git a/sub/model.py b/sub/model.py\n", "line 11 .* no hunk"),
    "an empty new file": ("diff --git a/n.py b/n.py\nnew file mode 100644\nindex 0..e69de29\n", "no hunk"),
    "a merge": ("diff --cc model.py\n--- a/model.py\n+++ b/model.py\n@@@ -1,1 -1,1 +1,2 @@@\n  x\n++y\n", "belongs to a merge"),
    "an older form of diff": ("*** a/model.py\n--- b/model.py\n***************\n*** 9 ****\n! x\n--- 9 ----\n! y\n", "no hunk"),
}  # fmt: skip


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize("name", NO_PATCH)
def test_a_diff_that_asks_for_more_than_changed_lines_is_refused_whole(name: str, ends: str):
    patch, said = NO_PATCH[name]
    with pytest.raises(EditError, match=said):
        applied(f"Here it is:\n\n```diff\n{patch}```\n".replace("\n", ends))
    with pytest.raises(EditError):
        parse_unified_diff(patch)


def test_a_diff_of_an_executable_file_that_keeps_its_mode_is_applied():
    assert applied(GIT + "index 12..34 100755\n" + DIFF) == {**FILES, "model.py": WANTED}


def test_lines_like_a_header_inside_a_hunk_are_lines_of_the_file():
    text = "new file mode 120000\nGIT binary patch\n"
    new = f"diff --git a/n.py b/n.py\nnew file mode 100644\n--- /dev/null\n+++ b/n.py\n@@ -0,0 +1,2 @@\n+{text[:-1].replace(chr(10), chr(10) + '+')}\n"
    assert applied(new)["n.py"] == text


NAMES = {
    "of 5,000 characters": ("x" * 5000 + ".py", "name of 5,003 bytes, expected at most 255"),
    "of 90 characters of three bytes": ("\u4e2d" * 90 + ".py", "name of 273 bytes"),
    "of 600 folders": ("a/" * 600 + "x.py", "path of 1,204 bytes, expected at most 1,000"),
    "with half a character": ("model\ud800.py", "no plain path"),
    "with NUL": ("model\x00.py", "no plain path"),
    "with an escape": ("model\x1b[2J.py", "no plain path"),
    "with C1": ("model\x9b31m.py", "no plain path"),
    "with a tab": ("model\t.py", "no plain path"),
    "that ends with a separator": ("model.py\x1f", "no plain path"),
    "with DEL": ("model\x7f.py", "no plain path"),
    "read backwards": ("model\u202eyp.py", "no plain path"),
    "with an invisible blank": ("model\u200b.py", "no plain path"),
    "with a joiner in our folder's": (".evolv\u200derec/x.py", "no plain path"),
    "with a line separator": ("model\u2028.py", "no plain path"),
    "with a line end": ("model\n.py", "no plain path"),
}


@pytest.mark.parametrize("old", ["", OLD])
@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_no_file_of_a_repo_has_is_refused_in_plain_words(name: str, old: str):
    path, said = NAMES[name]
    with pytest.raises(EditError, match=said) as caught:
        applied("", FileEdit(path=path, old=old, new=NEW))
    assert OBEYED.search(str(caught.value)) is None and len(str(caught.value)) < 300
    for reply in (block(f"`{path}`", old, NEW), f"--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+x = 1\n"):
        if "\n" not in path and "\t" not in path:  # which end the name in these forms
            with pytest.raises(EditError):
                applied(reply)


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
