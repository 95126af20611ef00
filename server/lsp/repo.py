"""One repo of the session: its store, and the last value read from it.

`load` and `store` belong to the store thread; the rest may be read from anywhere.
"""

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cattrs.errors import BaseValidationError

from evolution.base.errors import EvolverecError
from evolution.base.places import STORE_FOLDER, store_folder
from evolution.store.store import Store
from server.shown.knowledge import Knowledge, read_knowledge
from server.shown.stored_files import StoredFiles


class Repo:
    """knowledge: replaced whole, so that whoever holds one may go on reading it.
    disk_changes, buffer_changes: count what was saved or changed outside, and what was typed.
    writes: counts what may have changed in the store, whether the knowledge hangs on it or not.
    taken: hunks (proposal, path, index) that the user has taken one by one.
    worked_out: what views have made of it, each with the `state` it was made from.
    left: its folder is no longer open in the editor.
    trouble: why the store could not be read last time, "" while it can."""

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
        """Changes whenever a view of one of the repo's files may."""
        return (self._reads, self.disk_changes, self.buffer_changes)

    def load(self) -> bool:
        """Read the store again if anyone wrote to it; whether the knowledge is new.

        What cannot be read leaves the last knowledge standing, and `trouble` says what is wrong.
        """
        if self.left:
            return False
        try:
            changed = self._load()
        except (sqlite3.Error, OSError, BaseValidationError, EvolverecError) as error:
            self.trouble = (
                f"{self.root / STORE_FOLDER} cannot be read ({error}); move it away to start afresh"
            )
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
        if found == self.knowledge and self._reads:  # what is shown does not hang on what was written
            return False
        self.knowledge = found
        self._reads += 1
        return True

    def _follow_file(self) -> None:
        """Open the store once there is one; let go of it when its file was deleted or replaced."""
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
        """Raises OSError where the repo's folder cannot be written."""
        self._follow_file()
        if self._store is None:
            self._store = Store.open(self.root)
            self._follow_file()
        return self._store

    def files_of(self, program: str) -> Mapping[str, str]:
        """path -> blob; {} where the program is not stored."""
        return self._files.of(program)

    def existing_store(self) -> Store | None:
        """None where nothing has run yet, or the folder was closed: looking makes none."""
        if self.left:
            return None
        self._follow_file()
        return self._store

    def close(self) -> None:
        """Let go of the store's file. Whoever still holds this repo reads no more of it."""
        self.left = True
        if self._store is not None:
            self._store.close()
        self._store = self._file = None

    def read_disk(self, path: str) -> str | None:
        try:
            return (self.root / path).read_bytes().decode("utf-8", "surrogateescape")
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            return None
