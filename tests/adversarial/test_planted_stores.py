"""What lies in `.evolverec` without our having written it, or was cut short there, or was left by a kill."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from evolution.base.kept import hash_of
from evolution.base.places import store_folder
from evolution.jobs import control
from evolution.repo.ownership import ensure_store_folder, is_ours
from evolution.store.store import Store
from tests.conftest import ROOT

pytestmark = pytest.mark.process

AUTHOR = ("-c", "user.name=a", "-c", "user.email=a@b")


def git(repo: Path, *words: str) -> None:
    subprocess.run(["git", *AUTHOR, *words], cwd=repo, check=True, capture_output=True)


def store_with(repo: Path, mark: str) -> Path:
    with Store.open(repo) as store:
        store.put_candidate(mark)
    return store_folder(repo) / "store.sqlite"


def candidates(repo: Path) -> list[str]:
    with Store.open(repo) as store:
        return [row[0] for row in store._db.execute("select program from candidates")]


@pytest.fixture
def upstream(tmp_path: Path) -> Path:
    repo = tmp_path / "upstream"
    (repo / "models" / "deep").mkdir(parents=True)
    (repo / "model.py").write_text("X = 1\n")
    git(repo, "init", "-q")
    (repo / "models" / "deep" / "layer.py").write_text("")
    git(repo, "add", ".")
    git(repo, "commit", "-qm", "x")
    return repo


@pytest.fixture
def clone(upstream: Path, tmp_path: Path) -> Path:
    """The user's clone, in which he has measured something."""
    git(tmp_path, "clone", "-q", str(upstream), "clone")
    store_with(tmp_path / "clone", "own")
    return tmp_path / "clone"


def forged_store(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "forger").mkdir()
    shutil.copy(store_with(tmp_path / "forger", "forged"), folder / "store.sqlite")


def forged_git_configuration(folder: Path, tmp_path: Path) -> None:
    (folder / "programs.git").mkdir()
    (folder / "programs.git" / "config").write_text("[core]\n\tfsmonitor = touch /tmp/ran\n")


def forged_as_another_encoding(folder: Path, tmp_path: Path) -> None:
    """What git writes is not what it has committed."""
    (folder.parent / ".gitattributes").write_text("*.json text eol=crlf ident\n")
    (folder / "withheld.json").write_text("{}\n$Id$\n")


FORGED: dict[str, Callable[[Path, Path], object]] = {
    "store": forged_store,
    "configuration": forged_git_configuration,
    "filtered": forged_as_another_encoding,
}


@pytest.mark.parametrize("what", FORGED)
@pytest.mark.parametrize("inner", ["", "models/deep"])
def test_what_git_writes_into_a_marked_folder_is_moved_aside_once(
    upstream, clone, tmp_path, capfd, what, inner
):
    repo = clone / inner
    if inner:
        store_with(repo, "own")
    assert is_ours(repo) and candidates(repo) == ["own"]
    folder = upstream / inner / ".evolverec"
    folder.mkdir()
    FORGED[what](folder, tmp_path)
    git(upstream, "add", "-f", ".")
    git(upstream, "commit", "-qm", "forged")
    git(clone, "pull", "-q")
    assert not is_ours(repo) and Store.open_existing(repo) is None
    assert candidates(repo) == []
    said = capfd.readouterr().err
    assert "git has written files into it" in said and "git rm -r --cached .evolverec" in said
    store_with(repo, "own again")
    git(clone, "status")
    assert is_ours(repo) and candidates(repo) == ["own again"]
    assert len(list(store_folder(repo).glob("foreign-*"))) == 1
    git(clone, "reset", "-q", "--hard")  # brings what was moved aside back
    assert not is_ours(repo)


def test_a_folder_that_git_does_not_track_stays_ours(clone):
    (clone / "more.py").write_text("Y = 1\n")
    git(clone, "add", "more.py")
    git(clone, "commit", "-qm", "more")
    assert is_ours(clone) and candidates(clone) == ["own"]


# A store that was cut short


@pytest.mark.parametrize("left", [0, 1, 100, 512, 4096, 5000, 0.5, -4096, -1])
def test_a_store_that_was_cut_short_is_kept_aside_and_told(tmp_path, capfd, left):
    store = store_with(tmp_path, "own")
    whole = store.read_bytes()
    store.write_bytes(whole[: left if isinstance(left, int) else int(len(whole) * left)])
    assert candidates(tmp_path) == []
    assert "is damaged" in capfd.readouterr().err
    aside = list(store_folder(tmp_path).glob("store.damaged-*.sqlite"))
    assert len(aside) == 1 and whole.startswith(aside[0].read_bytes())
    store_with(tmp_path, "new")
    assert candidates(tmp_path) == ["new"] and "damaged" not in capfd.readouterr().err


