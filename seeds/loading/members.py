"""The files that a source may consist of: one file, those of a folder, or those packed into a zip archive.

A folder is looked into, and of its subfolders those that data sets are known to use; no deeper.
"""

import os
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from gzip import GzipFile
from itertools import islice
from pathlib import Path
from typing import BinaryIO, cast

from seeds.reading import open_plain

PACKED = (".gz",)
MOST_MEMBERS = 20_000
INNER = ("data",)  # subfolders that are looked into; one called like its folder is too (ml-1m/ml-1m)


@dataclass(frozen=True, kw_only=True)
class Member:
    """A file, or a file inside of a zip archive. path: the file on disk. inner: the name inside of the archive, or ""."""

    path: Path
    inner: str = ""

    @property
    def shown(self) -> str:
        """How a message names it."""
        return f"{self.path}!{self.inner}" if self.inner else str(self.path)

    @property
    def name(self) -> str:
        """Its own name, without folders and without ".gz"."""
        return self.whole_name.removesuffix(".gz")

    @property
    def whole_name(self) -> str:
        return self.inner.rpartition("/")[2] or self.path.name

    @property
    def packed(self) -> str:
        """The packing format, "" where the bytes lie open."""
        return "gzip" if self.whole_name.lower().endswith(".gz") else "zip" if self.inner else ""


@dataclass(frozen=True, kw_only=True)
class Files:
    """named: the file that the source names itself, None where it names a folder or an archive.

    members: by their own names, those of the same folder as `named` too.
    folder: the name of the folder or archive, without suffix.
    """

    named: Member | None
    members: Mapping[str, Member]
    folder: str

    def get(self, *names: str) -> Member | None:
        """The first of these names that there is."""
        return next((self.members[name] for name in names if name in self.members), None)

    def log(self, *names: str) -> Member | None:
        """The same; None where the source names another file, which is meant then."""
        found = self.get(*names)
        return found if self.named in (None, found) else None


def files_below(path: Path) -> Files:
    """The files of a source. Raises OSError where it cannot be looked into."""
    if path.is_dir():
        return Files(named=None, members=_by_name(_in_folder(path)), folder=path.name)
    if path.name.lower().endswith(".zip") and path.is_file():
        return Files(named=None, members=_by_name(_in_zip(path)), folder=path.stem)
    if not path.is_file():
        return Files(named=None, members={}, folder="")
    named = Member(path=path)
    try:
        beside = _by_name(_in_folder(path.parent, inner=False))
    except OSError:  # a folder may be closed to listing and its file open to reading
        beside = {}
    return Files(named=named, members={**beside, named.name: named}, folder=path.parent.name)


@contextmanager
def opened(member: Member) -> Iterator[BinaryIO]:
    """The bytes of a member, unpacked. Raises OSError, EOFError, zlib.error and zipfile.BadZipFile, also while it is read."""
    with open_plain(member.path) as file:
        stream: BinaryIO = file
        if member.inner:
            archive = zipfile.ZipFile(file)
            stream = cast(BinaryIO, archive.open(member.inner))
        if member.whole_name.lower().endswith(".gz"):
            stream = cast(BinaryIO, GzipFile(fileobj=stream))
        yield stream


def first_bytes(member: Member, most: int = 4096) -> bytes:
    """The beginning of a member; b"" where it cannot be read, which whoever reads all of it will explain."""
    try:
        with opened(member) as stream:
            return stream.read(most)
    except Exception:  # noqa: BLE001 - zipfile alone raises five kinds for a damaged archive
        return b""


def _in_folder(folder: Path, inner: bool = True) -> Iterator[Member]:
    with os.scandir(folder) as listed:
        entries = sorted(islice(listed, MOST_MEMBERS), key=lambda entry: entry.name)
    for entry in entries:
        if inner and entry.name in (*INNER, folder.name) and entry.is_dir():
            yield from _in_folder(Path(entry.path), inner=False)
        elif "." in entry.name and entry.is_file():
            yield Member(path=folder / entry.name)


def _in_zip(path: Path) -> Iterator[Member]:
    try:
        with open_plain(path) as file, zipfile.ZipFile(file) as archive:
            names = [entry.filename for entry in archive.infolist()[:MOST_MEMBERS] if not entry.is_dir()]
    except (zipfile.BadZipFile, NotImplementedError, ValueError):
        return
    for name in names:
        if not name.startswith("__MACOSX/"):
            yield Member(path=path, inner=name)


def _by_name(members: Iterator[Member]) -> dict[str, Member]:
    """By name; of two with one name (plain and packed, or in two folders) the first."""
    found: dict[str, Member] = {}
    for member in members:
        found.setdefault(member.name, member)
    return found
