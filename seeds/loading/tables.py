"""Reads chosen columns of a table, whatever its layout, in pieces: text columns and the line of each row."""

import csv
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from seeds.errors import SourceError
from seeds.loading.faults import Faults
from seeds.loading.layout import Kind, Layout
from seeds.loading.members import Member, first_bytes
from seeds.loading.packed_columns import parquet_columns, read_parquet
from seeds.loading.pieces import pieces, row_ends
from seeds.loading.progress import Progress
from seeds.loading.records import read_records, record_names

if TYPE_CHECKING:
    import polars

LINE = "line"  # the column with the line (from 1) of each row
_SPARE = "evolverec spare"  # what stands behind the last column
_UNIT = "\x1f"  # takes the place of separators that have several bytes, which polars does not read
HEADER_BYTES = 1 << 20


def names_of(member: Member, layout: Layout) -> tuple[str, ...]:
    """The columns of a table. Raises SourceError where it has none."""
    if layout.names:
        return layout.names
    if layout.kind is Kind.PARQUET:
        return parquet_columns(member)
    if layout.kind is not Kind.DELIMITED:
        return record_names(member, layout)
    return tuple(name.strip() for name in first_row(member, layout))


def first_row(member: Member, layout: Layout) -> tuple[str, ...]:
    """The fields of the first line. Raises SourceError where the file is empty or no text."""
    begin = first_bytes(member, HEADER_BYTES).partition(b"\n")[0]
    if not begin.strip():
        for _, piece in pieces(member, encodings=layout.encodings):
            begin = piece.partition(b"\n")[0]
            break
    text = begin.decode(layout.encodings[-1], "replace").removeprefix("\ufeff").rstrip("\r")
    if not text.strip():
        raise SourceError(
            path=member.shown,
            line=1,
            expected="a line that names the columns",
            found="an empty line" if begin else "an empty file",
            next_step="Write the names of the columns on the first line, or point data.source at a log with events.",
        )
    if not layout.quoted or len(layout.separator) > 1:
        return tuple(text.split(layout.separator))
    return tuple(next(csv.reader([text], delimiter=layout.separator)))


def read_columns(
    member: Member, layout: Layout, wanted: Mapping[str, str], *, progress: Progress, faults: Faults
) -> "polars.DataFrame":
    """The wanted columns (our name -> the file's) and LINE. Text where the file holds text; missing fields are null.

    Rows that are no rows at all are counted in `faults` and left out. Raises SourceError.
    """
    progress.begin(member.path)
    if layout.kind is Kind.PARQUET:
        frame = read_parquet(member, wanted)
        faults.rows += len(frame)
        progress.add(len(frame), 0)
        progress.whole = True
        return frame
    if layout.kind is not Kind.DELIMITED:
        return read_records(member, layout, wanted, progress=progress, faults=faults)
    return _read_delimited(member, layout, wanted, progress=progress, faults=faults)


def _read_delimited(
    member: Member, layout: Layout, wanted: Mapping[str, str], *, progress: Progress, faults: Faults
) -> "polars.DataFrame":
    import polars

    names = names_of(member, layout)
    places = {own: names.index(theirs) for own, theirs in wanted.items()}
    quote = b'"' if layout.quoted and len(layout.separator) == 1 else b""
    frames: list[polars.DataFrame] = []
    for line, data in pieces(member, encodings=layout.encodings, quote=quote):
        skipped = int(line == 1 and not layout.names)
        body = data
        if skipped:
            body = (
                data[int(row_ends(data[: data.find(b"\n") + 1] or data)[0]) + 1 :] if b"\n" in data else b""
            )
        if body:
            rows = _rows(body, layout.separator, quote, len(names), member, line + skipped)
            rows = _with_lines(rows, body, quote, line + skipped)
            frames.append(_kept(rows, places, member, faults))
        progress.add(len(frames[-1]) if frames and body else 0, len(data))
    progress.whole = True
    if frames:
        return polars.concat(frames)
    return polars.DataFrame(schema={**dict.fromkeys(places, polars.String), LINE: polars.UInt32})


def _rows(
    body: bytes, separator: str, quote: bytes, width: int, member: Member, line: int
) -> "polars.DataFrame":
    """Every field as text, one row for each row of the piece, also for a blank one; a column more than there should be."""
    import polars

    if len(separator.encode()) > 1:
        body, separator = body.replace(separator.encode(), _UNIT.encode()), _UNIT
    schema = {str(place): polars.String for place in range(width)} | {_SPARE: polars.String}
    try:
        return polars.read_csv(
            body,
            separator=separator,
            has_header=False,
            schema=schema,
            quote_char=quote.decode() or None,
            extra_columns="ignore",
            missing_columns="insert",
        )
    except polars.exceptions.PolarsError as error:
        raise SourceError(
            path=member.shown,
            line=line,
            expected=f"rows with {separator!r} between their fields, from this line on",
            found=str(error).splitlines()[0][:200],
            next_step="Look for quotes that are not closed, or set data.separator.",
        ) from error


def _with_lines(rows: "polars.DataFrame", body: bytes, quote: bytes, first: int) -> "polars.DataFrame":
    import polars

    lines = np.arange(first, first + len(rows), dtype=np.uint32)
    if quote and quote in body:
        ends = row_ends(body, quote)
        if len(ends) == len(rows):
            breaks = np.flatnonzero(np.frombuffer(body, np.uint8) == ord("\n"))
            before = np.searchsorted(
                breaks, np.concatenate(([0], ends[:-1] + 1))
            )  # line ends before each row
            lines = (first + before).astype(np.uint32)
    return rows.with_columns(polars.Series(LINE, lines))


def _kept(
    rows: "polars.DataFrame", places: Mapping[str, int], member: Member, faults: Faults
) -> "polars.DataFrame":
    """The wanted columns of the rows that are neither blank nor too long."""
    import polars

    faults.rows += len(rows)
    wide = rows.filter(polars.col(_SPARE).is_not_null())
    if len(wide):
        faults.add(
            "more fields than columns",
            path=member.shown,
            line=int(wide[LINE][0]),
            found=str(wide[_SPARE][0]),
            count=len(wide),
        )
        rows = rows.filter(polars.col(_SPARE).is_null())
    chosen = rows.select(**{own: polars.col(str(place)) for own, place in places.items()}, **{LINE: LINE})
    blank = rows.select(polars.all_horizontal(polars.exclude(LINE).is_null())).to_series()
    faults.rows -= int(blank.sum())
    return chosen.filter(~blank) if blank.any() else chosen
