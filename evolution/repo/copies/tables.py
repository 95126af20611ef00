"""Rows of databases and of tables kept by column: SQLite, Parquet, Arrow, Avro; and what a pickle holds, unread by it."""

import io
import pickletools
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from evolution.repo.copies.content import CannotLook, Content
from evolution.repo.copies.log_index import LogIndex
from evolution.repo.copies.numeric import raw_rows, token_stream_rows
from evolution.repo.copies.rows import Rows, plain_number, rows_of, some_rows

ROWS = 2_048  # of a table, at its beginning and in its middle
TABLES = 16
WHOLE_BYTES = 64_000_000  # a larger database within an archive is not looked into
STEPS = 20_000_000  # of SQLite's machine, for one file
PICKLE_BYTES = 2_000_000
ATOMS = 200_000
_GETS, _PUTS = {"GET", "BINGET", "LONG_BINGET"}, {"PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"}
_CLOSES = {"APPENDS", "ADDITEMS", "SETITEMS", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "FROZENSET", "APPEND"}


def is_table(head: bytes) -> bool:
    """Whether a file that begins so is a database or a table kept by column."""
    return head.startswith((b"SQLite format 3\0", b"PAR1", b"ARROW1", b"Obj\x01"))


def table_rows(content: Content, head: bytes) -> Iterator[Rows]:
    """The first rows of each table, and some from its middle. Raises CannotLook: it cannot be read."""
    if head.startswith(b"SQLite"):
        yield from _database_rows(content)
    else:
        yield from _frame_rows(content, head)


def pickle_rows(content: Content, index: LogIndex) -> Iterator[Rows]:
    """The numbers, texts and arrays in a pickle, in their order. Nothing is unpickled: that could run anything."""
    pickled = _pickled(content.piece(0, PICKLE_BYTES))
    if len(pickled.atoms) >= 8:
        yield rows_of(some_rows([row for row in pickled.rows if row]))
        yield from token_stream_rows(pickled.atoms)
    for buffer in pickled.buffers:
        yield from raw_rows(buffer, index, shifts=False)


@dataclass(kw_only=True)
class _Pickled:
    """atoms: numbers and texts in their order. rows: those of each list, tuple or set, or of a part of it."""

    atoms: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=lambda: [[]])
    buffers: list[bytes] = field(default_factory=list)

    def add(self, atom: str) -> None:
        self.atoms.append(atom)
        self.rows[-1].append(atom)


def _pickled(data: bytes) -> _Pickled:
    found = _Pickled()
    kept: dict[int, str | None] = {}
    last: str | None = None
    try:
        for code, value, _ in pickletools.genops(io.BytesIO(data)):
            if code.name in _PUTS:
                kept[len(kept) if value is None else int(value)] = last
                continue
            last = kept.get(int(value or 0)) if code.name in _GETS else _atom(code.name, value)
            if last is not None:
                found.add(last)
            elif code.name in _CLOSES:
                found.rows.append([])
            elif isinstance(value, (bytes, bytearray)) and len(value) >= 64:
                found.buffers.append(bytes(value))
            if len(found.atoms) >= ATOMS:
                break
    except Exception:  # noqa: BLE001 - a pickle may be cut, or made by anybody; what was read of it is looked at
        pass
    return found


def _atom(name: str, value: object) -> str | None:
    if name in ("PROTO", "FRAME", "GLOBAL") or not isinstance(value, (int, float, str)):
        return None
    return plain_number(value) if isinstance(value, float) else str(value)[:200]


def _database_rows(content: Content) -> Iterator[Rows]:
    connection = _opened(content)
    try:
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 10_000_000)
        steps = iter(range(STEPS // 10_000))
        connection.set_progress_handler(lambda: next(steps, None) is None, 10_000)
        named = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' LIMIT ?", (TABLES,))
        for (name,) in named.fetchall():
            quoted = '"' + str(name).replace('"', '""') + '"'
            yield rows_of(_fetched(connection, quoted))
    except sqlite3.Error as error:
        raise CannotLook("a database that cannot be read") from error
    finally:
        connection.close()


def _fetched(connection: sqlite3.Connection, table: str) -> list[list[list[str]]]:
    count = connection.execute(f"SELECT max(rowid) FROM {table}").fetchone()[0] or 0
    query = f"SELECT * FROM {table} WHERE rowid >= ? LIMIT {ROWS}"
    starts = (0, int(count) // 2) if int(count) > 2 * ROWS else (0,)
    return [[_row(row) for row in connection.execute(query, (start,))] for start in starts]


def _opened(content: Content) -> sqlite3.Connection:
    if content.path is not None:
        return sqlite3.connect(f"{content.path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
    connection = sqlite3.connect(":memory:")
    try:
        connection.deserialize(content.piece(0, WHOLE_BYTES))
    except sqlite3.Error as error:
        raise CannotLook("a database that cannot be read") from error
    return connection


def _frame_rows(content: Content, head: bytes) -> Iterator[Rows]:
    import polars

    source: Any = content.path or io.BytesIO(content.piece(0, WHOLE_BYTES))
    try:
        if head.startswith(b"PAR1"):
            frame = polars.scan_parquet(source).head(ROWS).collect()
        elif head.startswith(b"ARROW1"):
            frame = polars.scan_ipc(source).head(ROWS).collect()
        else:
            frame = polars.read_avro(source, n_rows=ROWS)
    except Exception as error:
        raise CannotLook("a table that cannot be read") from error
    except BaseException as error:  # a panic of polars' own is no Exception
        if type(error).__name__ != "PanicException":
            raise
        raise CannotLook("a table that cannot be read") from error
    yield rows_of([[_row(row) for row in frame.iter_rows()]])


def _row(values: Any) -> list[str]:
    found: list[str] = []
    for value in values:
        if isinstance(value, (list, tuple)):
            found += _row(value)
        elif isinstance(value, float):
            found.append(plain_number(value))
        elif isinstance(value, bytes):
            found.append(value.decode("utf-8", "replace"))
        elif value is not None:
            found.append(str(value))
    return found
