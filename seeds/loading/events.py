"""Reads the events of one or several tables into one `RawLog`, and the columns of items."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from seeds.loading.faults import Faults
from seeds.loading.layout import Kind, Layout, layout_of
from seeds.loading.members import Member
from seeds.loading.naming import USUAL, is_header, plain, recognised
from seeds.loading.numbering import as_names
from seeds.loading.options import Columns, Options
from seeds.loading.progress import Progress
from seeds.loading.raw import RawLog
from seeds.loading.tables import LINE, first_row, names_of, read_columns

if TYPE_CHECKING:
    import polars


@dataclass(frozen=True, kw_only=True)
class Source:
    """A table whose layout and columns are known. part: of PARTS, None where files do not divide the log."""

    member: Member
    layout: Layout
    wanted: Mapping[str, str]
    part: int | None = None


def read_events(tables: Sequence[tuple[Member, int | None]], options: Options, progress: Progress) -> RawLog:
    """The events of tables whose layouts and columns are recognised. Raises SourceError."""
    return read_sources([_recognised(member, part, options) for member, part in tables], progress)


def read_sources(sources: Sequence[Source], progress: Progress) -> RawLog:
    """The events of tables that are known, in their order. Raises SourceError."""
    import polars

    faults, frames = Faults(), list[polars.DataFrame]()
    for place, source in enumerate(sources):
        frame = read_columns(source.member, source.layout, source.wanted, progress=progress, faults=faults)
        frame = frame.with_columns(polars.lit(place, polars.UInt16).alias("file"))
        if source.part is not None:
            frame = frame.with_columns(polars.lit(source.part, polars.UInt8).alias("part"))
        frames.append(frame)
    return RawLog(
        events=_together(frames), files=tuple(source.member.shown for source in sources), faults=faults
    )


def _together(frames: "list[polars.DataFrame]") -> "polars.DataFrame":
    """One frame with the columns that all have; ids are text as soon as one file has them as text."""
    import polars

    if len(frames) == 1:
        return frames[0]
    named = [
        frame.with_columns(as_names(frame[what]).alias(what) for what in ("user", "item")) for frame in frames
    ]
    common = [name for name in named[0].columns if all(name in frame.columns for frame in named)]
    return polars.concat([frame.select(common) for frame in named], how="vertical_relaxed")


def _recognised(member: Member, part: int | None, options: Options) -> Source:
    layout = layout_of(member, options)
    if layout.kind is Kind.DELIMITED:
        first = tuple(name.strip() for name in first_row(member, layout))
        if not is_header(first, options.columns):
            layout = replace(layout, names=tuple(str(place) for place in range(1, len(first) + 1)))
    wanted = recognised(names_of(member, layout), options.columns, member.shown)
    return Source(member=member, layout=layout, wanted=wanted, part=part)


def read_items(member: Member, options: Options, progress: Progress) -> "polars.DataFrame":
    """Every column of a table of items, the id as "item". Raises SourceError where no column names the item."""
    layout = layout_of(member, options)
    names = names_of(member, layout)
    usual = (*USUAL["item"], "id")
    own = options.columns.item if options.columns.item in names else ""
    item = own or next((name for known in usual for name in names if plain(name) == known), "")
    if {plain(name) for name in names} == {"id", "feature", "value"}:
        return _spread(member, layout, names, progress)
    if not item:
        recognised(names, Columns(), member.shown)
    wanted = {"item": item, **{name: name for name in names if name not in (item, "item", LINE)}}
    return read_item_columns(member, layout, wanted, progress)


def _spread(member: Member, layout: Layout, names: tuple[str, ...], progress: Progress) -> "polars.DataFrame":
    """RecTools' features, a row for each value, as a column for each feature with its values in a list."""
    import polars

    wanted = {{"id": "item"}.get(plain(name), plain(name)): name for name in names}
    rows = read_item_columns(member, layout, wanted, progress).with_columns(
        polars.col("value").cast(polars.String)
    )
    lists = rows.group_by("item", "feature", maintain_order=True).agg("value")
    return lists.pivot("feature", index="item", values="value")


def read_item_columns(
    member: Member, layout: Layout, wanted: Mapping[str, str], progress: Progress
) -> "polars.DataFrame":
    """The wanted columns of items; lines that cannot be read, and items without an id, are passed over."""
    import polars

    frame = read_columns(member, layout, wanted, progress=progress, faults=Faults()).drop(LINE)
    return frame.with_columns(as_names(frame["item"]).alias("item")).filter(polars.col("item").is_not_null())
