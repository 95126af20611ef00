"""Programs are snapshots of the files on disk; the user's git, index and files are only read."""

import os
import subprocess
from pathlib import Path

import pytest

from evolution.base.errors import RepoError
from evolution.repo.programs import LARGE_BYTES, Programs

GIT = ["git", "-c", "user.name=t", "-c", "user.email=t@t"]


def git(repo: Path, *arguments: str) -> str:
    return subprocess.run([*GIT, *arguments], cwd=repo, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    repo = tmp_path / "repo"
    repo.mkdir()
    git(repo, "init", "-q")
    (repo / "model.py").write_text("x = 1\n")
    (repo / "windows.py").write_bytes(b"y = 1\r\n")
    (repo / ".gitignore").write_text("ignored.py\n")
    (repo / "ignored.py").write_text("z = 1\n")
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "first")
    return repo


def test_uncommitted_and_untracked_files_are_part_and_ignored_ones_are_not(repo: Path) -> None:
    programs = Programs.open(repo)
    before = programs.snapshot().tree
    (repo / "model.py").write_text("x = 2\n")
    (repo / "new.py").write_text("n = 1\n")
    after = programs.snapshot().tree
    assert after != before
    assert set(programs.files(after)) == {".gitignore", "model.py", "new.py", "windows.py"}
    assert programs.sources(after)["model.py"] == "x = 2\n"
    assert programs.sources(before)["model.py"] == "x = 1\n"


def test_the_same_files_are_the_same_program(repo: Path) -> None:
    programs = Programs.open(repo)
    first = programs.snapshot().tree
    (repo / "model.py").touch()
    assert programs.snapshot().tree == first


def test_the_users_git_is_untouched(repo: Path) -> None:
    index, head = (repo / ".git" / "index").read_bytes(), git(repo, "rev-parse", "HEAD")
    (repo / "new.py").write_text("n = 1\n")
    programs = Programs.open(repo)
    tree = programs.with_files(programs.snapshot().tree, {"model.py": "x = 3\n"})
    programs.keep(tree, "a child")
    assert (repo / ".git" / "index").read_bytes() == index
    assert git(repo, "rev-parse", "HEAD") == head
    assert git(repo, "status", "--porcelain") == "?? new.py\n"
    assert (repo / "model.py").read_text() == "x = 1\n"


def test_a_checkout_has_the_programs_bytes(repo: Path, tmp_path: Path) -> None:
    programs = Programs.open(repo)
    tree = programs.with_files(programs.snapshot().tree, {"model.py": "x = 3\n", "deep/er.py": "d = 1\n"})
    programs.check_out(tree, tmp_path / "out")
    assert (tmp_path / "out" / "model.py").read_text() == "x = 3\n"
    assert (tmp_path / "out" / "deep" / "er.py").read_text() == "d = 1\n"
    assert (tmp_path / "out" / "windows.py").read_bytes() == b"y = 1\r\n"


def test_the_diff_is_one_that_git_applies(repo: Path) -> None:
    programs = Programs.open(repo)
    base = programs.snapshot().tree
    child = programs.with_files(base, {"model.py": "x = 3\n"})
    subprocess.run(["git", "apply", "-"], cwd=repo, input=programs.diff(base, child), text=True, check=True)
    assert programs.snapshot().tree == child


def test_large_files_are_listed_and_not_stored(repo: Path) -> None:
    (repo / "weights.bin").write_bytes(b"0" * (LARGE_BYTES + 1))
    snapshot = Programs.open(repo).snapshot()
    assert snapshot.left_out == {"weights.bin": "(2.0 MB) is too large to be part of a program"}
    assert "weights.bin" not in Programs.open(repo).files(snapshot.tree)


@pytest.mark.parametrize("source", ["data/log.inter", "data"])
def test_the_data_source_is_no_part_of_a_program(repo: Path, source: str) -> None:
    (repo / "data").mkdir()
    for name in ("log.inter", "log.item"):
        (repo / "data" / name).write_text("labels\n")
    (repo / "evolverec.toml").write_text(
        f'[recommender]\nentry = "model:build"\n[data]\nsource = "{source}"\n'
    )
    programs = Programs.open(repo)
    assert not [path for path in programs.files(programs.snapshot().tree) if path.startswith("data")]


