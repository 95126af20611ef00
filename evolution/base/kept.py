"""Atomic writes of folders and files: after a crash at any time, the result is either complete or absent.

A kept folder is filled under a temporary name, sealed, flushed to disk and only then renamed to its final name. Its seal
(`seal.json`) holds the SHA-256 of every file, so that a file which a full disk, a power cut or a person has changed is
noticed, and the folder is made again.
"""

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path

from evolution.base.drafts import draft_name, gone_name
from seeds.reading import RECORD_BYTES, open_plain, parse_json, read_text

SEAL = "seal.json"
TRIES = 5  # attempts to rename a folder to a name that other processes write too


def kept_folder(final: Path, make: Callable[[Path], None]) -> Path:
    """Return the folder `final`. If it is missing or damaged, `make` is called first with an empty folder to fill."""
    if is_intact(final):
        return final
    draft = draft_beside(final)
    try:
        make(draft)
        seal(draft)
        publish(draft, final)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return final


def draft_beside(final: Path) -> Path:
    """A new empty folder in the parent folder of `final`, so that it can be renamed to `final` (same file system)."""
    final.parent.mkdir(parents=True, exist_ok=True)
    draft = final.parent / draft_name()
    draft.mkdir(mode=0o700)
    return draft


def seal(folder: Path) -> str:
    """Write the SHA-256 of every file into `seal.json` and flush the whole folder to disk; returns the seal's SHA-256."""
    hashes = {name: hash_of(folder / name) for name in _files(folder)}
    text = json.dumps(hashes, sort_keys=True)
    (folder / SEAL).write_text(text, encoding="utf-8")
    for path in [folder, *folder.rglob("*")]:
        flush(path)
    return hashlib.sha256(text.encode()).hexdigest()


def is_intact(folder: Path) -> bool:
    """Whether the folder exists, has a seal, and every sealed file is unchanged. Files added later are ignored."""
    try:
        sealed = read_text(folder / SEAL, most=RECORD_BYTES, inside=folder)
        names = parse_json(sealed)
        states = [(folder / name).stat() for name in names]
        stamp = tuple((state.st_ino, state.st_size, state.st_mtime_ns) for state in states)
        return isinstance(names, dict) and _matches(folder, sealed, stamp)
    except (OSError, ValueError, TypeError):
        return False


def publish(draft: Path, final: Path) -> None:
    """Rename a sealed folder to `final`. An intact folder that is already there has the same content and is kept.

    Raises OSError if the folder cannot be renamed.
    """
    for _ in range(TRIES):
        try:
            draft.rename(final)
        except OSError:
            if is_intact(final):
                shutil.rmtree(draft)
                return
            remove_whole(final)
        else:
            flush(final.parent)
            return
    draft.rename(final)


def remove_whole(path: Path) -> None:
    """Delete a folder. It is renamed first, so that no other process sees it with half of its files."""
    aside = path.with_name(gone_name())
    with contextlib.suppress(FileNotFoundError):  # another process was faster
        path.rename(aside)
    shutil.rmtree(aside, ignore_errors=True)


def write_whole(path: Path, text: str) -> None:
    """Replace a text file atomically: a reader, also after a crash, finds either the old text or the new one."""
    draft = path.with_name(draft_name())
    try:
        draft.write_text(text, encoding="utf-8")
        flush(draft)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    flush(path.parent)


@lru_cache(maxsize=256)
def _matches(folder: Path, sealed: str, stamp: object) -> bool:
    """Whether the files have the hashes in `sealed`. `stamp` (inode, size, mtime of each file) is only a cache key."""
    names = json.loads(sealed)
    with ThreadPoolExecutor(2) as pool:  # hashing holds no lock, and a large log has a gigabyte
        return list(pool.map(lambda name: hash_of(folder / name), names)) == list(names.values())


def _files(folder: Path) -> list[str]:
    found = (path for path in folder.rglob("*") if path.is_file() and path.name != SEAL)
    return sorted(path.relative_to(folder).as_posix() for path in found)


def hash_of(path: Path) -> str:
    """The SHA-256 of a plain file, as hex digits. Raises OSError."""
    with open_plain(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type] # a buffered reader is one


def flush(path: Path) -> None:
    """Wait until a file or folder is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if path.is_file():  # some file systems cannot flush a folder
            raise error from None
    finally:
        os.close(descriptor)
