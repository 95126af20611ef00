"""Bounded access to the content of one file of a repo, which may be anything: a device, a pipe, a terabyte of zeros."""

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

UNPACKED_BYTES = 16_000_000  # of one file, in all
DEPTH = 3  # archives within archives


class CannotLook(Exception):
    """The content is packed in a way that cannot be unpacked here; the message says which."""


@dataclass(kw_only=True)
class Allowance:
    """How much may still be unpacked of one file."""

    left_bytes: int = UNPACKED_BYTES

    def take(self, data: bytes) -> bytes:
        """Count unpacked bytes; returns them."""
        self.left_bytes -= len(data)
        return data


@dataclass(frozen=True, kw_only=True)
class Content:
    """stream: seekable. size: in bytes. name: for telling formats without a mark of their own apart."""

    stream: BinaryIO
    size: int
    name: str
    depth: int = 0
    path: Path | None = None  # where the content is a file of its own
    allowance: Allowance = field(default_factory=Allowance)

    def piece(self, offset: int, length: int) -> bytes:
        """At most `length` bytes from `offset` on."""
        self.stream.seek(offset)
        return self.stream.read(length)


def open_regular(path: Path) -> BinaryIO | None:
    """A regular file opened for reading; None for a link, a device, a pipe, and what may not be read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        return None
    return os.fdopen(descriptor, "rb")
