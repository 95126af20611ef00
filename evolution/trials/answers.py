"""Takes the files that a worker wrote. Whatever is in them, nothing outside them is read and no code runs."""

import contextlib
import errno
import math
import os
import re
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from evolution.base.deleting import delete_tree

MAGIC = b"\x93NUMPY\x01\x00"
LONGEST_HEADER = 10_000
MOST_BYTES = 1 << 30
_NO_FILE = (errno.ELOOP, errno.ENXIO)  # what opening a link without following it says, and a socket
GIB = 1 << 30
# As numpy writes it for plain arrays. It is not evaluated: it is text of the worker's.
HEADER = re.compile(
    rb"\{'descr': '([^']{2,8})', 'fortran_order': (True|False), 'shape': \(((?:\d{1,12}(?:, |,)?)*)\), \} *\n"
)


class BadAnswerError(Exception):
    """The worker's file is not the array that was asked for."""


class TooLargeError(BadAnswerError):
    """It is, but there is more of it than was asked for; nothing of it was read."""


def take_plain_file(source: Path, target: Path, most_bytes: int) -> None:
    """Copy what is in a file of the worker's into a new one of our own, and delete the worker's.

    What is stored has our owner, mode and place: a worker's umask, second links, open files and holes stay behind. Raises
    BadAnswerError: it is a link, a pipe or a folder, too large, or was changed meanwhile.
    """
    target.unlink(missing_ok=True)
    try:
        with _opened(source) as file:
            size = os.fstat(file.fileno()).st_size  # holes count: they are filled
            if size > most_bytes:
                raise TooLargeError(
                    f"{source.name} is {size / GIB:.2f} GiB, expected at most {most_bytes / GIB:.2f} GiB, the trial's "
                    "limit of memory"
                )
            _copy(file, target, size)
    finally:
        delete_tree(source)


def _copy(file: IO[bytes], target: Path, size: int) -> None:
    """The first `size` bytes; nothing is left where there are fewer."""
    left = size
    with target.open("xb") as copy:
        while left and (part := file.read(min(left, 1 << 20))):
            copy.write(part)
            left -= len(part)
    if left:
        target.unlink()
        raise BadAnswerError(f"the worker's answer {target.name} changed while it was read")


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """A plain file of the worker's. Raises BadAnswerError: it is none, or cannot be read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        said = "is not a plain file" if error.errno in _NO_FILE else f"cannot be read: {error.strerror}"
        raise BadAnswerError(f"the worker's answer {path.name} {said}") from None
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise BadAnswerError(f"the worker's answer {path.name} is not a plain file")
        yield file


def read_array(
    path: Path, *, shape: Sequence[int | None], dtype: type[np.generic], most_bytes: int = MOST_BYTES
) -> NDArray[Any]:
    """The array in `path`, of exactly this dtype and shape (None: any size). Raises BadAnswerError, TooLargeError.

    A link, a pipe, a pickle, or a file that is not as large as its array is refused before it is read; so is, where the
    worker chooses a size, an array of more than `most_bytes`.
    """
    with _opened(path) as file:
        kind, in_columns, found = _header(file, path.name)
        if kind != np.dtype(dtype).str or len(found) != len(shape):
            raise BadAnswerError(f"{path.name} holds {kind} of shape {found}, expected {dtype.__name__}")
        if any(wanted is not None and size != wanted for size, wanted in zip(found, shape)):
            raise BadAnswerError(f"{path.name} has shape {found}, expected {tuple(shape)}")
        size = math.prod(found) * np.dtype(dtype).itemsize
        if None in shape and size > most_bytes:
            raise TooLargeError(
                f"{path.name} has shape {found}, which is {size / GIB:.2f} GiB, expected at most {most_bytes / GIB:.2f} GiB"
            )
        return _content(file, path.name, found, np.dtype(dtype), in_columns=in_columns)


def _header(file: IO[bytes], name: str) -> tuple[str, bool, tuple[int, ...]]:
    """dtype as numpy writes it, whether columns come first, shape."""
    start = file.read(len(MAGIC) + 2)
    length = int.from_bytes(start[len(MAGIC) :], "little")
    if not start.startswith(MAGIC) or length > LONGEST_HEADER:
        raise BadAnswerError(f"the worker's answer {name} is not a plain array")
    match = HEADER.fullmatch(file.read(length))
    if match is None:
        raise BadAnswerError(f"the worker's answer {name} is not a plain array")
    shape = tuple(int(size) for size in re.findall(rb"\d+", match[3]))
    return match[1].decode("ascii", "replace"), match[2] == b"True", shape


def _content(
    file: IO[bytes], name: str, shape: tuple[int, ...], dtype: np.dtype[Any], *, in_columns: bool
) -> NDArray[Any]:
    size = dtype.itemsize
    for length in shape:
        size *= length
    if os.fstat(file.fileno()).st_size - file.tell() != size:
        raise BadAnswerError(f"the worker's answer {name} is not as long as an array of shape {shape}")
    array = np.empty(shape[::-1] if in_columns else shape, dtype)
    read = 0 if array.size == 0 else file.readinto(memoryview(array).cast("B"))  # type: ignore[attr-defined]
    if read != size:
        raise BadAnswerError(f"the worker's answer {name} changed while it was read")
    return array.T if in_columns else array