OPEN = "import sys; sys.path.insert(0, {root!r})\nfrom pathlib import Path\nfrom evolution.store.store import Store\nStore.open(Path({repo!r})).put_candidate(sys.argv[1])"


def test_processes_that_begin_a_store_at_once_find_it_whole(tmp_path):
    code = OPEN.format(root=str(ROOT), repo=str(tmp_path))
    at_once = [subprocess.Popen([sys.executable, "-c", code, name]) for name in ("a", "b", "c", "d")]
    assert [process.wait() for process in at_once] == [0] * 4
    assert sorted(candidates(tmp_path)) == ["a", "b", "c", "d"]
    assert not list(store_folder(tmp_path).glob("store.damaged-*"))


# A kill in the middle of `apply`

APPLY = """
import os, signal, sys
sys.path.insert(0, {root!r})
from pathlib import Path
from evolution.repo import applying
after = {after}
real = Path.{call}
def killed(self, *given):
    global after
    if self.parent.name != "applying" and self.name.startswith(".draft-"):
        after -= 1
        if after < 0:
            os.kill(os.getpid(), signal.SIGKILL)
    return real(self, *given)
Path.{call} = killed
applying._replace_all(Path({repo!r}), {{"model.py": "X = 2\\n", "inner/new.py": "Y = 1\\n", "loss.py": "Z = 2\\n"}})
"""
OLD = {"model.py": "X = 1\n", "loss.py": "Z = 1\n", ".draft-of-the-users": "mine\n"}
NEW = OLD | {"model.py": "X = 2\n", "inner/new.py": "Y = 1\n", "loss.py": "Z = 2\n"}


def users_files(repo: Path) -> dict[str, str]:
    found = (path for path in repo.rglob("*") if path.is_file() and ".evolverec" not in path.parts)
    return {path.relative_to(repo).as_posix(): path.read_text() for path in found}


@pytest.fixture
def killed_apply(tmp_path):
    for name, text in OLD.items():
        (tmp_path / name).write_text(text)
    ensure_store_folder(tmp_path)

    def kill(call: str, *, after: int) -> Path:
        code = APPLY.format(root=str(ROOT), repo=str(tmp_path), call=call, after=after)
        assert subprocess.run([sys.executable, "-c", code]).returncode == -signal.SIGKILL
        assert len(users_files(tmp_path)) > len(OLD), "drafts are there"
        return tmp_path

    return kill


@pytest.mark.parametrize(
    ("call", "after", "expected"),
    [
        pytest.param("chmod", 1, OLD, id="not every draft was written"),
        pytest.param("replace", 0, NEW, id="before the first file"),
        pytest.param("replace", 1, NEW, id="between two files"),
        pytest.param("replace", 2, NEW, id="before the last file"),
    ],
)
def test_a_killed_apply_is_written_whole_or_not_at_all(killed_apply, call, after, expected):
    repo = killed_apply(call, after=after)
    control.reconcile(repo)
    assert users_files(repo) == expected
    assert not list((store_folder(repo) / "applying").iterdir())


def test_a_file_that_was_edited_since_a_killed_apply_is_kept(killed_apply):
    repo = killed_apply("replace", after=0)
    for name in ("model.py", "loss.py"):
        (repo / name).write_text("mine since\n")
    control.reconcile(repo)
    assert users_files(repo) == OLD | {"model.py": "mine since\n", "loss.py": "mine since\n"}


def test_a_planted_note_moves_no_file_of_the_user(tmp_path):
    (tmp_path / "model.py").write_text("X = 1\n")
    (tmp_path / "other.py").write_text("Y = 1\n")
    folder = ensure_store_folder(tmp_path) / "applying"
    folder.mkdir()
    told = {
        "drafts": [{"path": "other.py", "target": "model.py", "before": hash_of(tmp_path / "model.py")}],
        "ready": True,
    }
    note = folder / ".draft-1.1.1.00000000-abcd"
    note.write_text(json.dumps(told))
    os.utime(note, (0, 0))
    os.utime(tmp_path / "other.py", (0, 0))
    control.reconcile(tmp_path)
    assert users_files(tmp_path) == {"model.py": "X = 1\n", "other.py": "Y = 1\n"}
    assert not note.exists()
