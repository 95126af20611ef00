"""Which code made what is stored: part of every key, so that what an older version made is made anew."""

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
    """16 hex digits over the place and the bytes of files of ours."""
    digest = hashlib.sha256()
    for file in files:
        data = file.read_bytes()
        digest.update(f"{file.relative_to(PACKAGE_ROOT).as_posix()}\0{len(data)}\0".encode() + data)
    return digest.hexdigest()[:16]


def python_files(path: Path) -> list[Path]:
    found = [path] if path.is_file() else sorted(path.rglob("*.py"))
    if not found:
        raise FileNotFoundError(
            f"{path} has no Python files; what is stored must be keyed by the code that made it"
        )
    return found
