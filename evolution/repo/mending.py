"""Mends `programs.git` after a kill or a power cut: locks of nobody, and files that were not written to their end.

Git renames what it has written, so a kill leaves locks and temporary files behind, and a power cut may leave files that are
empty or hold other bytes. A damaged object is deleted: the next snapshot of the same files stores it again.
"""

import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from evolution.base.kept import draft_beside

LOCK_WAIT_S = 2.0  # git holds the lock of a ref for milliseconds
_LOCKED = re.compile(
    r"Unable to create '([^']+\.lock)'|unable to (?:create|lock) .*?'([^']+\.lock)'", re.IGNORECASE
)
_CORRUPT = re.compile(r"\(stored in ([^)]+)\) is corrupt")


def mend(bare: Path, said: str) -> bool:
    """Mend what git complains of; whether something was mended, so that the same command may work now.

    said: git's message.
    """
    locks = _inside(bare, [one or other for one, other in _LOCKED.findall(said)])
    if locks:
        unlocked = [_unlocked(lock) for lock in locks]
        return any(unlocked)
    removed = [_removed(path) for path in [*_empty_files(bare), *_inside(bare, _CORRUPT.findall(said))]]
    return any(removed)


def is_whole(bare: Path) -> bool:
    """Whether that without which git does not take a folder for a repository is there, and not empty."""
    files = all((bare / name).is_file() and (bare / name).stat().st_size for name in ("HEAD", "config"))
    return files and all((bare / name).is_dir() for name in ("objects", "refs"))


def make_whole(bare: Path, init: Callable[[Path], object]) -> None:
    """Make the repository, beside its place, so that a kill leaves none or a whole one; or complete what is there.

    init: runs `git init`, which writes what is missing.
    """
    if bare.exists():
        for path in (bare / "HEAD", bare / "config", *_empty_files(bare)):
            if path.is_file() and not path.stat().st_size:
                path.unlink()
        init(bare)
        return
    draft = draft_beside(bare)
    try:
        init(draft)
        draft.rename(bare)
    except OSError:
        if not is_whole(bare):  # else another process was faster
            raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def remove_objects(bare: Path, hashes: list[str]) -> None:
    """Delete loose objects that cannot be read."""
    for name in hashes:
        _removed(bare / "objects" / name[:2] / name[2:])


def _empty_files(bare: Path) -> list[Path]:
    """Loose objects and refs of no bytes, which neither ever is."""
    found = [*(bare / "objects").glob("[0-9a-f][0-9a-f]/*"), *(bare / "refs").rglob("*")]
    return [path for path in found if path.is_file() and not path.stat().st_size and path.suffix != ".lock"]


def _inside(bare: Path, named: list[str]) -> list[Path]:
    """The paths that lie in the repository, from whose folder git may have named them."""
    paths = [bare / name for name in named]
    return [path for path in paths if path.resolve().is_relative_to(bare.resolve())]


def _unlocked(lock: Path) -> bool:
    """Wait for the holder of a lock; one that nobody takes away in time was left by a kill, and is deleted."""
    end = time.monotonic() + LOCK_WAIT_S
    while time.monotonic() < end:
        if not lock.exists():
            return True
        time.sleep(0.05)
    return _removed(lock)


def _removed(path: Path) -> bool:
    try:
        path.unlink()
    except OSError:
        return False
    return True
