"""Checks that a repo's `.evolverec` folder was made on this machine.

A folder without this machine's mark came with the repo and is not trusted: its results may be forged, and the git
configuration in it could name commands to run.
"""

import hashlib
import time
from pathlib import Path

from evolution.base.errors import DiskError, RepoError
from evolution.base.kept import write_whole
from evolution.base.locking import alone
from evolution.base.notices import notice
from evolution.base.places import STORE_FOLDER, lease_folder, store_folder
from evolution.repo.settings import machine_mark
from evolution.repo.tracked import written_by_git
from seeds.reading import read_bytes

MARK = "mark"


def ensure_store_folder(repo: Path) -> Path:
    """Return the repo's `.evolverec` folder, making it if needed. Its own `.gitignore` hides it from the user's git.

    The contents of a folder that was not made here are moved to `foreign-<time>` inside it. Raises RepoError if
    `.evolverec` is a file or a symbolic link (a link would let the repo choose where evolverec writes), DiskError if no folder
    can be made there.
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
    try:
        folder.mkdir(exist_ok=True)
    except FileNotFoundError:  # of the kernel's file systems, and of a repo that is being deleted
        raise DiskError(
            f"{folder} cannot be made, and what is measured is kept in it; use another folder"
        ) from None
    if not is_ours(repo):
        # Without the lock, a second process could move away files that the first just made.
        with alone(lease_folder() / "ownership.lock"):
            if not is_ours(repo):
                _start_afresh(repo, folder)
    return folder


def is_ours(repo: Path) -> bool:
    """Whether `.evolverec` was made on this machine, by this user and for this folder, and the repo's git has put nothing
    into it since."""
    folder = store_folder(repo)
    try:
        is_marked = not folder.is_symlink() and _mark_in(folder) == _mark_of(repo).encode()
    except OSError:
        return False
    return is_marked and not written_by_git(repo)


def _mark_in(folder: Path) -> bytes:
    return read_bytes(folder / MARK, most=1000, inside=folder)


def _mark_of(repo: Path) -> str:
    return hashlib.sha256(f"{machine_mark()}:{repo.resolve()}".encode()).hexdigest() + "\n"


def _say_what_was_moved(repo: Path, aside: Path, written: list[str]) -> None:
    why = "it was not made on this machine for this folder"
    if written:
        few = ", ".join(written[:3]) + (", ..." if len(written) > 3 else "")
        why = f"git has written files into it ({few}); `git rm -r --cached {STORE_FOLDER}` makes git forget them"
    notice(
        f"{repo / STORE_FOLDER} is not trusted, because {why}. What was in it lies unread in {aside.name} there"
    )


def _start_afresh(repo: Path, folder: Path) -> None:
    written = written_by_git(repo)
    foreign = list(folder.iterdir())
    if foreign:
        aside = folder / f"foreign-{time.time_ns()}"
        aside.mkdir()
        for path in foreign:
            path.rename(aside / path.name)
        _say_what_was_moved(repo, aside, written)
    (folder / ".gitignore").write_text("*\n", encoding="utf-8")
    write_whole(folder / MARK, _mark_of(repo))
