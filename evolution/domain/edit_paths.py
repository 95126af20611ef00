"""Which files a patch may name: plain relative paths that every file system and every reader takes for the same file."""

import re
from collections.abc import Sequence

from diagnosis.kit import KIT
from evolution.base.errors import EditError
from evolution.base.paths import matches
from evolution.base.plain_text import OBEYED

OWN_PATHS = (
    ".git",
    ".evolverec",
    "evolverec.toml",
    KIT,
)  # a patch may not change the files that decide how it is judged
LONGEST_NAME = 255  # bytes, of file systems in use
LONGEST_PATH = 1000  # bytes, so that a checkout in some deep folder can still hold it
_SHOWN = 80  # characters of a path that is refused
_NOT_PLAIN = re.compile(
    r'[\\"\x00-\x1f\u200c\u200d]|^[A-Za-z]:'
)  # joiners: git takes them for no characters in its folder


def check_path(path: str, editable: Sequence[str]) -> None:
    """Raises EditError unless `path` is a plain relative path that one of the patterns allows."""
    parts = path.split("/")
    if found := OBEYED.search(path) or _NOT_PLAIN.search(path):
        raise EditError(f"{_shown(path)} is no plain path: it holds {found[0]!r}; {_EXPECTED}")
    if any(part in ("", ".", "..") for part in parts):
        raise EditError(f"{_shown(path)} is no plain path below the repo's root; {_EXPECTED}")
    _check_length(path, parts)
    if any(part.casefold() in OWN_PATHS for part in parts):  # many file systems do not tell cases apart
        raise EditError("a patch may not change this file", path=path)
    if not matches(path, editable):
        raise EditError(
            f"may not be edited; evolverec.toml's recommender.editable allows {', '.join(editable) or 'nothing'}",
            path=path,
        )


_EXPECTED = "write it like models/encoder.py"


def _check_length(path: str, parts: Sequence[str]) -> None:
    longest = max(len(part.encode()) for part in parts)
    if longest > LONGEST_NAME:
        raise EditError(
            f"{_shown(path)} holds a name of {longest:,} bytes, expected at most {LONGEST_NAME}; choose a shorter one"
        )
    if len(path.encode()) > LONGEST_PATH:
        raise EditError(
            f"{_shown(path)} is a path of {len(path.encode()):,} bytes, expected at most {LONGEST_PATH:,}; choose a shorter one"
        )


def _shown(path: str) -> str:
    return repr(path) if len(path) <= _SHOWN else f"{path[:_SHOWN]!r}..."
