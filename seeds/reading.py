"""Reads files that a repo may have brought: whatever lies at a path, reading it ends soon and takes little memory.

Only plain files are opened, never a named pipe (waits for ever), a device (endless, and opening one may act on it) or a
socket. A link is followed as far as it stays inside the repo. Folders, TOML and JSON are read to a limited depth.
"""

import errno
import json
import os
import re
import stat
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

CODE_BYTES = 2_000_000  # of one source file; git keeps no larger file as part of a program
CONFIG_BYTES = 64_000  # of evolverec.toml
RECORD_BYTES = 64_000_000  # of a file that evolverec itself wrote
DEEPEST_FOLDER = 64
MOST_ENTRIES = 100_000  # of all folders that one walk looks at
KEY_PARTS = 32  # of a dotted key of TOML; the time to read one grows with the square of their number
_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
_KEY = r"""(?:[\w-]+|"[^"\n]*"|'[^'\n]*')"""
_LONG_KEY = re.compile(rf"(?<![\w-]){_KEY}(?:[ \t]*\.[ \t]*{_KEY}){{{KEY_PARTS},}}")


class NotPlain(OSError):
    """What lies at a path is not read; `strerror` says what it is and what was expected."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(errno.EINVAL, what, str(path))


def open_plain(path: Path, *, inside: Path | None = None) -> BinaryIO:
    """Open a plain file for reading.

    inside: the folder that a link must not lead out of; None if links may lead anywhere.

    Raises OSError: NotPlain if there is something else than a plain file, or a link that leads out of `inside`.
    """
    real = _real(path, inside)
    _check_plain(path, _mode_of(real, path))  # before it is opened: opening some devices acts on them
    descriptor = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        _check_plain(path, os.fstat(descriptor).st_mode)
    except NotPlain:
        os.close(descriptor)
        raise
    return os.fdopen(descriptor, "rb")


def read_bytes(path: Path, *, most: int, inside: Path | None = None) -> bytes:
    """The content of a plain file of at most `most` bytes. Raises OSError as `open_plain` does, NotPlain if it is larger."""
    with open_plain(path, inside=inside) as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise NotPlain(path, f"is larger than {most:,} bytes, which is the most that is read of such a file")
    return data


def read_text(path: Path, *, most: int, inside: Path | None = None, errors: str = "strict") -> str:
    """As `read_bytes`, decoded as UTF-8; a byte order mark is dropped. Raises UnicodeDecodeError if it is no UTF-8."""
    return read_bytes(path, most=most, inside=inside).decode("utf-8", errors).removeprefix("\ufeff")


def is_plain(path: Path) -> bool:
    """Whether there is a plain file, or a link to one. Names that no file can have are no error."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def leads_out(path: Path, root: Path) -> bool:
    """Whether a path ends outside of the folder `root` once its links are followed."""
    outer = os.path.realpath(root)
    real = os.path.realpath(path)
    return real != outer and not real.startswith(outer.rstrip("/") + "/")


def walk(
    root: Path, enters: Callable[[Path], bool] = lambda folder: True, *, most: int = MOST_ENTRIES
) -> Iterator[Path]:
    """The plain files and links below a folder. Links to folders, and folders that cannot be read, are not entered.

    enters: whether to look into a folder. No folder below DEEPEST_FOLDER is looked into, and at most `most`
    entries are looked at.
    """
    left = most
    waiting = [(root, 0)]
    while waiting:
        folder, depth = waiting.pop()
        for entry in _entries(folder, left):
            left -= 1
            path = Path(entry.path)
            if entry.is_dir(follow_symlinks=False):
                if depth < DEEPEST_FOLDER and enters(path):
                    waiting.append((path, depth + 1))
            elif entry.is_symlink() or entry.is_file(follow_symlinks=False):
                yield path


def parse_toml(text: str) -> dict[str, Any]:
    """The tables of a TOML text. Raises tomllib.TOMLDecodeError, also for texts that nest too deeply to be read."""
    if found := _LONG_KEY.search(text):
        line = text.count("\n", 0, found.start()) + 1
        raise tomllib.TOMLDecodeError(f"A key has more than {KEY_PARTS} parts (at line {line}, column 1)")
    try:
        return tomllib.loads(text.removeprefix("\ufeff"))
    except tomllib.TOMLDecodeError:
        raise
    except RecursionError:
        raise tomllib.TOMLDecodeError("Lists or tables are nested too deeply") from None
    except ValueError as error:  # a number of thousands of digits
        raise tomllib.TOMLDecodeError(str(error).partition(";")[0]) from None


def parse_json(text: str | bytes) -> Any:
    """The value of a JSON text. Raises ValueError, also for a text that nests too deeply to be read."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("lists or objects are nested too deeply") from None


def _real(path: Path, inside: Path | None) -> str:
    if inside is not None and leads_out(path, inside):
        raise NotPlain(
            path, f"is or lies behind a link that leads out of {inside}; put the file itself there"
        )
    return os.path.realpath(path)


def _mode_of(real: str, path: Path) -> int:
    try:
        return Path(real).stat().st_mode
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise NotPlain(path, "is a link that leads to itself, expected a plain file") from None
        raise


def _check_plain(path: Path, mode: int) -> None:
    if not stat.S_ISREG(mode):
        kind = next((name for test, name in _KINDS if test(mode)), "no plain file")
        raise NotPlain(path, f"is {kind}, expected a plain file")


def _entries(folder: Path, most: int) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            for count, entry in enumerate(entries):
                if count >= most:
                    return
                yield entry
    except OSError:
        return
