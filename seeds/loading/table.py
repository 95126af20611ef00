"""A tab-separated file with typed columns, read in pieces and checked line by line: RecBole's atomic layout.

The first line names each column and its type (`user_id:token`). This file knows nothing of what the columns
mean; `atomic.py` does.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import numpy as np
from numpy.typing import NDArray

from seeds.errors import SourceError
from seeds.loading.members import Member
from seeds.loading.pieces import pieces
from seeds.loading.progress import Progress

if TYPE_CHECKING:
    import polars

TYPES = ("token", "token_seq", "float", "float_seq")
SAID = {"\t": "tabs", ",": "commas"}
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


def read_table(path: Path, progress: Progress, separator: str = "") -> Table:
    """Read an atomic file, plain or gzip'd, in pieces. Raises DataError with line and column where it is broken.

    separator: RecBole's field_separator, one byte; "" for a tab, or a comma where the header has no tab.
    """
    import polars

    progress.begin(path)
    frames: list[polars.DataFrame] = []
    types: dict[str, str] | None = None
    blank = 0  # a line without text, which only the end of a file may have
    for line, data in pieces(Member(path=path)):
        piece = data
        if types is None:
            header, _, piece = data.partition(b"\n")
            names = header.decode("utf-8")
            separator = separator or (
                "," if "\t" not in names and names.count(":") > 1 and "," in names else "\t"
            )
            if len(separator.encode()) != 1:
                raise _bad_separator(path, separator)
            types = _column_types(str(path), names, separator)
        body = piece.rstrip(b"\n")
        first = max(line, FIRST_ROW_LINE)
        if body and blank:
            _refuse_blank(str(path), blank, next(iter(types)))
        if body:
            _check_widths(str(path), body, list(types), first, separator)
            frames.append(_rows(body, types, separator))
        if len(piece) > len(body) + 1 or (piece and not body):
            blank = blank or first + body.count(b"\n") + bool(body)
        progress.add(body.count(b"\n") + bool(body), len(data))
    progress.whole = True
    types = types if types is not None else _column_types(str(path), "", separator)
    rows = polars.concat(frames) if frames else polars.DataFrame(schema=dict.fromkeys(types, polars.String))
    return Table(path=str(path), types=types, rows=rows)


def _bad_separator(path: Path, separator: str) -> SourceError:
    return SourceError(
        path=str(path),
        expected="a separator of one byte",
        found=repr(separator),
        next_step="Correct data.separator in evolverec.toml.",
    )


def _rows(body: bytes, types: dict[str, str], separator: str) -> "polars.DataFrame":
    import polars

    schema = dict.fromkeys(types, polars.String)
    rows = polars.read_csv(body, separator=separator, has_header=False, schema=schema, quote_char=None)
    return rows.fill_null("")


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


def _column_types(path: str, header: str, separator: str) -> dict[str, str]:
    types: dict[str, str] = {}
    for field in header.split(separator or "\t"):
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


def _check_widths(path: str, body: bytes, columns: list[str], first_line: int, separator: str) -> None:
    text = np.frombuffer(body, np.uint8)
    ends = np.append(np.flatnonzero(text == ord("\n")), len(text))  # (n_lines,)
    tabs = np.flatnonzero(text == ord(separator))
    tabs_before = np.searchsorted(tabs, ends)
    widths = np.diff(tabs_before, prepend=0) + 1  # fields on each line
    blank = np.diff(ends, prepend=-1) == 1
    wrong = np.flatnonzero((widths != len(columns)) | blank)
    if not len(wrong):
        return
    line, width = int(wrong[0]) + first_line, 0 if blank[wrong[0]] else int(widths[wrong[0]])
    if not width:
        _refuse_blank(path, line, columns[0])
    raise SourceError(
        path=path,
        line=line,
        column=columns[width] if width < len(columns) else "",
        expected=f"{len(columns)} fields separated by {SAID.get(separator, repr(separator))}",
        found=f"{width}",
        next_step="Correct or remove the line.",
    )


def _refuse_blank(path: str, line: int, column: str) -> NoReturn:
    raise SourceError(
        path=path,
        line=line,
        column=column,
        expected="a row",
        found="an empty line",
        next_step="Remove the line.",
    )
