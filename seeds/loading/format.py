"""What a way to keep a log in files says of itself, so that nobody else needs to know it.

Describing a format costs nothing: a language server asks for names and files all day and holds neither numpy nor
polars, so a format's module imports them where it reads.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from seeds.loading.members import Files, Member, files_below
from seeds.loading.options import Options
from seeds.loading.progress import Progress

if TYPE_CHECKING:
    from seeds.interactions import Interactions
    from seeds.loading.raw import RawLog


@dataclass(frozen=True, kw_only=True)
class Format:
    """One way to keep a log in files.

    name: as its authors call it. described: what a user has to have, in half a sentence. suffixes: how the name of
    a file ends that `data.source` may name.
    files_of: every file that `read` could open for a path, which is a file or a folder; () where the path is not
    of this format. These are the files that hold the labels: neither a program nor a worker is given any of them,
    and the log is read again when one of them has changed. So a folder's further logs are among them too.
    read: the log at a path that `files_of` has files of; it counts what it reads. Raises seeds.errors.DataError: broken, or several logs.
    find: the same as `files_of`, asked of files that are listed already; None for a format that lists them itself.
    """

    name: str
    described: str
    suffixes: tuple[str, ...]
    files_of: Callable[[Path], tuple[Path, ...]]
    read: Callable[[Path, Options, Progress], "Interactions"]
    find: "Callable[[Files], Found | None] | None" = None


@dataclass(frozen=True, kw_only=True)
class Found:
    """A log that was recognised by the names of its files. members: all that `read` may open; the first is the log itself."""

    members: tuple[Member, ...]
    read: Callable[[Options, Progress], "RawLog"]


def dataset(
    *, name: str, described: str, find: Callable[[Files], Found | None], suffixes: tuple[str, ...] = ()
) -> Format:
    """A format whose files `find` recognises by their names, in a folder, in a zip archive, or beside the file that is named."""

    def files_of(path: Path) -> tuple[Path, ...]:
        found = find(files_below(path))
        return tuple(dict.fromkeys(member.path for member in found.members)) if found else ()

    def read(path: Path, options: Options, progress: Progress) -> "Interactions":
        from seeds.loading.numbering import interactions_of

        found = find(files_below(path))
        assert found is not None, "files_of has found its files"
        return interactions_of(found.read(options, progress), options)

    return Format(name=name, described=described, suffixes=suffixes, files_of=files_of, read=read, find=find)
