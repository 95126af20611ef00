"""One repo of the session: its store, and the knowledge last read from it.

`load` and `store` must be used on the store thread; the other attributes may be read on any thread.
"""

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cattrs.errors import BaseValidationError

from diagnosis.encoding import unmarked
from evolution.base.disks import disk_error, store_error
from evolution.base.errors import EvolverecError, RepoError
from evolution.base.places import STORE_FOLDER, store_folder
from evolution.repo.files import read_code
from evolution.store.store import Store
from server.shown.knowledge import Knowledge, read_knowledge
from server.shown.stored_files import StoredFiles


class Repo:
    """A repo that the session has opened.

    knowledge: an immutable value that `load` replaces as a whole, so that other threads may go on reading the old one
    disk_changes: counts saves and changes outside the editor
    buffer_changes: counts changes of buffers
    writes: counts writes to the store, including those that leave the knowledge the same
    taken: hunks (proposal, path, index) that the user has applied one by one
    worked_out: cached results of the views, each with the `state` it was computed from
    left: the repo's folder is no longer open in the editor
    trouble: why the store could not be read last time, "" if it could
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.knowledge = Knowledge(root=root)
        self.trouble = ""
        self.disk_changes = 0
        self.buffer_changes = 0
        self.writes = 0
        self.taken: set[tuple[str, str, int]] = set()
        self.worked_out: dict[Any, tuple[object, Any]] = {}
        self.left = False
        self._reads = 0
        self._files = StoredFiles(root)
        self._store: Store | None = None
        self._file: tuple[int, int] | None = None
        self._read_at: tuple[int, int] | None = None

    def state(self) -> tuple[int, int, int]:
        """A key that changes whenever a view of one of the repo's files may change."""
        return (self._reads, self.disk_changes, self.buffer_changes)

    def load(self) -> bool:
        """Read the store again if it was written to. Returns whether the knowledge changed.

        If the store cannot be read, the last knowledge is kept, and `trouble` says why.
        """
        if self.left:
            return False
        try:
            changed = self._load()
        except sqlite3.DatabaseError as error:
            self.trouble = str(store_error(error))
            return False
        except (sqlite3.Error, OSError, BaseValidationError, EvolverecError) as error:
            known = disk_error(error) if isinstance(error, OSError) else None
            self.trouble = str(known or f"{self.root / STORE_FOLDER} cannot be read ({error})")
            return False
        self.trouble = ""
        return changed

    def _load(self) -> bool:
        self._follow_file()
        at = (self._store.version() if self._store else -1, self.disk_changes)
        if at == self._read_at:
            return False
        self._read_at = at
        self.writes += 1
        found = read_knowledge(self.root, self._store, self._files, self.disk_changes)
        if found == self.knowledge and self._reads:  # the write did not affect anything that is shown
            return False
        self.knowledge = found
        self._reads += 1
        return True

    def _follow_file(self) -> None:
        """Open the store once its file exists; close it when the file was deleted or replaced."""
        try:
            status = (store_folder(self.root) / "store.sqlite").stat()
            file = (status.st_dev, status.st_ino)
        except FileNotFoundError:
            file = None
        if file == self._file and (self._store is None) == (file is None):
            return
        if self._store is not None:
            self._store.close()
        self._store = Store.open_existing(self.root) if file else None
        self._file, self._read_at = file, None

    @property
    def store(self) -> Store:
        """The repo's store, which is created if needed. Raises OSError if the repo's folder cannot be written."""
        self._follow_file()
        if self._store is None:
            self._store = Store.open(self.root)
            self._follow_file()
        return self._store

    def files_of(self, program: str) -> Mapping[str, str]:
        """path -> blob of a program's files; {} if the program is not stored."""
        return self._files.of(program)

    def text_of_blob(self, blob: str) -> str | None:
        """The text of a file of a measured program; None if it is not stored."""
        return self._files.texts({blob}).get(blob)

    def existing_store(self) -> Store | None:
        """The repo's store, never created; None if nothing has run yet, or if the folder was closed."""
        if self.left:
            return None
        self._follow_file()
        return self._store

    def close(self) -> None:
        """Close the store. Tasks that still hold this repo read nothing more from it."""
        self.left = True
        if self._store is not None:
            self._store.close()
        self._store = self._file = None

    def read_disk(self, path: str) -> str | None:
        """The text of a file on disk as editors show it, without a byte order mark; None if it cannot be read."""
        try:
            text = read_code(self.root, path)
        except RepoError:
            return None
        return None if text is None else unmarked(text)
