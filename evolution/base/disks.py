"""Turns OSError and SQLite errors into DiskError: a message that names the file and what the user can do."""

import errno
import re
import sqlite3

from evolution.base.errors import DiskError

SHORT_WRITE = re.compile(
    r"\d+ requested and \d+ written"
)  # numpy's message for a full disk; numpy sets no errno
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


def store_error(error: sqlite3.DatabaseError) -> DiskError:
    """The DiskError for an error of SQLite, which reports a full or read-only disk only in the text of its message."""
    said = str(error)
    if "full" in said:
        return DiskError(f"the disk is full: .evolverec/store.sqlite cannot be written. {FULL}")
    if "readonly" in said or "unable to open" in said:
        return DiskError(f".evolverec/store.sqlite cannot be written ({said}): make the folder writable")
    return DiskError(
        f".evolverec/store.sqlite cannot be used ({said}): move it away and run again; figures of before are lost then"
    )
