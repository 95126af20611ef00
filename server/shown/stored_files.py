"""Files of measured programs, read from git and cached. Must be used on the store thread only."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from diagnosis.encoding import unmarked
from evolution.base.errors import EvolverecError, RepoError
from evolution.repo.files import read_code
from evolution.repo.programs import Programs
from server.shown.edited import has_blob

T = TypeVar("T")
KEPT = 64


class StoredFiles:
    """A cache of stored programs and texts.

    A program or blob that is not stored, because the user deleted `programs.git`, has no files and no text.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._files: dict[str, Mapping[str, str]] = {}
        self._texts: dict[str, str] = {}
        self._on_disk: tuple[object, str] | None = None
        self._disk: dict[str, tuple[tuple[int, int, int], str | None]] = {}

    @cached_property
    def _programs(self) -> Programs:
        return Programs.open(self._root)

    def on_disk(self, moment: object) -> str:
        """The id of the program that the files on disk form, computed once per `moment`; "" if they cannot be listed or read."""
        if self._on_disk is None or self._on_disk[0] != moment:
            try:
                tree = self._programs.snapshot().tree
            except (RepoError, OSError):
                tree = ""
            self._on_disk = (moment, tree)
        return self._on_disk[1]

    def are_on_disk(self, program: str) -> bool:
        """Whether the Python files of a program stand on disk as it has them. A file is read again only once it was written to."""
        code = {path: blob for path, blob in self.of(program).items() if path.endswith(".py")}
        return bool(code) and all(self._has(path, blob) for path, blob in code.items())

    def _has(self, path: str, blob: str) -> bool:
        try:
            found = (self._root / path).stat()
            written = (found.st_ino, found.st_size, found.st_mtime_ns)
            if path not in self._disk or self._disk[path][0] != written:
                self._disk[path] = (written, read_code(self._root, path))
        except (OSError, RepoError):
            return False
        text = self._disk[path][1]
        return has_blob(None if text is None else unmarked(text), blob, self._texts)

    def of(self, program: str) -> Mapping[str, str]:
        """path -> blob of a program's files."""
        import git

        if program not in self._files:
            try:
                found = self._programs.files(program)
            except (git.GitCommandError, EvolverecError):
                return {}
            _keep(self._files, program, found)
        return self._files[program]

    def texts(self, blobs: set[str]) -> Mapping[str, str]:
        """blob -> text, for the blobs that are stored."""
        for blob in sorted(blobs - set(self._texts) - {""}):
            try:
                _keep(self._texts, blob, self._programs.file_text(blob))
            except EvolverecError:
                continue
        return {blob: self._texts[blob] for blob in blobs if blob in self._texts}


def _keep(known: dict[str, T], name: str, value: T) -> None:
    """Add an entry to a cache of at most KEPT entries, dropping the oldest one."""
    if len(known) >= KEPT:
        del known[next(iter(known))]
    known[name] = value
