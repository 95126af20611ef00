"""Edits under arbitrary texts: unicode, mixed endings, blank lines, no final newline."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evolution.base.errors import EditError
from evolution.domain.edits import BOM, Edit, apply_edits, make_edits

pytestmark = pytest.mark.slow

LINES = st.one_of(
    st.sampled_from(["", "a", "b", " a", "\x0c", "\u2028x", "a\r", "\ufeffa"]), st.text(max_size=8)
).map(lambda line: line.replace("\n", ""))
TEXTS = st.lists(LINES, max_size=12).map("\n".join)
CRLF_TEXTS = st.lists(LINES.map(lambda line: line.replace("\r", "")), min_size=2, max_size=12).map(
    "\r\n".join
)


@given(before=TEXTS.filter(bool), after=TEXTS)
@settings(max_examples=150, deadline=None)
def test_made_edits_lead_exactly_to_the_text_they_were_made_for(before: str, after: str):
    edits = make_edits("m.py", before, after)
    mark = BOM if before.startswith(BOM) else ""
    expected = after.removeprefix(mark)
    if is_crlf(before):
        expected = expected.replace("\r\n", "\n").replace("\n", "\r\n")
    assert apply_edits({"m.py": before}, edits) == {"m.py": mark + expected}


@given(
    endings=st.lists(st.sampled_from(["\n", "\r\n"]), min_size=2, max_size=8),
    between=st.sampled_from(["\n", "\r\n"]),
    data=st.data(),
)
@settings(max_examples=100, deadline=None)
def test_an_edit_matches_whatever_the_endings_and_kept_lines_keep_theirs(
    endings: list[str], between: str, data: st.DataObject
):
    text = BOM + "".join(f"line {row}{ending}" for row, ending in enumerate(endings))
    start = data.draw(st.integers(0, len(endings) - 2))
    old = [f"line {start}", f"line {start + 1}"]
    written = Edit(path="m.py", old=between.join(old), new=between.join([old[0], "new", old[1]]))
    after = apply_edits({"m.py": text}, [written])["m.py"]
    assert f"line {start}{endings[start]}new" in after
    assert after.replace("new\r\n", "").replace("new\n", "") == text


@given(before=CRLF_TEXTS, after=CRLF_TEXTS)
@settings(max_examples=80, deadline=None)
def test_crlf_comes_back_exactly(before: str, after: str):
    mark = BOM if before.startswith(BOM) else ""
    expected = mark + after.removeprefix(mark)
    assert apply_edits({"m.py": before}, make_edits("m.py", before, after)) == {"m.py": expected}


@given(after=TEXTS)
@settings(deadline=None)
def test_a_new_file_is_written_whole(after: str):
    text = after + "\n" if after else ""
    edits = make_edits("m.py", "", text)
    assert apply_edits({}, edits).get("m.py", "") == text


@given(
    files=st.dictionaries(st.sampled_from(["m.py", "n.py"]), TEXTS, min_size=1),
    edits=st.lists(
        st.builds(Edit, path=st.sampled_from(["m.py", "n.py", "o.py"]), old=TEXTS, new=TEXTS), max_size=4
    ),
)
@settings(max_examples=150, deadline=None)
def test_random_edits_apply_wholly_or_not_at_all(files: dict[str, str], edits: list[Edit]):
    before = dict(files)
    try:
        after = apply_edits(files, edits)
    except EditError:
        assert files == before
        return
    touched = {edit.path for edit in edits}
    assert all(after.get(path) != before.get(path) for path in touched)
    assert all(after[path] == before[path] for path in set(before) - touched)


@given(before=TEXTS.filter(bool), after=TEXTS.filter(bool))
@settings(max_examples=80, deadline=None)
def test_a_patch_with_one_spoiled_edit_changes_nothing(before: str, after: str):
    edits = make_edits("m.py", before, after)
    spoiled = [*edits, Edit(path="m.py", old=before + "\nnot there", new="x")]
    with pytest.raises(EditError):
        apply_edits({"m.py": before}, spoiled)


def is_crlf(text: str) -> bool:
    return 0 < text.count("\n") == text.count("\r\n")
