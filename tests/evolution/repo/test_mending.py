"""`programs.git` after kills and power cuts: what is damaged is stored again, locks of nobody do not last."""

import os
import shutil
from pathlib import Path

import pytest

from evolution.repo import mending
from evolution.repo.programs import Programs


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    (tmp_path / "model.py").write_text("a = 1\n")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "part.py").write_text("b = 2\n")
    return tmp_path


def files_in(repo: Path) -> list[Path]:
    bare = repo / ".evolverec" / "programs.git"
    return sorted(path for path in bare.rglob("*") if path.is_file() and "objects" in path.parts)


@pytest.mark.parametrize("damage", [b"", b"\x01 no zlib stream"])
def test_damaged_objects_are_stored_again(repo: Path, damage: bytes):
    programs = Programs.open(repo)
    tree = programs.snapshot().tree
    child = programs.with_files(tree, {"model.py": "a = 2\n"})
    programs.keep(tree, "as on disk")
    for path in files_in(repo):
        path.chmod(0o600)
        path.write_bytes(damage)
    programs = Programs.open(repo)
    assert programs.snapshot().tree == tree
    programs.keep(tree, "as on disk")
    assert programs.with_files(tree, {"model.py": "a = 2\n"}) == child
    programs.check_out(child, repo.parent / f"{repo.name}-out")
    assert (repo.parent / f"{repo.name}-out" / "model.py").read_text() == "a = 2\n"
    assert programs.sources(child)["deep/part.py"] == "b = 2\n"


def test_the_repository_is_there_whole_or_not_at_all(repo: Path, monkeypatch: pytest.MonkeyPatch):
    import git

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(git.Repo, "init", killed)
        Programs.open(repo)
    assert not (repo / ".evolverec" / "programs.git").exists()
    assert Programs.open(repo).snapshot().tree


@pytest.mark.parametrize("name", ["objects", "refs"])
def test_a_repository_that_was_only_half_made_is_completed(repo: Path, name: str):
    tree = Programs.open(repo).snapshot().tree
    shutil.rmtree(repo / ".evolverec" / "programs.git" / name)
    programs = Programs.open(repo)
    assert programs.snapshot().tree == tree
    programs.keep(tree, "as on disk")


@pytest.mark.parametrize("name", ["HEAD", "config", "info/attributes"])
@pytest.mark.parametrize("damage", ["empty", "gone"])
def test_a_repository_without_its_own_files_is_one_again(repo: Path, name: str, damage: str):
    tree = Programs.open(repo).snapshot().tree
    path = repo / ".evolverec" / "programs.git" / name
    path.write_text("") if damage == "empty" else path.unlink()
    programs = Programs.open(repo)
    assert programs.snapshot().tree == tree and programs.files(tree)


def test_an_empty_ref_is_written_again(repo: Path):
    programs = Programs.open(repo)
    tree = programs.snapshot().tree
    programs.keep(tree, "as on disk")
    ref = repo / ".evolverec" / "programs.git" / "refs" / "programs" / tree
    ref.write_text("")
    programs.keep(tree, "as on disk")
    assert len(ref.read_text().strip()) == 40


def test_a_lock_of_a_killed_git_does_not_last(repo: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(mending, "LOCK_WAIT_S", 0.2)
    programs = Programs.open(repo)
    tree = programs.snapshot().tree
    lock = repo / ".evolverec" / "programs.git" / "refs" / "programs" / f"{tree}.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.touch()
    programs.keep(tree, "as on disk")
    assert not lock.exists() and lock.with_suffix("").exists()


def test_only_files_of_the_repository_are_deleted(repo: Path):
    bare = repo / ".evolverec" / "programs.git"
    Programs.open(repo)
    outside = repo / "mine.lock"
    outside.touch()
    said = f"fatal: Unable to create '{os.fspath(outside)}': File exists.\nloose object x (stored in {outside}) is corrupt"
    assert not mending.mend(bare, said)
    assert outside.exists()
