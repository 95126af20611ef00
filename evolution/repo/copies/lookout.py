"""Looks through the files of a repo, or of one of its versions, for copies of the log; remembers what it has seen.

A file is looked at once: what was found is kept by the hash of its content, beside the labels.
"""

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path

from evolution.base.kept import write_whole
from evolution.base.paths import matches
from evolution.base.versions import version_of
from evolution.repo.copies.content import open_regular
from evolution.repo.copies.log_index import LogIndex
from evolution.repo.copies.looking import SMALLEST_BYTES, copy_of_the_log
from evolution.repo.withheld import Copies
from seeds.reading import CODE_BYTES, RECORD_BYTES, parse_json, read_text


class Lookout:
    """memory: the file in which it is kept what was seen; it is made, and made again where it is damaged."""

    def __init__(self, index: LogIndex, memory: Path) -> None:
        self._index, self._memory = index, memory
        self._seen: dict[str, str] = _remembered(memory)
        self._kept = len(self._seen)

    def copies(self, root: Path, paths: Iterable[str], exposed: tuple[str, ...]) -> Copies:
        """Which of the files below a folder are copies of the log. exposed: the glob patterns of `data.exposed`."""
        found = {path: why for path in paths if (why := self._why(root / path))}
        if len(self._seen) != self._kept:
            write_whole(self._memory, json.dumps({"version": version(), "seen": self._seen}))
            self._kept = len(self._seen)
        shown = {path for path in found if exposed and matches(path, exposed)}
        return Copies(
            withheld={path: why for path, why in found.items() if path not in shown},
            exposed={path: why for path, why in found.items() if path in shown},
        )

    def _why(self, path: Path) -> str:
        digest = _digest(path)
        if digest not in self._seen:
            self._seen[digest] = copy_of_the_log(path, self._index)
        return self._seen[digest]


def version() -> str:
    """Changes with the code that tells copies from other files."""
    return version_of("evolution/repo/copies")


def _digest(path: Path) -> str:
    """Of a large file, its size and pieces of it that no log of another content shares; "" for what is no file."""
    stream = open_regular(path)
    if stream is None:
        return ""
    with stream:
        size = os.fstat(stream.fileno()).st_size
        if size < SMALLEST_BYTES:
            return ""
        digest = hashlib.sha256(f"{size}\0".encode())
        step = max(CODE_BYTES, size // 16)
        for place in range(0, size, step):
            stream.seek(place)
            digest.update(stream.read(CODE_BYTES if size <= CODE_BYTES else 1 << 16))
    return digest.hexdigest()[:32]


def _remembered(memory: Path) -> dict[str, str]:
    try:
        kept = parse_json(read_text(memory, most=RECORD_BYTES))
        known = kept["seen"] if kept["version"] == version() else {}
        seen = {str(digest): str(why) for digest, why in known.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        seen = {}
    return {"": "", **seen}
