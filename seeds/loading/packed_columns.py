"""Reads chosen columns of a Parquet file, by polars."""

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from seeds.errors import SourceError
from seeds.loading.members import Member, opened

if TYPE_CHECKING:
    import polars

MOST_BYTES = 8 << 30  # of a Parquet file inside of an archive, which is unpacked into memory


def parquet_columns(member: Member) -> tuple[str, ...]:
    """The names of a Parquet file's columns. Raises SourceError where it is none."""
    import polars

    return _asked(member, lambda file: tuple(polars.read_parquet_schema(file)))


def read_parquet(member: Member, wanted: Mapping[str, str]) -> "polars.DataFrame":
    """The wanted columns (our name -> the file's), and "line", which is the row from 1. Lists of events become rows."""
    import polars

    columns = list(dict.fromkeys(wanted.values()))
    read = _asked(member, lambda file: polars.read_parquet(file, columns=columns))
    frame = read.select(**{own: polars.col(theirs) for own, theirs in wanted.items()})
    frame = frame.with_row_index("line", offset=1).with_columns(polars.col("line").cast(polars.UInt32))
    lists = [name for name, kind in frame.schema.items() if isinstance(kind, (polars.List, polars.Array))]
    if "item" in lists:
        frame = frame.explode(*(name for name in lists if name in ("item", "time", "rating")))
    return frame


def _asked(member: Member, ask: Any) -> Any:
    import polars

    try:
        with opened(member) as stream:
            packed = bool(member.packed)
            return ask(io.BytesIO(stream.read(MOST_BYTES)) if packed else stream)
    except (OSError, EOFError, polars.exceptions.PolarsError) as error:
        raise SourceError(
            path=member.shown,
            expected="a readable Parquet file",
            found=str(error).splitlines()[0] if str(error) else type(error).__name__,
            next_step="Write it again, or correct data.source.",
        ) from error
