"""Anchors are found again after edits, and say honestly when they are not."""

import subprocess
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.anchors import Fate, blob_hash, make_anchor, relocate
from diagnosis.findings import Anchor, Role, Site
from diagnosis.linemap import moved_lines

OLD = "import torch\n\n\ndef make(n):\n    table = Embedding(\n        n, 64\n    )\n    return table\n"


def anchor_of(start: int, end: int, text: str = OLD) -> Anchor:
    return make_anchor(Site(role=Role.ITEM_TABLE, path="m.py", start_line=start, end_line=end), text)


def moved(new: str, start: int = 5, end: int = 7) -> tuple[Fate, int, int]:
    found = relocate(anchor_of(start, end), moved_lines(OLD.split("\n"), new.split("\n")))
    return found.fate, found.start_line, found.end_line


def test_the_anchor_holds_the_lines_and_gits_hash(tmp_path) -> None:
    anchor = anchor_of(5, 7)
    assert anchor.text == "    table = Embedding(\n        n, 64\n    )"
    path = tmp_path / "m.py"
    path.write_text(OLD, encoding="utf-8")
    by_git = subprocess.run(["git", "hash-object", str(path)], capture_output=True, text=True, check=True)
    assert anchor.blob == blob_hash(OLD) == by_git.stdout.strip()


def test_untouched_lines_are_exact() -> None:
    assert moved(OLD) == (Fate.EXACT, 5, 7)
    assert moved(OLD + "# end\n") == (Fate.EXACT, 5, 7)


def test_lines_put_above_move_it() -> None:
    assert moved("# one\n# two\n" + OLD) == (Fate.MOVED, 7, 9)


def test_an_edited_line_changes_it() -> None:
    assert moved(OLD.replace("n, 64", "n, 128")) == (Fate.CHANGED, 5, 7)


def test_a_line_put_inside_changes_it() -> None:
    assert moved(OLD.replace("n, 64\n", "n, 64,\n        padding_idx=0,\n")) == (Fate.CHANGED, 5, 8)


def test_deleted_lines_are_gone() -> None:
    fate, start, _ = moved(OLD.replace("    table = Embedding(\n        n, 64\n    )\n", ""))
    assert (fate, start) == (Fate.GONE, 5)


def test_everything_deleted_is_gone_and_within_the_file() -> None:
    assert moved("") == (Fate.GONE, 1, 1)


@given(
    above=st.lists(st.sampled_from(["x", "y", "z = 1"]), max_size=8),
    below=st.lists(st.sampled_from(["x", "y", "z = 1"]), max_size=8),
)
def test_lines_around_never_lose_a_unique_statement(above: list[str], below: list[str]) -> None:
    new = "\n".join([*above, *OLD.split("\n"), *below])
    fate, start, end = moved(new)
    assert fate in (Fate.EXACT, Fate.MOVED)
    assert new.split("\n")[start - 1 : end] == OLD.split("\n")[4:7]


def test_ten_thousand_lines_are_relocated_while_typing() -> None:
    lines = [f"line {i % 97} of {i}" for i in range(10_000)]
    old = "\n".join(lines)
    anchor = anchor_of(9000, 9002, old)
    lines[5000] = "edited"
    started = time.process_time()
    found = relocate(anchor, moved_lines(old.split("\n"), ["new", *lines]))
    assert (found.fate, found.start_line) == (Fate.MOVED, 9001)
    assert time.process_time() - started < 1.0


@pytest.mark.parametrize(("start", "end"), [(0, 0), (500, 900)])
def test_a_site_outside_the_file_is_cut_to_it(start: int, end: int) -> None:
    anchor = anchor_of(start, end)
    assert 1 <= anchor.start_line <= anchor.end_line <= len(OLD.split("\n"))
