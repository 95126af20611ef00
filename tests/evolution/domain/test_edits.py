import pytest

from evolution.base.errors import EditError
from evolution.domain.edits import Edit, apply_edits, make_edits

MODEL = (
    "import torch\n\n\ndef loss(a, b):\n    c = a - b\n    return c.mean()\n\n\ndef other(a):\n    return a\n"
)


def edit(old: str, new: str, path: str = "model.py") -> Edit:
    return Edit(path=path, old=old, new=new)


def test_an_edit_replaces_whole_lines_and_leaves_the_rest():
    after = apply_edits({"model.py": MODEL, "b.py": "x\n"}, [edit("    c = a - b", "    c = b - a")])
    assert after == {"model.py": MODEL.replace("a - b", "b - a"), "b.py": "x\n"}


def test_an_empty_new_deletes_the_lines():
    assert apply_edits({"m.py": "a\nb\nc\n"}, [edit("b", "", "m.py")]) == {"m.py": "a\nc\n"}


def test_part_of_a_line_is_no_match_and_the_nearest_line_is_named():
    with pytest.raises(
        EditError, match=r"model\.py:5: .*line 5 is '    c = a - b' and the edit expects 'c = a - b'"
    ):
        apply_edits({"model.py": MODEL}, [edit("c = a - b", "c = b - a")])


def test_a_line_that_was_changed_since_is_shown_as_it_is_now():
    old = "def loss(a, b):\n    c = a + b\n    return c.mean()"
    with pytest.raises(
        EditError, match=r"lines 4-6, where line 5 is '    c = a - b' and the edit expects '    c = a \+ b'"
    ):
        apply_edits({"model.py": MODEL}, [edit(old, "pass")])


def test_an_ambiguous_edit_names_its_lines():
    with pytest.raises(EditError, match=r"occur 2 times \(at lines 1, 3\)"):
        apply_edits({"m.py": "x\ny\nx\n"}, [edit("x", "z", "m.py")])


def test_one_wrong_edit_stops_all():
    files = {"model.py": MODEL}
    with pytest.raises(EditError):
        apply_edits(files, [edit("    c = a - b", "    c = b - a"), edit("nowhere", "x")])
    assert files == {"model.py": MODEL}


def test_edits_match_the_text_as_given_in_any_order():
    edits = [edit("a", "b\nx", "m.py"), edit("b", "a", "m.py")]
    expected = {"m.py": "b\nx\na\n"}
    assert apply_edits({"m.py": "a\nb\n"}, edits) == expected
    assert apply_edits({"m.py": "a\nb\n"}, edits[::-1]) == expected


def test_overlapping_edits_are_refused():
    with pytest.raises(EditError, match=r"m\.py:2: two edits"):
        apply_edits({"m.py": "a\nb\nc\n"}, [edit("a\nb", "x", "m.py"), edit("b\nc", "y", "m.py")])


def test_an_edit_that_changes_nothing_is_an_error():
    with pytest.raises(EditError, match="changes nothing"):
        apply_edits({"model.py": MODEL}, [edit("    c = a - b", "    c = a - b")])


def test_a_new_file_ends_with_a_newline():
    assert apply_edits({}, [edit("", "x = 1", "new/file.py")]) == {"new/file.py": "x = 1\n"}


def test_an_existing_file_is_not_overwritten_as_if_new():
    with pytest.raises(EditError, match="exists already"):
        apply_edits({"model.py": MODEL}, [edit("", "x = 1")])


def test_a_missing_file_is_named():
    with pytest.raises(EditError, match=r"gone\.py: does not exist"):
        apply_edits({"model.py": MODEL}, [edit("x", "y", "gone.py")])


def test_crlf_files_are_edited_with_plain_newlines_and_keep_crlf():
    after = apply_edits({"m.py": "a\r\nb\r\nc"}, [edit("a\nb", "x\ny\nz", "m.py")])
    assert after == {"m.py": "x\r\ny\r\nz\r\nc"}


@pytest.mark.parametrize(
    "path",
    [
        "../x.py",
        "/etc/x.py",
        "a/../x.py",
        "./x.py",
        "a//x.py",
        "C:/x.py",
        "a\\x.py",
        "",
        ".git/hooks/x.py",
        "x\n.py",
    ],
)
def test_paths_that_leave_the_repo_or_enter_git_are_refused(path: str):
    with pytest.raises(EditError):
        apply_edits({}, [edit("", "x", path)], editable=["*", "**"])


def test_the_repos_own_configuration_is_never_editable():
    with pytest.raises(EditError, match="may not change"):
        apply_edits({"evolverec.toml": "a\n"}, [edit("a", "b", "evolverec.toml")], editable=["*"])


@pytest.mark.parametrize(
    ("pattern", "path", "allowed"),
    [
        ("*.py", "model.py", True),
        ("*.py", "models/deep/encoder.py", True),
        ("*.py", "notes.md", False),
        ("models/*.py", "models/encoder.py", True),
        ("models/*.py", "models/deep/encoder.py", False),
        ("models/**/*.py", "models/encoder.py", True),
        ("models/**/*.py", "models/a/b/encoder.py", True),
        ("models/**", "train.py", False),
        ("m?del.py", "model.py", True),
    ],
)
def test_editable_patterns(pattern: str, path: str, allowed: bool):
    if allowed:
        assert path in apply_edits({}, [edit("", "x", path)], editable=[pattern])
    else:
        with pytest.raises(EditError, match="may not be edited"):
            apply_edits({}, [edit("", "x", path)], editable=[pattern])


def test_made_edits_are_minimal_with_context_only_where_needed():
    assert make_edits("model.py", MODEL, MODEL.replace("a - b", "b - a")) == [
        edit("    c = a - b", "    c = b - a")
    ]


def test_made_edits_take_context_where_a_line_is_not_unique():
    before = "def f():\n    return 1\n\n\ndef g():\n    return 1\n"
    (made,) = make_edits("m.py", before, "def f():\n    return 1\n\n\ndef g():\n    return 2\n")
    assert made == edit("def g():\n    return 1", "def g():\n    return 2", "m.py")


def test_an_insertion_leans_on_a_unique_neighbour():
    (made,) = make_edits("m.py", "a\nb\nc\n", "a\nx\nb\nc\n")
    assert made == edit("a", "a\nx", "m.py")
