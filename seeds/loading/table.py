"""A tab-separated file with typed columns, read whole and checked line by line: RecBole's atomic layout.

The first line names each column and its type (`user_id:token`). This file knows nothing of what the columns
mean; `atomic.py` does.
"""

import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from seeds.errors import SourceError

if TYPE_CHECKING:
    import polars

TYPES = ("token", "token_seq", "float", "float_seq")
FIRST_ROW_LINE = 2  # line 1 is the header


@dataclass(frozen=True, kw_only=True, eq=False)
class Table:
    """types: column name -> one of `TYPES`. rows: every column as strings, "" where empty."""

    path: str
    types: dict[str, str]
    rows: "polars.DataFrame"

    def error(self, *, row: int, column: str, expected: str, found: str, next_step: str) -> SourceError:
        """A DataError about one row (from 0) of one column."""
        header = f"{column}:{self.types[column]}"
        return SourceError(
            path=self.path,
            line=row + FIRST_ROW_LINE,
            column=header,
            expected=expected,
            found=found,
            next_step=next_step,
        )


def read_table(path: Path) -> Table:
    """Read an atomic file, plain or gzip'd. Raises DataError with line and column where it is broken."""
    import polars

    data = _read_bytes(path)
    header, _, body = data.partition(b"\n")
    types = _column_types(str(path), _decode(str(path), header, first_line=1))
    _decode(str(path), body, first_line=FIRST_ROW_LINE)
    body = body.rstrip(b"\n")
    _check_widths(str(path), body, list(types))
    schema = dict.fromkeys(types, polars.String)
    if not body:
        return Table(path=str(path), types=types, rows=polars.DataFrame(schema=schema))
    rows = polars.read_csv(
        body,
        separator="\t",
        has_header=False,
        schema=schema,
        quote_char=None,
    ).fill_null("")
    return Table(path=str(path), types=types, rows=rows)


def numbers(table: Table, column: str, *, empty_is_nan: bool) -> NDArray[np.float64]:
    """A `float` column as float64 (N,). Raises DataError at the first value that is not a finite number.

    empty_is_nan: what an empty field means; where it is False an empty field is an error.
    """
    import polars

    text = table.rows[column]
    values = text.cast(polars.Float64, strict=False)
    bad = ~values.is_finite().fill_null(False)
    if empty_is_nan:
        bad &= text != ""
    if bad.any():
        row = int(bad.arg_max() or 0)
        raise table.error(
            row=row,
            column=column,
            expected="a number",
            found=repr(text[row]),
            next_step="Correct or remove the line.",
        )
    return values.fill_null(float("nan")).to_numpy().astype(np.float64)


def _read_bytes(path: Path) -> bytes:
    try:
        raw = path.read_bytes()
        data = gzip.decompress(raw) if path.name.endswith(".gz") else raw
    except (OSError, EOFError, zlib.error) as error:  # gzip.BadGzipFile is an OSError
        raise SourceError(
            path=str(path),
            expected="a readable file" + (" in gzip format" if path.name.endswith(".gz") else ""),
            found=str(error) or type(error).__name__,
            next_step="Copy or compress the file again.",
        ) from error
    return data.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n")


def _decode(path: str, data: bytes, *, first_line: int) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise SourceError(
            path=path,
            line=first_line + data.count(b"\n", 0, error.start),
            expected="UTF-8 text",
            found=f"byte 0x{data[error.start]:02x}",
            next_step="Convert the file to UTF-8.",
        ) from None


def _column_types(path: str, header: str) -> dict[str, str]:
    types: dict[str, str] = {}
    for field in header.split("\t"):
        name, colon, kind = field.rpartition(":")
        if not colon or not name or kind not in TYPES:
            raise SourceError(
                path=path,
                line=1,
                column=field,
                expected="name:type with type one of " + ", ".join(TYPES),
                found=repr(field),
                next_step="Give the file a header such as user_id:token<TAB>item_id:token<TAB>timestamp:float.",
            )
        if name in types:
            raise SourceError(
                path=path,
                line=1,
                column=field,
                expected="each column once",
                found=f"{name} twice",
                next_step="Rename or remove one of them.",
            )
        types[name] = kind
    return types


def _check_widths(path: str, body: bytes, columns: list[str]) -> None:
    if not body:
        return
    text = np.frombuffer(body, np.uint8)
    ends = np.append(np.flatnonzero(text == ord("\n")), len(text))  # (n_lines,)
    tabs = np.flatnonzero(text == ord("\t"))
    tabs_before = np.searchsorted(tabs, ends)
    widths = np.diff(tabs_before, prepend=0) + 1  # fields on each line
    blank = np.diff(ends, prepend=-1) == 1
    wrong = np.flatnonzero((widths != len(columns)) | blank)
    if not len(wrong):
        return
    line, width = int(wrong[0]), 0 if blank[wrong[0]] else int(widths[wrong[0]])
    raise SourceError(
        path=path,
        line=line + FIRST_ROW_LINE,
        column=columns[width] if width < len(columns) else "",
        expected=f"{len(columns)} fields separated by tabs",
        found=f"{width}" if width else "an empty line",
        next_step="Correct or remove the line.",
    )
