"""What a way to keep a log in files says of itself, so that nobody else needs to know it.

Describing a format costs nothing: a language server asks for names and files all day and holds neither numpy nor
polars, so a format's module imports them where it reads.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from seeds.loading.progress import Progress

if TYPE_CHECKING:
    from seeds.interactions import Interactions


@dataclass(frozen=True, kw_only=True)
class Format:
    """One way to keep a log in files.

    name: as its authors call it. described: what a user has to have, in half a sentence. suffixes: how the name of
    a file ends that `data.source` may name.
    files_of: every file that `read` could open for a path, which is a file or a folder; () where the path is not
    of this format. These are the files that hold the labels: neither a program nor a worker is given any of them,
    and the log is read again when one of them has changed. So a folder's further logs are among them too.
    read: the log at a path that `files_of` has files of; it counts what it reads. Raises seeds.errors.DataError: broken, or several logs.
    """

    name: str
    described: str
    suffixes: tuple[str, ...]
    files_of: Callable[[Path], tuple[Path, ...]]
    read: Callable[[Path, Progress], "Interactions"]