def test_a_folder_that_is_no_git_repo_works_too(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text("x = 1\n")
    programs = Programs.open(tmp_path)
    assert set(programs.files(programs.snapshot().tree)) == {"model.py"}


def test_an_executable_file_stays_executable(repo: Path) -> None:
    (repo / "run.py").write_text("r = 1\n")
    (repo / "run.py").chmod(0o755)
    programs = Programs.open(repo)
    tree = programs.with_files(programs.snapshot().tree, {"run.py": "r = 2\n"})
    programs.check_out(tree, repo / ".evolverec" / "out")
    assert (repo / ".evolverec" / "out" / "run.py").stat().st_mode & 0o111


def test_an_unknown_blob_says_so(repo: Path) -> None:
    with pytest.raises(RepoError, match=r"is not in \.evolverec"):
        Programs.open(repo).file_text("0" * 40)


def _leaves(mark: Path) -> str:
    return f"touch {mark}; cat"


def test_nothing_that_the_repos_git_configuration_names_is_run(repo: Path, tmp_path: Path) -> None:
    """A snapshot is taken before the user has consented to running anything."""
    script = tmp_path / "monitor.sh"
    script.write_text(f"#!/bin/sh\ntouch {tmp_path / 'ran-monitor'}\n")
    script.chmod(0o755)
    (repo / ".gitattributes").write_text("* filter=evil\n")
    git(repo, "config", "core.fsmonitor", str(script))
    git(repo, "config", "filter.evil.clean", _leaves(tmp_path / "ran-clean"))
    programs = Programs.open(repo)
    programs.keep(programs.snapshot().tree, "as on disk")
    assert not list(tmp_path.glob("ran-*"))


def test_programs_that_came_with_the_repo_are_set_aside_with_their_git_configuration(
    repo: Path, tmp_path: Path
) -> None:
    shipped = repo / ".evolverec" / "programs.git"
    git(repo, "init", "-q", "--bare", str(shipped))
    git(shipped, "config", "filter.evil.clean", _leaves(tmp_path / "ran-clean"))
    git(shipped, "config", "filter.evil.smudge", _leaves(tmp_path / "ran-smudge"))
    hook = shipped / "hooks" / "reference-transaction"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path / 'ran-hook'}\n")
    hook.chmod(0o755)
    (repo / ".gitattributes").write_text("* filter=evil\n")
    programs = Programs.open(repo)
    tree = programs.snapshot().tree
    programs.keep(tree, "as on disk")
    programs.check_out(tree, tmp_path / "out")
    assert not list(tmp_path.glob("ran-*"))
    assert list((repo / ".evolverec").glob("foreign-*/programs.git"))


def test_attributes_do_not_change_what_is_stored(repo: Path, tmp_path: Path) -> None:
    (repo / ".gitattributes").write_text("* text=auto eol=crlf ident\n")
    (repo / "model.py").write_bytes(b"# $Id$\nx = 1\n")
    programs = Programs.open(repo)
    tree = programs.snapshot().tree
    programs.check_out(tree, tmp_path / "out")
    for name in ("model.py", "windows.py"):
        assert (tmp_path / "out" / name).read_bytes() == (repo / name).read_bytes()


def test_a_store_folder_that_is_a_link_is_refused(repo: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (repo / ".evolverec").symlink_to(elsewhere, target_is_directory=True)
    with pytest.raises(RepoError, match="is a link"):
        Programs.open(repo)
    assert not list(elsewhere.iterdir())


@pytest.mark.skipif(os.geteuid() == 0, reason="root can read every file")
def test_files_that_cannot_be_read_are_the_repos_fault_and_named(repo: Path) -> None:
    (repo / "model.py").write_text("x = 2\n")
    (repo / "model.py").chmod(0)
    with pytest.raises(RepoError, match=r"cannot be stored(.|\n)*model\.py"):
        Programs.open(repo).snapshot()


def test_a_kept_probe_judges_programs_and_is_no_part_of_one(tmp_path):
    (tmp_path / "model.py").write_text("x = 1\n")
    programs = Programs.open(tmp_path)
    before = programs.snapshot().tree
    (tmp_path / "probes").mkdir()
    (tmp_path / "probes" / "gap.py").write_text("# /// probe\n# name = 'gap'\n# ///\n")
    assert programs.snapshot().tree == before
    (tmp_path / "probes" / "mine.py").write_text("y = 2\n")  # the user's own package of that name
    assert set(programs.files(programs.snapshot().tree)) == {"model.py", "probes/mine.py"}
