"""Whose `.evolverec` is it? One without this machine's mark came with the repo, and nothing in it is believed:
neither its figures, nor its data, nor the git configuration beside its programs, which could name commands to run.
"""

import fcntl
import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from evolution.base.errors import RepoError
from evolution.base.kept import write_whole
from evolution.base.places import STORE_FOLDER, lease_folder, store_folder
from evolution.repo.settings import machine_mark

MARK = "mark"


def ensure_store_folder(repo: Path) -> Path:
    """The repo's `.evolverec`, made where there is none. It ignores itself, so that the user's git never sees it.

    What lies in a folder that is not ours is kept in `foreign-<time>` inside of it. Raises RepoError where it is a
    file, or a link: that would have us write wherever the repo says.
    """
    folder = store_folder(repo)
    if folder.is_symlink():
        raise RepoError(
            "is a link, expected a folder that evolverec makes itself; delete the link", path=STORE_FOLDER
        )
    if folder.exists() and not folder.is_dir():
        raise RepoError(
            "is a file, expected a folder that evolverec makes itself; delete it", path=STORE_FOLDER
        )
    folder.mkdir(exist_ok=True)
    if not is_ours(repo):
        with _alone():
            if not is_ours(repo):
                _start_afresh(repo, folder)
    return folder


def is_ours(repo: Path) -> bool:
    """Whether `.evolverec` was made here, by this user, for this folder."""
    folder = store_folder(repo)
    try:
        return not folder.is_symlink() and (folder / MARK).read_text(encoding="ascii") == _mark_of(repo)
    except (OSError, UnicodeDecodeError):
        return False


def _mark_of(repo: Path) -> str:
    return hashlib.sha256(f"{machine_mark()}:{repo.resolve()}".encode()).hexdigest() + "\n"


def _start_afresh(repo: Path, folder: Path) -> None:
    foreign = list(folder.iterdir())
    if foreign:
        aside = folder / f"foreign-{time.time_ns()}"
        aside.mkdir()
        for path in foreign:
            path.rename(aside / path.name)
    (folder / ".gitignore").write_text("*\n", encoding="utf-8")
    write_whole(folder / MARK, _mark_of(repo))


@contextmanager
def _alone() -> Iterator[None]:
    """One process of this user at a time: a second would take for foreign what the first has just made."""
    lock = lease_folder() / "ownership.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("a") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield
