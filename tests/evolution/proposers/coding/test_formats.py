"""Every way to write edits gives the same edits; what cannot be read is named."""

import pytest

from evolution.base.errors import EditError
from evolution.domain.edits import Edit, apply_edits
from evolution.proposers.coding.formats import as_blocks, edits_of
from evolution.proposers.coding.replies import FileEdit

FILE = "import torch\n\n\ndef loss(a, b):\n    c = a - b\n    return c.mean()\n"
WANTED = FILE.replace("a - b", "b - a")
BLOCK = """\
Here is the patch.

model.py
```python
<<<<<<< SEARCH
    c = a - b
=======
    c = b - a
>>>>>>> REPLACE
```
Done.
"""
DIFF = """\
--- a/model.py
+++ b/model.py
@@ -4,3 +4,3 @@
 def loss(a, b):
-    c = a - b
+    c = b - a
     return c.mean()
"""


def applied(edits=(), patch="", files=None):
    return apply_edits(files or {"model.py": FILE}, edits_of(list(edits), patch))["model.py"]


def edit(old, new, path="model.py"):
    return FileEdit(path=path, old=old, new=new)


@pytest.mark.parametrize(
    "patch",
    [
        BLOCK,
        BLOCK.replace("model.py\n```python\n", "```python\nmodel.py\n"),
        BLOCK.replace("model.py\n", "**`model.py`**:\n"),
        BLOCK.replace("```python\n", "").replace("```\n", ""),
        DIFF,
        f"```diff\n{DIFF}```\n",
        f"I change the sign.\n\n```diff\ndiff --git a/model.py b/model.py\nindex 1..2 100644\n{DIFF}```\nThat is all.",
    ],
)
def test_blocks_and_diffs_are_read_as_models_write_them(patch):
    assert applied(patch=patch) == WANTED


@pytest.mark.parametrize("header", ["@@ -1,99 +7,1 @@", "@@ @@", "@@ ... @@ def loss", "@@"])
def test_a_diff_that_counts_its_lines_wrong_is_read_all_the_same(header):
    assert applied(patch=DIFF.replace("@@ -4,3 +4,3 @@", header)) == WANTED


def test_a_blank_context_line_that_lost_its_space_is_context():
    diff = "--- a/model.py\n+++ b/model.py\n@@ -1,4 +1,5 @@\n import torch\n+import numpy\n\n\n def loss(a, b):\n"
    assert applied(patch=diff) == FILE.replace("import torch\n", "import torch\nimport numpy\n")


def test_removed_lines_that_look_like_a_header_are_removed_lines():
    files = {"model.py": 'QUERY = """\n-- all\nselect\n"""\n'}
    diff = '--- a/model.py\n+++ b/model.py\n@@ -1,3 +1,2 @@\n QUERY = """\n--- all\n select\n'
    assert applied(patch=diff, files=files) == 'QUERY = """\nselect\n"""\n'


def test_several_blocks_may_share_one_path_and_several_files_one_diff():
    second = "<<<<<<< SEARCH\nimport torch\n=======\nimport torch as t\n>>>>>>> REPLACE\n"
    assert [e.path for e in edits_of([], BLOCK + second)] == ["model.py", "model.py"]
    two = DIFF + "--- /dev/null\n+++ b/new.py\n@@ -0,0 +1,2 @@\n+x = 1\n+y = 2\n"
    assert edits_of([], two)[1] == Edit(path="new.py", old="", new="x = 1\ny = 2")


def test_an_empty_search_writes_a_new_file():
    block = "layers/new.py\n<<<<<<< SEARCH\n=======\nx = 1\n>>>>>>> REPLACE\n"
    assert edits_of([], block) == [Edit(path="layers/new.py", old="", new="x = 1")]


def test_edits_as_data_may_end_with_a_newline_or_not():
    assert applied([edit("    c = a - b\n", "    c = b - a\n")]) == WANTED
    assert applied([edit("    c = a - b", "    c = b - a")]) == WANTED


def test_no_edits_are_no_edits():
    assert edits_of([], " \n") == []


def test_blocks_for_a_reader_can_be_read_back():
    edits = [edit("    c = a - b", "    c = b - a"), edit("", "x = 1", "new.py")]
    assert edits_of([], as_blocks(edits)) == edits_of(edits, "")


@pytest.mark.parametrize(
    ("patch", "said"),
    [
        ("change the sign please", "neither a SEARCH/REPLACE block nor a unified diff"),
        ("<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE", r"block 1 \(line 1 of the patch\) names no file"),
        ("m.py\n<<<<<<< SEARCH\na\n>>>>>>> REPLACE", "block 1 .* has no line ======="),
        ("m.py\n<<<<<<< SEARCH\na\n=======\nb\n", "block 1 .* has no line >>>>>>> REPLACE"),
        (BLOCK + "<<<<<<< SEARCH\na\n=======\na\n>>>>>>> REPLACE", "edit 2 of 2 changes nothing"),
        ("--- a/m.py\n+++ b/m.py\n@@ -1,0 +1,1 @@\n+x = 1\n", "no context"),
        ("diff --git a/m.py b/m.py\ndeleted file mode 100644\n--- a/m.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n", "not delete"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_named(patch, said):
    with pytest.raises(EditError, match=said):
        edits_of([], patch)


def test_copied_line_numbers_are_named_as_such():
    with pytest.raises(EditError, match=r"model\.py: edit 1 of 1: .*line numbers"):
        edits_of([edit(" 5|     c = a - b\n 6|     return c", "x")], "")


def test_an_answer_in_two_ways_at_once_is_refused():
    with pytest.raises(EditError, match="both"):
        edits_of([edit("a", "b")], BLOCK)
