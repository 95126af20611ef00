"""A file of weights that the user names. The job copies its bytes and never looks into them; the worker opens the copy."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from evolution.base.errors import UsageError
from evolution.base.given_paths import absolute_path
from seeds.reading import open_plain

PIECE = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """copy: our own copy of the file. sha256: of its bytes. name: of the user's file, without its folder."""

    copy: Path
    sha256: str
    name: str


def take_checkpoint(named: str, repo: Path, folder: Path, *, most_bytes: int) -> Checkpoint:
    """A copy in `folder` of the file that the user names, by a path that may be relative to the repo.

    Raises UsageError: no such file, no plain file, empty, larger than `most_bytes`, or not readable.
    """
    path = absolute_path(repo / Path(named).expanduser())
    copy, digest, size = folder / "checkpoint", hashlib.sha256(), 0
    try:
        with open_plain(path) as source, copy.open("wb") as target:
            while (piece := source.read(PIECE)) and size <= most_bytes:
                size += len(piece)
                digest.update(piece)
                target.write(piece)
    except OSError as error:
        raise UsageError(f"the checkpoint {path} cannot be read: {error.strerror or error}") from None
    if not 0 < size <= most_bytes:
        limit = f"expected 1 to {most_bytes} bytes, which is training.memory_gb of evolverec.toml"
        raise UsageError(f"the checkpoint {path} is {'empty' if not size else 'too large'}; {limit}")
    return Checkpoint(copy=copy, sha256=digest.hexdigest(), name=path.name)
