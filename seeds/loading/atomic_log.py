"""Reads a log that is kept in RecBole's atomic files; `atomic.py` says which files these are.

Events need `user_id:token`, `item_id:token`, and an order: `timestamp:float` (its unit is recognised) or `position:float`; `rating:float` is optional. Item columns are recognised by the names that
published data sets use; the rest is kept as it is.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from seeds.assembly import ItemFacts
from seeds.errors import SourceError
from seeds.interactions import Float32, Int64, Interactions
from seeds.loading.faults import Faults
from seeds.loading.numbering import interactions_of
from seeds.loading.options import Options
from seeds.loading.progress import Progress
from seeds.loading.raw import RawLog
from seeds.loading.table import FIRST_ROW_LINE, Table, numbers, read_table

if TYPE_CHECKING:
    import polars

TITLE_NAMES = ("title", "movie_title", "item_name", "name")
CATEGORY_NAMES = ("categories", "category", "genres", "genre", "class")
STORE_NAMES = ("store", "brand")
# A source's own average rating is made from events that we hold out: it is computed again from training events.
LEAKY_NAMES = ("average_rating", "avg_rating", "rating_number")
LONGEST_NAME = 10_000
MOST_CATEGORIES = 1_000


def read_log(
    logs: Sequence[tuple[Path, int | None]], beside: Path | None, options: Options, progress: Progress
) -> Interactions:
    """Events of `.inter` files, each with its part of a split; beside: the `.item` file with its item columns. Raises
    SourceError.
    """
    import polars

    tables = [(read_table(log, progress, options.separator), part) for log, part in logs]
    frames = [_events_of(table, place, part) for place, (table, part) in enumerate(tables)]
    common = [name for name in frames[0].columns if all(name in frame.columns for frame in frames)]
    events = frames[0] if len(frames) == 1 else polars.concat(frame.select(common) for frame in frames)
    rows = sum(len(table.rows) for table, _ in tables)
    notes = ("sequences (item_id_list) were taken apart into their events",) if "list" in common else ()
    if "list" in common:
        events = _unrolled(events)
        rows = len(events)
    raw = RawLog(
        events=events, files=tuple(str(log) for log, _ in logs), faults=Faults(rows=rows), notes=notes
    )
    if beside is not None:
        items = read_table(beside, progress, options.separator)
        _require(items, "item_id", "token")
        ids = items.rows.select(item="item_id")
        raw = replace(raw, items=ids, facts=lambda item_names: _item_facts(items, item_names))
    return interactions_of(raw, options)


def _events_of(table: Table, place: int, part: int | None) -> "polars.DataFrame":
    """The columns of events as `RawLog` calls them. Raises SourceError where an id or a time is missing or wrong."""
    import polars

    if table.rows.is_empty():
        raise SourceError(
            path=table.path,
            line=2,
            expected="at least one event",
            found="the end of the file",
            next_step="Point data.source at a log with events.",
        )
    user = "session_id" if "session_id" in table.types and "user_id" not in table.types else "user_id"
    _check_ids(table, user)
    _check_ids(table, "item_id")
    found = {"user": table.rows[user], "item": table.rows["item_id"]}
    if "item_id_list" in table.types:
        _require(table, "item_id_list", "token_seq")
        found["list"] = table.rows["item_id_list"]
    else:
        found |= _order(table)
    if "rating" in table.types and "list" not in found:
        _require(table, "rating", "float")
        found["rating"] = table.rows["rating"]
    rows = polars.DataFrame(found)
    first = polars.int_range(FIRST_ROW_LINE, FIRST_ROW_LINE + polars.len(), dtype=polars.UInt32)
    rows = rows.with_columns(line=first, file=polars.lit(place, polars.UInt16))
    return rows if part is None else rows.with_columns(part=polars.lit(part, polars.UInt8))


def _unrolled(rows: "polars.DataFrame") -> "polars.DataFrame":
    """Events of sequence files, whose rows are a target and what came before it.

    Of a user the first row gives its sequence and its target, each later one its target alone, as its sequence repeats them.
    A sequence of a held-out part is history, which the training part has already; where it has not, it becomes training.
    """
    import polars

    parted = rows if "part" in rows.columns else rows.with_columns(part=polars.lit(0, polars.UInt8))
    marked = parted.with_columns(
        ids=polars.when(polars.col("user").is_first_distinct())
        .then(polars.concat_list(polars.col("list").str.split(" "), "item"))
        .otherwise(polars.concat_list("item"))
    )
    spread = marked.with_columns(last=polars.col("ids").list.len() - 1).with_row_index("row")
    spread = spread.with_columns(place=polars.int_ranges(0, polars.col("ids").list.len()))
    events = spread.explode("ids", "place").filter(polars.col("ids") != "")
    before = (polars.col("place") < polars.col("last")).cast(polars.UInt8)
    return events.select(
        "user",
        polars.col("ids").alias("item"),
        polars.int_range(polars.len(), dtype=polars.Int64).alias("position"),
        "line",
        "file",
        *([polars.col("part") * (1 - before)] if "part" in rows.columns else []),
    )


def _require(table: Table, column: str, kind: str) -> None:
    if table.types.get(column) == kind:
        return
    present = ", ".join(f"{name}:{found}" for name, found in table.types.items())
    raise SourceError(
        path=table.path,
        line=1,
        column=f"{column}:{kind}",
        expected="this column",
        found=present,
        next_step="Add it, or rename the column that holds it.",
    )


def _check_ids(table: Table, column: str) -> None:
    _require(table, column, "token")
    empty = table.rows[column] == ""
    if empty.any():
        raise table.error(
            row=int(empty.arg_max() or 0),
            column=column,
            expected="an id",
            found="nothing",
            next_step="Correct or remove the line.",
        )


def _order(table: Table) -> "dict[str, polars.Series]":
    """What to sort events by: their "time", or a "position"."""
    import polars

    for column, own in (("timestamp", "time"), ("position", "position")):
        if column in table.types:
            _require(table, column, "float")
            return {own: polars.Series(numbers(table, column, empty_is_nan=False))}
    present = ", ".join(f"{name}:{kind}" for name, kind in table.types.items())
    raise SourceError(
        path=table.path,
        line=1,
        column="timestamp:float",
        expected="timestamp:float or position:float, to order a user's events by",
        found=present,
        next_step="Add one of them; without an order nothing can be held out.",
    )


def _item_facts(table: Table, item_names: tuple[str, ...]) -> ItemFacts:
    """The item columns in the order of `item_names`; items of the file without events are left out."""
    places = _item_places(table, item_names)
    text = [name for name, kind in table.types.items() if kind != "float"]
    title, category, store = (
        next((name for name in names if name in text), "")
        for names in (TITLE_NAMES, CATEGORY_NAMES, STORE_NAMES)
    )
    floats = {
        name: _aligned_floats(numbers(table, name, empty_is_nan=True), places)
        for name, kind in table.types.items()
        if kind == "float" and name not in LEAKY_NAMES
    }
    unknown = np.full(len(item_names), np.nan, np.float32)
    used = {"item_id", title, category, store, *LEAKY_NAMES}
    return ItemFacts(
        title=_aligned(table, title, places),
        categories=_category_paths(table, category, places),
        price=floats.pop("price", unknown),
        store=_aligned(table, store, places),
        other={**floats, **{name: _aligned(table, name, places) for name in text if name not in used}},
    )


def _item_places(table: Table, item_names: tuple[str, ...]) -> Int64:
    """The row of each of our items 1.. in the file, -1 where it is absent: (n_items,)."""
    import polars

    _check_sizes(table)
    _require(table, "item_id", "token")
    ids = table.rows["item_id"]
    twice = ~ids.is_first_distinct()
    if twice.any():
        row = int(twice.arg_max() or 0)
        raise table.error(
            row=row,
            column="item_id",
            expected="each item once",
            found=f"{ids[row]!r} again",
            next_step="Remove one of the lines.",
        )
    wanted = polars.DataFrame({"item_id": item_names[1:]})
    rows = table.rows.with_row_index("row").select("item_id", "row")
    found = wanted.join(rows, on="item_id", how="left", maintain_order="left")["row"]
    return found.cast(polars.Int64).fill_null(-1).to_numpy()


def _check_sizes(table: Table) -> None:
    """Titles are shown to people, and categories are nested: a text of a megabyte is neither."""
    lengths = {
        name: (table.rows[name].str.len_chars(), LONGEST_NAME, "characters")
        for name in TITLE_NAMES
        if name in table.types
    }
    for name in CATEGORY_NAMES:
        if table.types.get(name) == "token_seq":
            lengths[name] = (table.rows[name].str.count_matches(" ") + 1, MOST_CATEGORIES, "categories")
    for name, (found, most, unit) in lengths.items():
        if len(found) and (found > most).any():
            row = int((found > most).arg_max() or 0)
            raise table.error(
                row=row,
                column=name,
                expected=f"at most {most:,} {unit}",
                found=f"{found[row]:,}",
                next_step="Shorten it.",
            )


def _category_paths(table: Table, column: str, places: Int64) -> tuple[tuple[str, ...], ...]:
    """A `token_seq` lists categories, separated by one space; a `token` is one category, spaces and all."""
    texts = _aligned(table, column, places)
    if table.types.get(column) == "token":
        return tuple((text,) if text else () for text in texts)
    return tuple(tuple(text.split()) for text in texts)


def _aligned(table: Table, column: str, places: Int64) -> tuple[str, ...]:
    """A text column by our ids, "" for padding, for unknown items and where there is no such column."""
    if not column:
        return ("",) * (len(places) + 1)
    values = [*table.rows[column].to_list(), ""]  # the last entry answers for place -1
    return ("", *(values[place] for place in places))


def _aligned_floats(values: NDArray[np.float64], places: Int64) -> Float32:
    """A number column by our ids, NaN for padding and for unknown items."""
    return np.concatenate(([np.nan], np.append(values, np.nan)[places])).astype(np.float32)
