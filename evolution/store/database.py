"""The store's SQLite file: its tables, and opening it, also where it is missing or damaged."""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from evolution.base.locking import alone
from evolution.base.notices import notice
from seeds.reading import is_plain

SCHEMA_VERSION = 1
_UNIT = 512  # bytes, of which the size of a page is a multiple
SCHEMA = """
create table if not exists trials (
    id text primary key, program text not null, status text not null, created_at real not null, record text not null);
create index if not exists trials_by_program on trials (program, created_at);
create table if not exists feedback (
    trial text primary key, program text not null, created_at real not null, record text not null);
create table if not exists proposals (
    id text primary key, parent text not null, child text not null, created_at real not null, record text not null,
    state text not null);
create table if not exists candidates (program text primary key);
create table if not exists jobs (id text primary key, state text not null, created_at real not null, record text not null);
create table if not exists runs (
    id text primary key, root text not null, created_at real not null, record text not null);
create table if not exists smokes (id text primary key, record text not null);
create table if not exists exchanges (key text primary key, created_at real not null, record text not null);
create table if not exists literature (
    source text not null, query text not null, most integer not null, at real not null, record text not null,
    primary key (source, query, most));
create table if not exists probes (
    id text primary key, spec text not null, state text not null, created_at real not null, record text not null);
create table if not exists personas (
    trial text not null, kind text not null, created_at real not null, record blob not null, primary key (trial, kind));
create table if not exists dismissed (id text primary key, at real not null);
create table if not exists test_reads (trial text not null, at real not null, record text not null);
"""


def open_database(path: Path) -> sqlite3.Connection:
    """A connection to the file, which is made if it is missing. A damaged file, and a link, pipe or device in its
    place, is renamed and an empty one is made.

    Raises sqlite3.DatabaseError if the file is damaged but its schema can still be read.
    """
    with named_in_errors(path):
        for companion in _files(path):
            if companion.is_symlink() or (
                companion.exists() and not companion.is_dir() and not is_plain(companion)
            ):
                _set_aside(path)
        if _is_whole(path):
            return _prepared(path)
        with alone(path.with_name("store.lock")):  # a file that another process has just begun is empty
            if path.exists() and not _is_whole(path):
                _set_aside(path)
            return _prepared(path)


def _prepared(path: Path) -> sqlite3.Connection:
    connection = _connect(path)
    connection.executescript(SCHEMA)
    if connection.execute("pragma user_version").fetchone()[0] != SCHEMA_VERSION:  # it tells all readers
        connection.execute(f"pragma user_version = {SCHEMA_VERSION}")
    return connection


def _is_whole(path: Path) -> bool:
    """Whether there is a store that can be read. An empty file is none: SQLite would take it for a new one, and what had
    been in it would be gone without a word. Nor does SQLite mind a last page that is cut short."""
    if not path.exists():
        return False
    size = path.stat().st_size
    if size < _UNIT or (size % _UNIT and not _has_log(path)):
        return False
    return _is_readable(path)


def _has_log(path: Path) -> bool:
    """Whether pages may stand in the log that were not written to the file yet."""
    log = path.with_name(path.name + "-wal")
    return log.exists() and log.stat().st_size > 0


@contextmanager
def named_in_errors(path: Path) -> Iterator[None]:
    """Note the store's path on an error of SQLite, which names no file; `base.disks.store_error` tells it."""
    try:
        yield
    except sqlite3.Error as error:
        error.add_note(str(path))
        raise


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=20.0, isolation_level=None, check_same_thread=False)
    connection.execute("pragma journal_mode = wal")
    connection.execute(
        "pragma synchronous = full"
    )  # a commit is on the disk: what was paid for outlives a power cut
    return connection


def _is_readable(path: Path) -> bool:
    """False for a damaged file. Raises sqlite3.OperationalError if the file is locked or may not be read."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=20.0)
    try:
        connection.execute("select name from sqlite_master").fetchall()
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:
        return False
    finally:
        connection.close()
    return True


def _set_aside(path: Path) -> None:
    """Rename a damaged store to `store.damaged-<ns>.sqlite`, with its `-wal` file, which holds the latest writes."""
    aside = path.parent / f"store.damaged-{time.time_ns()}.sqlite"
    for companion in _files(path):
        if os.path.lexists(companion):
            companion.rename(aside.with_name(aside.name + companion.name.removeprefix(path.name)))
    notice(
        f"{path} is damaged (empty, cut short, or no database); it is kept as {aside.name}, and a new store is begun"
    )


def _files(path: Path) -> list[Path]:
    """The database and the two files that SQLite keeps beside it in WAL mode."""
    return [path.with_name(path.name + suffix) for suffix in ("", "-wal", "-shm")]
