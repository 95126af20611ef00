"""Hashes of our own source files.

They are part of the keys of stored results, so that results of older code are computed again.
"""

import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from evolution.base.places import PACKAGE_ROOT


@cache
def version_of(*names: str) -> str:
    """16 hex digits that change with the Python files of these modules ("seeds/split.py") and packages ("seeds/shop").

    Raises FileNotFoundError where there is none: a module that has moved must not drop out of a key unseen.
    """
    return hash_of(file for name in names for file in python_files(PACKAGE_ROOT / name))


def hash_of(files: Iterable[Path]) -> str:
    """16 hex digits that depend on the path (relative to PACKAGE_ROOT) and the bytes of each file."""
    digest = hashlib.sha256()
    for file in files:
        data = file.read_bytes()
        digest.update(f"{file.relative_to(PACKAGE_ROOT).as_posix()}\0{len(data)}\0".encode() + data)
    return digest.hexdigest()[:16]


def python_files(path: Path) -> list[Path]:
    """The file itself, or all Python files below a folder, sorted. Raises FileNotFoundError if there is none."""
    found = [path] if path.is_file() else sorted(path.rglob("*.py"))
    if not found:
        raise FileNotFoundError(
            f"{path} has no Python files; what is stored must be keyed by the code that made it"
        )
    return found
