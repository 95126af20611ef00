"""Reads which users somebody asks about, from a table or a list of the log's own ids.

Nothing is read into names of columns: the ids are in the column that holds most users of the log.
"""

import csv
import io
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from evolution.base.errors import UsageError
from seeds.reading import parse_json, read_text

MOST_BYTES = 256 << 20
TABLES = {".csv": ",", ".tsv": "\t"}


@dataclass(frozen=True, kw_only=True)
class AskedUsers:
    """known: users of the log, as the file orders them, each once. unknown: ids that the log does not have."""

    known: tuple[str, ...]
    unknown: tuple[str, ...]


def read_asked_users(path: Path, of_log: Collection[str]) -> AskedUsers:
    """Users named in a Parquet, CSV, TSV or JSON lines file, or one on each line of any other text.

    Raises UsageError: there is no such file, it cannot be read, or names no user of the log.
    """
    try:
        columns = _columns(path)
    except (OSError, ValueError) as error:
        raise UsageError(f"--users {path}: {getattr(error, 'strerror', '') or error}") from None
    best = max(columns, key=lambda column: sum(cell in of_log for cell in column), default=())
    ids = list(dict.fromkeys(cell for cell in best if cell))
    if path.suffix.lower() in TABLES and len(ids) > 1 and ids[0] not in of_log:
        del ids[0]  # the column's name
    known = tuple(cell for cell in ids if cell in of_log)
    if not known:
        seen = f"such as {ids[0]!r}" if ids else "as it is empty"
        some = next(iter(of_log), "")
        raise UsageError(f"--users {path} names no user of the log, {seen}; expected ids such as {some!r}")
    return AskedUsers(known=known, unknown=tuple(cell for cell in ids if cell not in of_log))


def _columns(path: Path) -> list[tuple[str, ...]]:
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        return _parquet(path)
    text = read_text(path, most=MOST_BYTES)
    if suffix in TABLES:
        return _transposed(csv.reader(io.StringIO(text), delimiter=TABLES[suffix]))
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if suffix in (".jsonl", ".ndjson"):
        return _transposed(_cells(parse_json(line)) for line in lines)
    return [tuple(lines)]


def _parquet(path: Path) -> list[tuple[str, ...]]:
    import polars as pl
    from polars.exceptions import PolarsError

    try:
        table = pl.read_parquet(path)
    except PolarsError as error:
        raise ValueError(str(error)) from None
    plain = [column for column in table if not column.dtype.is_nested()]
    return [tuple(str(cell) for cell in column.to_list() if cell is not None) for column in plain]


def _transposed(rows: Iterable[Iterable[object]]) -> list[tuple[str, ...]]:
    columns: dict[int, list[str]] = {}
    for row in rows:
        for place, cell in enumerate(row):
            columns.setdefault(place, []).append(str(cell).strip())
    return [tuple(column) for column in columns.values()]


def _cells(value: object) -> Iterable[object]:
    return value.values() if isinstance(value, dict) else [value]
