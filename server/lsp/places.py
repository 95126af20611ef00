"""Paths that a client names. Whatever it sends, asking the disk about a path from here raises no error."""

import os
from pathlib import Path

from pygls.uris import to_fs_path

MAX_PATH_BYTES, MAX_NAME_BYTES = 4095, 255  # of Linux; the disk answers a longer one with an error


def is_place(path: str) -> bool:
    """Whether the text is an absolute path that a file could have."""
    try:
        named = os.fsencode(path)
    except UnicodeEncodeError:
        return False
    names = named.split(b"/")
    short = len(named) <= MAX_PATH_BYTES and all(len(name) <= MAX_NAME_BYTES for name in names)
    return path.startswith(os.sep) and b"\0" not in named and short


def path_of(uri: str) -> Path | None:
    """The path that a URI names; None unless it is a `file:` URI of a place on the disk."""
    if not uri.startswith("file:") or len(uri) > 4 * MAX_PATH_BYTES:
        return None
    try:
        found = to_fs_path(uri)
    except ValueError:  # `file://[`, for example
        return None
    return Path(found) if found and is_place(found) else None


def place_named(named: str) -> Path | None:
    """The place that a path or a URI names; None if it is neither."""
    return path_of(named) or (Path(named) if is_place(named) else None)
