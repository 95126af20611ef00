"""What is made once and kept on disk: whole or not at all, whatever is killed, and made anew where it is damaged.

A kept folder is made under another name, sealed, flushed to disk and only then moved to its place. Its seal holds a
hash of every file, so that a file which a full disk, a power cut or a person has changed is noticed.
"""

import contextlib
import hashlib
import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

SEAL = "seal.json"
TRIES = 5  # to put a folder where others do the same


def kept_folder(final: Path, make: Callable[[Path], None]) -> Path:
    """`final`, filled by `make`, which is given an empty folder; made only where it is not there and intact."""
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
    """An empty folder on the same disk, to be filled and moved."""
    final.parent.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix=".draft-", dir=final.parent))


def seal(folder: Path) -> str:
    """Write the hash of every file into the folder's seal, and all of it to disk; the hash of the seal."""
    hashes = {name: _hash(folder / name) for name in _files(folder)}
    text = json.dumps(hashes, sort_keys=True)
    (folder / SEAL).write_text(text, encoding="utf-8")
    for path in [folder, *folder.rglob("*")]:
        _flush(path)
    return hashlib.sha256(text.encode()).hexdigest()


def is_intact(folder: Path) -> bool:
    """Whether a folder is there, sealed, and every file is as it was then. Further files do not matter."""
    try:
        sealed = (folder / SEAL).read_text(encoding="utf-8")
        names = json.loads(sealed)
        states = [(folder / name).stat() for name in names]
        stamp = tuple((state.st_ino, state.st_size, state.st_mtime_ns) for state in states)
        return isinstance(names, dict) and _matches(folder, sealed, stamp)
    except (OSError, ValueError, TypeError):
        return False


def publish(draft: Path, final: Path) -> None:
    """Move a sealed folder to its place. An intact one that is there already has the same content, and stays."""
    for _ in range(TRIES):
        try:
            draft.rename(final)
        except OSError:
            if is_intact(final):
                shutil.rmtree(draft)
                return
            remove_whole(final)
        else:
            _flush(final.parent)
            return
    draft.rename(final)


def remove_whole(path: Path) -> None:
    """So that nobody finds a folder of which a part is gone."""
    aside = path.with_name(f".gone-{path.name}-{secrets.token_hex(4)}")
    with contextlib.suppress(FileNotFoundError):  # another process was faster
        path.rename(aside)
    shutil.rmtree(aside, ignore_errors=True)


def write_whole(path: Path, text: str) -> None:
    """Write a file so that whoever reads it, now or after a crash, finds all of the old text or all of the new."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        draft.write_text(text, encoding="utf-8")
        _flush(draft)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    _flush(path.parent)


@lru_cache(maxsize=256)
def _matches(folder: Path, sealed: str, stamp: object) -> bool:
    """stamp: changes with the files, which are read once for each."""
    return all(_hash(folder / name) == known for name, known in json.loads(sealed).items())


def _files(folder: Path) -> list[str]:
    found = (path for path in folder.rglob("*") if path.is_file() and path.name != SEAL)
    return sorted(path.relative_to(folder).as_posix() for path in found)


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if path.is_file():  # some file systems cannot flush a folder
            raise error from None
    finally:
        os.close(descriptor)
