"""Turns OSError and SQLite errors into DiskError: a message that names the file and what the user can do."""

import errno
import re
import shutil
import sqlite3
from pathlib import Path

from evolution.base.errors import DiskError

SHORT_WRITE = re.compile(
    r"\d+ requested and \d+ written"
)  # numpy's message for a full disk; numpy sets no errno
NOTHING_LEFT_BYTES = 1 << 20  # SQLite, git and numpy each fail before the last byte is used
FULL = "Free some space and run the same again; what was measured is kept"


def disk_error(error: OSError) -> DiskError | None:
    """The DiskError for a full, read-only or forbidden disk; None if the error has another cause."""
    place = str(error.filename or "a file")
    if error.errno in (errno.ENOSPC, errno.EDQUOT) or SHORT_WRITE.fullmatch(str(error)):
        return DiskError(f"the disk is full: {place} cannot be written. {FULL}")
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return DiskError(
            f"{place}: {error.strerror}. evolverec reads the repo and keeps what it measures in .evolverec beside the "
            "code: change the permissions, or use a folder that is yours"
        )
    return None


def full_disk_error(folder: Path) -> DiskError | None:
    """The DiskError where nothing more can be written below a folder, because hardly any space is left; else None."""
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        return None
    if free >= NOTHING_LEFT_BYTES:
        return None
    return DiskError(f"the disk is full: {free // 1024} KB are left for {folder}. {FULL}")


def store_error(error: sqlite3.DatabaseError) -> DiskError:
    """The DiskError for an error of SQLite, by its code; the path of the store is in the notes of the error.

    Only a store that is no database any more is to be moved away: any other one is as good as before, once there is space,
    or permission, or nobody else writes.
    """
    store = Path((getattr(error, "__notes__", None) or [".evolverec/store.sqlite"])[0])
    code = getattr(error, "sqlite_errorname", "") or ""
    if "FULL" in code or "full" in str(error):
        return DiskError(f"the disk is full: {store} cannot be written. {FULL}")
    if code.startswith(("SQLITE_IOERR", "SQLITE_CANTOPEN")) and (full := full_disk_error(store.parent)):
        return full
    if code.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH")):
        return DiskError(f"{store} cannot be written ({error}): make its folder and its files writable")
    if code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return DiskError(
            f"{store} is being written by another process ({error}); wait for its end, and run the same again"
        )
    if (
        code.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")) or code == "SQLITE_ERROR"
    ):  # the last: other tables
        return DiskError(
            f"{store} cannot be used ({error}): move it away and run again; figures of before are lost then"
        )
    return DiskError(
        f"{store} could not be read or written ({error}): see whether the disk is full or failing, and run the same again; "
        "what was measured is kept"
    )
