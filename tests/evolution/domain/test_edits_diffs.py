"""Diffs out and in, judged by git itself."""

import subprocess
from pathlib import Path

import pytest

from evolution.base.errors import EditError
from evolution.domain.edits import Edit, apply_edits
from evolution.domain.unified_diffs import parse_unified_diff, unified_diff

CASES = {
    "changed": ({"a.py": "x\ny\nz\n"}, {"a.py": "x\nw\nz\n"}),
    "final newline added": ({"a.py": "x\ny"}, {"a.py": "x\ny\n"}),
    "final newline dropped": ({"a.py": "x\ny\n"}, {"a.py": "x\ny"}),
    "no final newline on either side": ({"a.py": "x\ny"}, {"a.py": "w\ny"}),
    "crlf": ({"a.py": "x\r\ny\r\n"}, {"a.py": "x\r\nw\r\n"}),
    "unicode line separators": ({"a.py": "x\u2028y\n\x0cz\n"}, {"a.py": "x\u2028y\n\x0cw\n"}),
    "new file in a folder": ({"a.py": "x\n"}, {"a.py": "x\n", "sub/b.py": "new\n"}),
    "name with a space": ({"a b.py": "x\n"}, {"a b.py": "y\n"}),
    "two files": ({"a.py": "x\n", "b.py": "y\n"}, {"a.py": "1\n", "b.py": "2\n"}),
    "far apart": (
        {"a.py": "".join(f"{i}\n" for i in range(60))},
        {"a.py": "".join(f"{i or 'x'}\n" for i in range(59)) + "y\n"},
    ),
}


def write(folder: Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(text.encode())


@pytest.mark.parametrize("name", [*CASES, "empty new file", "deleted file"])
def test_git_applies_our_diffs(name: str, tmp_path: Path):
    special = {
        "empty new file": ({"a.py": "x\n"}, {"a.py": "x\n", "b.py": ""}),
        "deleted file": ({"a.py": "x\n", "b.py": "y\n"}, {"a.py": "x\n"}),
    }
    before, after = (CASES | special)[name]
    write(tmp_path, before)
    diff = unified_diff(before, after)
    command = ["git", "-c", "core.autocrlf=false", "apply", "--whitespace=nowarn", "-"]
    subprocess.run(command, cwd=tmp_path, input=diff.encode(), check=True)
    found = {
        path.relative_to(tmp_path).as_posix(): path.read_bytes().decode() for path in tmp_path.rglob("*.py")
    }
    assert found == after


@pytest.mark.parametrize("name", CASES)
def test_a_diff_read_back_leads_to_the_same_files(name: str):
    before, after = CASES[name]
    assert apply_edits(before, parse_unified_diff(unified_diff(before, after))) == after


def test_equal_files_have_no_diff():
    assert unified_diff({"a.py": "x\n"}, {"a.py": "x\n"}) == ""


def test_a_hunk_without_context_is_refused():
    with pytest.raises(EditError, match="context"):
        parse_unified_diff("--- a/m.py\n+++ b/m.py\n@@ -1,0 +2,1 @@\n+x\n")


def test_deleting_a_file_by_diff_is_refused():
    with pytest.raises(EditError, match="not delete"):
        parse_unified_diff(unified_diff({"m.py": "x\n"}, {}))


def test_a_malformed_diff_is_refused():
    with pytest.raises(EditError, match="no unified diff"):
        parse_unified_diff("--- a/m.py\n+++ b/m.py\n@@ -1,2 +1,2 @@\n x\n")


def test_a_diffs_edit_keeps_its_context():
    diff = unified_diff({"m.py": "a\nb\nc\n"}, {"m.py": "a\nB\nc\n"})
    assert parse_unified_diff(diff) == [Edit(path="m.py", old="a\nb\nc", new="a\nB\nc")]
