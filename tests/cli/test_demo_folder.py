"""A second demo in the folder of the first deletes what the first made, and nothing of the user's."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from evolution.base.errors import UsageError
from evolution.base.processes import identify
from evolution.domain.job import JobKind, JobRecord, JobState
from evolution.domain.request import TrainRequest
from evolution.jobs import control
from evolution.store.store import Store
from server.cli import demo
from server.cli.demo_folder import make_folder, note_files, note_job


@pytest.fixture(autouse=True)
def own_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVOLVEREC_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """As a demo leaves it that has applied a patch."""
    made = tmp_path / "demo"
    make_folder(made, "sasrec", "shop-micro")
    (made / "model.py").write_text((made / "model.py").read_text() + "# patched\n")
    note_files(made)
    return made


def everything(folder: Path) -> dict[str, bytes]:
    """Of the user's: the store's own files change when it is read."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".evolverec" not in path.parts
    }


def git(folder: Path, *words: str) -> None:
    identity = ("-c", "user.name=U", "-c", "user.email=u@example.org")
    subprocess.run(["git", "-C", str(folder), *identity, *words], check=True, capture_output=True)


def commit(folder: Path) -> None:
    git(folder, "commit", "-qam", "mine")


def commit_and_go_back(folder: Path) -> None:
    """Only the reflog knows the commit then."""
    git(folder, "stash", "-q")
    (folder / "model.py").write_text("# mine\n")
    git(folder, "commit", "-qam", "mine")
    git(folder, "reset", "-q", "--hard", "HEAD^")
    git(folder, "stash", "pop", "-q")


def commit_on_a_branch(folder: Path) -> None:
    git(folder, "commit", "-q", "--allow-empty", "-m", "mine")
    git(folder, "branch", "kept")
    git(folder, "reset", "-q", "HEAD^")


def stash(folder: Path) -> None:
    (folder / "README.md").write_text("mine\n")
    git(folder, "stash", "-q", "--", "README.md")


def stage_and_change_back(folder: Path) -> None:
    before = (folder / "README.md").read_bytes()
    (folder / "README.md").write_text("mine\n")
    git(folder, "add", "README.md")
    (folder / "README.md").write_bytes(before)


def work_elsewhere(folder: Path) -> None:
    git(folder, "worktree", "add", "-q", "--detach", str(folder.parent / "elsewhere"))


def put_job(folder: Path, name: str, state: JobState) -> None:
    """A job whose process is this one."""
    process = identify(os.getpid())
    job = JobRecord(id=name, kind=JobKind.TRAIN, state=state, process=process, created_at=1.0)
    with Store.open(folder) as store:
        store.put_job(job)


WORK: dict[str, tuple[Callable[[Path], object], str]] = {
    "a changed file": (lambda at: (at / "recommender.py").write_text("# mine\n"), "recommender.py was changed"),
    "the patched file": (lambda at: (at / "model.py").write_text("# mine\n"), "model.py was changed"),
    "a deleted file": (lambda at: (at / "README.md").unlink(), "README.md was deleted"),
    "an untracked file": (lambda at: (at / "notes.md").write_text("mine\n"), "notes.md is new"),
    "an ignored file": (lambda at: (at / "weights.pyc").write_text("mine\n"), "weights.pyc is new"),
    "a file in a folder": (lambda at: shutil.copytree(at / ".git", at / "own" / ".git"), "own/.git/"),
    "a link": (lambda at: (at / "data").symlink_to("/"), "data is new"),
    "a commit": (commit, "a commit"),
    "a commit that was left": (commit_and_go_back, "a commit"),
    "a commit on a branch": (commit_on_a_branch, "a commit"),
    "a stash": (stash, "commits"),
    "something staged": (stage_and_change_back, "README.md is staged"),
    "a worktree": (work_elsewhere, "another worktree of it"),
    "a job": (lambda at: put_job(at, "evolve-0001", JobState.DONE), "what job evolve-0001 measured"),
    "no git": (lambda at: shutil.rmtree(at / ".git"), "its .git is no folder"),
    "a git that is broken": (lambda at: (at / ".git" / "HEAD").write_text("x\n"), "its git history cannot be read"),
    "a store set aside": (lambda at: (at / ".evolverec" / "store.damaged-17.sqlite").touch(), "store.damaged-17"),
    "a demo of an earlier version": (lambda at: (at / ".evolverec" / "demo").write_text(""), "an earlier version"),
}  # fmt: skip


@pytest.mark.parametrize("name", WORK)
def test_work_of_the_user_is_named_and_nothing_is_deleted(folder, name):
    do, said = WORK[name]
    do(folder)
    before = everything(folder)
    with pytest.raises(UsageError) as refused:
        make_folder(folder, "sasrec", "shop-micro")
    message = str(refused.value)
    assert said in message and "Nothing was deleted" in message and "evolverec demo OTHER" in message
    assert everything(folder) == before and (folder / ".evolverec").is_dir()


def test_what_the_demo_itself_made_is_made_anew(folder):
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "model.cpython-311.pyc").touch()
    put_job(folder, "train-0001", JobState.DONE)
    note_job(folder, "train-0001")
    make_folder(folder, "sasrec", "shop-micro")
    assert "# patched" not in (folder / "model.py").read_text()
    assert not (folder / "__pycache__").exists()
    with Store.open(folder) as store:
        assert store.jobs() == []
    make_folder(folder, "sasrec", "shop-micro")


def test_a_job_of_the_demo_that_still_runs_is_not_deleted_under_it(folder):
    put_job(folder, "train-0001", JobState.RUNNING)
    note_job(folder, "train-0001")
    with pytest.raises(UsageError, match="job train-0001, which is running"):
        make_folder(folder, "sasrec", "shop-micro")


def test_many_things_are_counted(folder):
    for number in range(9):
        (folder / f"n{number}.txt").touch()
    with pytest.raises(UsageError, match=r"n4\.txt is new and 4 more\. Nothing was deleted"):
        make_folder(folder, "sasrec", "shop-micro")


@pytest.mark.parametrize("content", ["a file", "other files"])
def test_a_folder_that_no_demo_made_is_left_alone(tmp_path, content):
    target = tmp_path / "mine"
    if content == "a file":
        target.write_text("mine\n")
    else:
        target.mkdir()
        (target / "thesis.tex").write_text("mine\n")
    with pytest.raises(UsageError, match="is not empty and no earlier demo; name another folder"):
        make_folder(target, "sasrec", "shop-micro")
    assert target.is_file() or (target / "thesis.tex").read_text() == "mine\n"


@pytest.mark.process
def test_a_job_is_noted_as_soon_as_it_has_started(folder, monkeypatch):
    monkeypatch.setattr(demo, "result_of", lambda *_, **__: {})  # as if the terminal were closed at once
    (folder / "evolverec.toml").write_text("[recommender]\n")
    note_files(folder)
    demo._run(folder, TrainRequest())
    with Store.open(folder) as store:
        (job,) = store.jobs()
    while control.reconcile(folder):
        time.sleep(0.05)
    make_folder(folder, "sasrec", "shop-micro")
    assert job.id.startswith("train-")


def test_a_demo_is_of_the_seed_that_is_asked_for_and_an_unknown_one_deletes_nothing(folder):
    with pytest.raises(UsageError, match="expected one of sasrec, "):
        make_folder(folder, "none-such", "shop-micro")
    assert "SASRec" in (folder / "README.md").read_text()
    make_folder(folder, "gru4rec", "shop-micro")
    assert "GRU4Rec" in (folder / "README.md").read_text()
