"""Whatever a patch is, each way to write it is read as the same patch."""

import contextlib
import re

from hypothesis import given, settings
from hypothesis import strategies as st

from evolution.base.errors import EditError
from evolution.domain.edits import apply_edits
from evolution.domain.unified_diffs import unified_diff
from evolution.proposers.coding.formats import as_blocks, edits_of
from evolution.proposers.coding.patching import edits_between
from evolution.proposers.coding.replies import FileEdit

LINE = st.sampled_from(
    [
        "",
        "x = 1",
        "    y = 2",
        "-- z",
        "++ w",
        "@@ a",
        "# ======",
        "```",
        "--- a/m.py",
        "\tt",
        "é",
        "=====",
        "=======",
        "=========",
        "<<<<<<< SEARCH",
        ">>>>>>> REPLACE",
        "  =======",
    ]
)
TEXT = st.lists(LINE, min_size=1, max_size=12).map(
    lambda lines: "a = 0\n" + "".join(f"{line}\n" for line in lines)
)


def replies(edits):
    return [FileEdit(path=edit.path, old=edit.old, new=edit.new) for edit in edits]


@settings(max_examples=100, deadline=None)
@given(before=TEXT, after=TEXT)
def test_blocks_say_what_the_edits_say(before, after):
    edits = edits_between({"m.py": before}, {"m.py": after})
    assert tuple(edits_of([], as_blocks(replies(edits)))) == edits


@settings(max_examples=100, deadline=None)
@given(before=TEXT, after=TEXT, counts=st.tuples(*[st.integers(0, 99)] * 4))
def test_a_diff_is_read_whatever_its_headers_count_and_is_applied_or_refused_but_never_wrong(
    before, after, counts
):
    text = unified_diff({"m.py": before}, {"m.py": after})
    garbled = re.sub(r"(?m)^@@ -\d+(,\d+)? \+\d+(,\d+)? @@", "@@ -{},{} +{},{} @@".format(*counts), text)
    if before == after:
        return
    with contextlib.suppress(EditError):  # a hunk that is not unique is said to be so
        assert apply_edits({"m.py": before}, edits_of([], garbled))["m.py"] == after
