"""Takes the files that a worker wrote. Whatever is in them, nothing outside them is read and no code runs."""

import os
import shutil
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


class BadAnswerError(Exception):
    """The worker's file is not the array that was asked for."""


def take_plain_file(source: Path, target: Path) -> None:
    """Move a file of the worker's out of its reach. Raises BadAnswerError: it is a link, a pipe or a folder."""
    try:
        source.replace(target)
    except OSError as error:
        raise BadAnswerError(f"the worker's answer {source.name} cannot be read: {error.strerror}") from None
    if not stat.S_ISREG(target.lstat().st_mode):  # looked at where the worker can no longer exchange it
        if stat.S_ISDIR(target.lstat().st_mode):
            shutil.rmtree(target)
        else:
            target.unlink()
        raise BadAnswerError(f"the worker's answer {source.name} is not a plain file")


def read_array(path: Path, *, shape: Sequence[int | None], dtype: type[np.generic]) -> NDArray[Any]:
    """The array in `path`, of exactly this dtype and shape (None: any size). Raises BadAnswerError.

    A link, a pipe, a pickle, or a file larger than the array could be is refused before it is read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise BadAnswerError(f"the worker's answer {path.name} cannot be read: {error.strerror}") from None
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise BadAnswerError(f"the worker's answer {path.name} is not a plain file")
        try:
            array = np.lib.format.read_array(file, allow_pickle=False, max_header_size=10_000)
        except (ValueError, EOFError, OSError, MemoryError, SyntaxError) as error:
            raise BadAnswerError(f"the worker's answer {path.name} is not a plain array: {error}") from None
    if array.dtype != dtype or array.ndim != len(shape):
        raise BadAnswerError(
            f"{path.name} holds {array.dtype} of shape {array.shape}, expected {dtype.__name__}"
        )
    if any(wanted is not None and size != wanted for size, wanted in zip(array.shape, shape)):
        raise BadAnswerError(f"{path.name} has shape {array.shape}, expected {tuple(shape)}")
    return array
