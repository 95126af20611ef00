"""Reads chosen fields of files with one record on each line: JSON, or the Python dicts that some old data sets print.

Python's `eval` would run what stands in such a file; `ast.literal_eval` reads values alone.
"""

import ast
import io
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from seeds.errors import SourceError
from seeds.loading.faults import Faults
from seeds.loading.layout import Kind, Layout
from seeds.loading.members import Member
from seeds.loading.pieces import pieces
from seeds.loading.progress import Progress
from seeds.reading import parse_json

if TYPE_CHECKING:
    import polars

SAMPLED = 100  # records that tell the names of all
LISTS = ("categories",)  # fields that hold lists of texts; all others are one text


def record_names(member: Member, layout: Layout) -> tuple[str, ...]:
    """The fields of the first SAMPLED records. Raises SourceError where there are none."""
    for line, piece in pieces(member, encodings=layout.encodings):
        texts = [text for text in piece.split(b"\n", SAMPLED)[:SAMPLED] if text.strip()]
        found = [record for text in texts if (record := _record(text, layout.kind)) is not None]
        if found:
            return tuple(dict.fromkeys(str(name) for record in found for name in record))
        if texts:
            _refuse(member, line, layout.kind, texts[0])
    raise SourceError(
        path=member.shown,
        line=1,
        expected="one record on each line",
        found="an empty file",
        next_step="Point data.source at a log with events.",
    )


def read_records(
    member: Member, layout: Layout, wanted: Mapping[str, str], *, progress: Progress, faults: Faults
) -> "polars.DataFrame":
    """The wanted fields (our name -> the record's) as text, null where absent, and "line". Raises SourceError."""
    import polars

    frames: list[polars.DataFrame] = []
    for line, piece in pieces(member, encodings=layout.encodings):
        texts, lines = _filled(piece, line)
        faults.rows += len(texts)
        frames += _frames(texts, lines, layout.kind, wanted, member, faults)
        progress.add(len(texts), len(piece))
    progress.whole = True
    schema = {**_schema({own: own for own in wanted}), "line": polars.UInt32}
    return polars.concat(frames).select(*schema) if frames else polars.DataFrame(schema=schema)


def _filled(piece: bytes, first: int) -> tuple[list[bytes], list[int]]:
    """The lines of a piece that are not blank, and the number of each."""
    texts = piece.split(b"\n")
    kept = [number for number, text in enumerate(texts) if text and not text.isspace()]
    return [texts[number] for number in kept], [first + number for number in kept]


def _frames(
    texts: list[bytes],
    lines: list[int],
    kind: Kind,
    wanted: Mapping[str, str],
    member: Member,
    faults: Faults,
) -> "list[polars.DataFrame]":
    """The records; halved where a line is broken, until that line alone is left out."""
    import polars

    if not texts:
        return []
    if kind is Kind.LITERAL:
        return _literal_frame(texts, lines, wanted, member, faults)
    try:
        rows = polars.read_ndjson(io.BytesIO(b"\n".join(texts)), schema=_schema(wanted))
        if len(rows) != len(texts):
            raise polars.exceptions.ComputeError("lines were passed over")
    except polars.exceptions.PolarsError:
        if len(texts) == 1:
            _count(member, lines[0], kind, texts[0], faults)
            return []
        half = len(texts) // 2
        parts = ((texts[:half], lines[:half]), (texts[half:], lines[half:]))
        return [
            frame for some, numbers in parts for frame in _frames(some, numbers, kind, wanted, member, faults)
        ]
    rows = rows.select(**{own: polars.col(theirs) for own, theirs in wanted.items()})
    return [rows.with_columns(polars.Series("line", lines, polars.UInt32))]


def _literal_frame(
    texts: list[bytes], lines: list[int], wanted: Mapping[str, str], member: Member, faults: Faults
) -> "list[polars.DataFrame]":
    import polars

    columns: dict[str, list[Any]] = {name: [] for name in (*wanted, "line")}
    for text, line in zip(texts, lines):
        record = _record(text, Kind.LITERAL)
        if record is None:
            _count(member, line, Kind.LITERAL, text, faults)
            continue
        for own, theirs in wanted.items():
            columns[own].append(
                _as_list(record.get(theirs)) if own in LISTS else _as_text(record.get(theirs))
            )
        columns["line"].append(line)
    return [
        polars.DataFrame(columns, schema={**_schema({own: own for own in wanted}), "line": polars.UInt32})
    ]


def _schema(wanted: Mapping[str, str]) -> "dict[str, Any]":
    """The type of each field, by the record's own names."""
    import polars

    text, texts = polars.String, polars.List(polars.String)
    return {theirs: texts if own in LISTS else text for own, theirs in wanted.items()}


def _record(text: bytes, kind: Kind) -> dict[str, Any] | None:
    """None for what is no record."""
    try:
        value = parse_json(text) if kind is Kind.JSON else ast.literal_eval(text.decode().strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return None
    return value if isinstance(value, dict) else None


def _as_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, default=str) if isinstance(value, (dict, list)) else str(value)


def _as_list(value: Any) -> list[str]:
    """Categories, which may be one text, a list, or a list of lists whose first is taken."""
    if isinstance(value, str):
        return [value]
    found = list(value) if isinstance(value, (list, tuple)) else []
    return (
        _as_list(found[0]) if found and isinstance(found[0], (list, tuple)) else [str(name) for name in found]
    )


def _count(member: Member, line: int, kind: Kind, text: bytes, faults: Faults) -> None:
    faults.add(
        f"not {_called(kind)}", path=member.shown, line=line, found=text[:200].decode("utf-8", "replace")
    )


def _called(kind: Kind) -> str:
    return "a JSON object" if kind is Kind.JSON else "a Python dict"


def _refuse(member: Member, line: int, kind: Kind, text: bytes) -> None:
    raise SourceError(
        path=member.shown,
        line=line,
        expected=f"{_called(kind)} on each line",
        found=repr(text[:60].decode("utf-8", "replace")),
        next_step="Write one record on each line, or correct data.source.",
    )
