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
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path

from evolution.base.drafts import draft_name, gone_name
from evolution.base.processes import boot_id
from seeds.reading import RECORD_BYTES, open_plain, parse_json, read_text

SEAL = "seal.json"
CHECKED = "checked"
LARGE_BYTES = 64 << 20
Stamp = tuple[tuple[int, int, int, int], ...]  # inode, size, mtime and ctime of each file
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
    stamp = _stamp(folder, hashes)
    if _is_large(stamp):
        (folder / CHECKED).write_text(_verdict(text, stamp), encoding="utf-8")
    return hashlib.sha256(text.encode()).hexdigest()


def is_intact(folder: Path) -> bool:
    """Whether the folder exists, has a seal, and every sealed file is unchanged. Files added later are ignored."""
    try:
        sealed = read_text(folder / SEAL, most=RECORD_BYTES, inside=folder)
        names = parse_json(sealed)
        states = [(folder / name).stat() for name in names]
        stamp = tuple((state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns) for state in states)
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
def _matches(folder: Path, sealed: str, stamp: Stamp) -> bool:
    """Whether the files have the hashes in `sealed`.

    Of large folders what was found is kept beside the seal, as reading gigabytes takes longer than all else at a start. A write to a
    file changes its ctime, which nobody can set back, and a machine that has lost power has another boot id.
    """
    large, seen = _is_large(stamp), _verdict(sealed, stamp)
    if large and _kept_verdict(folder) == seen:
        return True
    names = json.loads(sealed)
    with ThreadPoolExecutor(2) as pool:  # hashing holds no lock
        intact = list(pool.map(lambda name: hash_of(folder / name), names)) == list(names.values())
    if intact and large:
        with contextlib.suppress(OSError):
            write_whole(folder / CHECKED, seen)
    return intact


def _stamp(folder: Path, names: Iterable[str]) -> Stamp:
    states = [(folder / name).stat() for name in names]
    return tuple((state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns) for state in states)


def _is_large(stamp: Stamp) -> bool:
    """Whether a verdict is kept; never where the system has no boot id."""
    return sum(size for _, size, _, _ in stamp) >= LARGE_BYTES and bool(boot_id())


def _verdict(sealed: str, stamp: Stamp) -> str:
    return hashlib.sha256(f"{sealed}\0{stamp}\0{boot_id()}".encode()).hexdigest()


def _kept_verdict(folder: Path) -> str:
    try:
        return read_text(folder / CHECKED, most=100, inside=folder)
    except (OSError, ValueError):
        return ""


def _files(folder: Path) -> list[str]:
    found = (path for path in folder.rglob("*") if path.is_file() and path.name not in (SEAL, CHECKED))
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
