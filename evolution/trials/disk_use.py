"""How much a worker has written to disk: bytes, and files, of which a disk can run out as well."""

import errno
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


class TooDeepError(Exception):
    """Folders are nested so deeply that they cannot be measured."""


@dataclass(frozen=True, kw_only=True)
class DiskUse:
    """bytes: on disk. files: folders are files as well."""

    bytes: int
    files: int


def disk_use(paths: Iterable[Path], most_files: int) -> DiskUse:
    """Of files, or of folders with all that is in them; counting ends at `most_files`. Raises TooDeepError."""
    size, files, waiting = 0, 0, [str(path) for path in paths]
    while waiting and files <= most_files:
        inner = waiting.pop()
        try:
            size += os.lstat(inner).st_blocks * 512
            waiting += _entries(inner, most_files)
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                raise TooDeepError from None
        files += 1
    return DiskUse(bytes=size, files=files)


def _entries(path: str, most: int) -> list[str]:
    """Of a folder, not many more than `most`; [] for anything else."""
    if not stat.S_ISDIR(os.lstat(path).st_mode):
        return []
    with os.scandir(path) as entries:
        return [entry.path for _, entry in zip(range(most + 1), entries)]
