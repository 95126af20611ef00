"""A proposal goes into the user's text by exact unique context, or not at all."""

from pathlib import Path

import pytest

from evolution.base.errors import EditError
from evolution.domain.edits import Edit
from evolution.domain.proposal import Idea, Patch, Proposal, Verified
from evolution.repo.applying import apply_to_files, is_applied, workspace_edits

BEFORE = "import torch\n\ndef loss(x):\n    return x\n\nlast = 1\n"


def make_proposal(*edits: Edit) -> Proposal:
    idea = Idea(code="c", title="t", rationale="r", addresses=(), rests_on=(), proposer="recipe")
    patch = Patch(base="b", edits=edits)
    return Proposal(
        id="p", idea=idea, patch=patch, parent="b", child="c", trials=(), verified=Verified.GAIN, effect=None
    )


CHANGE = Edit(path="model.py", old="    return x", new="    y = x\n    return y")
ADD = Edit(path="extra/new.py", old="", new="z = 1")


def test_the_files_are_written_and_nothing_else_is_left(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(BEFORE)
    (tmp_path / "model.py").chmod(0o755)
    assert apply_to_files(tmp_path, make_proposal(CHANGE, ADD)) == ["extra/new.py", "model.py"]
    assert (tmp_path / "model.py").read_text() == BEFORE.replace("    return x", "    y = x\n    return y")
    assert (tmp_path / "model.py").stat().st_mode & 0o111
    assert (tmp_path / "extra" / "new.py").read_text() == "z = 1\n"
    files = (path for path in tmp_path.rglob("*") if ".evolverec" not in path.parts)
    assert sorted(path.name for path in files) == ["extra", "model.py", "new.py"]


def test_one_edit_that_does_not_fit_leaves_every_file_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(BEFORE)
    (tmp_path / "other.py").write_text("something else\n")
    miss = Edit(path="other.py", old="gone", new="new")
    with pytest.raises(EditError, match=r"other\.py"):
        apply_to_files(tmp_path, make_proposal(CHANGE, miss))
    assert (tmp_path / "model.py").read_text() == BEFORE


def test_lines_that_moved_are_found_by_their_context() -> None:
    moved = "# a comment\n" + BEFORE
    (edit,) = workspace_edits(make_proposal(CHANGE), {"model.py": moved}.get)
    assert (edit.start_line0, edit.end_line0) == (4, 5) or edit.new_text.startswith("    y = x")


def test_the_line_edits_make_the_same_text_as_the_files() -> None:
    text = BEFORE.replace("\n", "\r\n")
    edits = workspace_edits(make_proposal(CHANGE), {"model.py": text}.get)
    lines: list[str] = list(text.splitlines(keepends=True))
    for edit in reversed(edits):
        lines[edit.start_line0 : edit.end_line0] = [edit.new_text]
    assert "".join(lines) == text.replace("    return x\r\n", "    y = x\r\n    return y\r\n")


@pytest.mark.parametrize("text", [BEFORE.replace("return x", "return x + 1"), BEFORE + "    return x\n"])
def test_changed_or_ambiguous_lines_are_not_guessed(text: str) -> None:
    with pytest.raises(EditError, match="changed since this patch was measured"):
        workspace_edits(make_proposal(CHANGE), {"model.py": text}.get)


def test_a_patch_that_is_already_there_says_so() -> None:
    after = BEFORE.replace("    return x", "    y = x\n    return y")
    assert is_applied([CHANGE], {"model.py": after}.get)
    assert not is_applied([CHANGE], {"model.py": BEFORE}.get)
    with pytest.raises(EditError, match="already there"):
        workspace_edits(make_proposal(CHANGE), {"model.py": after}.get)


def test_a_link_out_of_the_repo_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "outside.py").write_text(BEFORE)
    repo = tmp_path / "repo"
    repo.mkdir()
    (repo / "model.py").symlink_to(tmp_path / "outside.py")
    with pytest.raises(EditError, match="outside the repo"):
        apply_to_files(repo, make_proposal(CHANGE))
    assert (tmp_path / "outside.py").read_text() == BEFORE


def test_a_link_into_the_repos_own_git_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "hook.py").write_text(BEFORE)
    (tmp_path / "model.py").symlink_to(".git/hook.py")
    with pytest.raises(EditError, match="may not change"):
        apply_to_files(tmp_path, make_proposal(CHANGE))
    assert (tmp_path / ".git" / "hook.py").read_text() == BEFORE
