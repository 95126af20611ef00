"""From what a format read to `Interactions`: rows that cannot be used are left out, settings applied, ids numbered."""

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from seeds.assembly import Events, ItemFacts, assemble, no_facts
from seeds.errors import SourceError
from seeds.interactions import Float32, Int64, Interactions
from seeds.loading.facts import facts_of
from seeds.loading.faults import quoted
from seeds.loading.filters import filtered
from seeds.loading.options import PARTS, Options
from seeds.loading.raw import RawLog
from seeds.loading.times import read_times
from seeds.log_report import Alike, LogReport

if TYPE_CHECKING:
    import polars

DIVIDED = 'the source is divided into parts already, which are taken together here; data.split = "given" keeps them apart'
_SPLIT_WORDS = {
    **dict.fromkeys(("train", "training", "tr", "0"), 0),
    **dict.fromkeys(("valid", "validation", "val", "dev", "1"), 1),
    **dict.fromkeys(("test", "testing", "te", "2"), 2),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class _Clock:
    """order: (N,). seconds: int64 (N,), None without times. unit: "" without times."""

    order: NDArray[np.generic]
    seconds: Int64 | None
    unit: str


def interactions_of(raw: RawLog, options: Options) -> Interactions:
    """The events that can be used, numbered and sorted, with the report on them. Raises SourceError."""
    if "part" in raw.events.columns and not options.given:
        raw = replace(raw, notes=(*raw.notes, DIVIDED))
    raw = _with_ids(raw)
    raw, clock = _with_times(raw, options)
    parts = _parts(raw, options)
    raw.faults.judge()
    if raw.events.is_empty():
        raise _nothing_left(raw, "no row with a user and an item")
    ratings, unread = _ratings(raw)
    users, user_names = dense_ids(raw.events["user"])
    items, item_names = dense_ids(raw.events["item"])
    events = Events(
        users=users, items=items, order=clock.order, timestamps=clock.seconds, ratings=ratings, parts=parts
    )
    events, left_out = filtered(events, options)
    if not len(events.users):
        raise _nothing_left(raw, ", ".join(f"{count:,} events {why}" for why, count in left_out))
    if left_out:
        events, user_names, item_names = _renumbered(events, user_names, item_names)
    log = assemble(events, _facts(raw, item_names), user_names=user_names, item_names=item_names)
    known = 0 if raw.items is None else _known(raw.items, item_names)
    report = _report(raw, log, clock.unit, left_out, unread, known)
    return replace(log, report=report, candidates=_candidates(raw, user_names, item_names))


def _candidates(
    raw: RawLog, user_names: tuple[str, ...], item_names: tuple[str, ...]
) -> dict[int, dict[int, Int64]]:
    """By our ids; items that no event knows are left out."""
    if not raw.candidates:
        return {}
    users, items = ({name: place for place, name in enumerate(names)} for names in (user_names, item_names))
    return {
        part: {
            users[user]: np.array([items[item] for item in found if item in items], np.int64)
            for user, found in lists.items()
            if user in users
        }
        for part, lists in raw.candidates.items()
    }


def dense_ids(names: "polars.Series") -> tuple[Int64, tuple[str, ...]]:
    """Ids from 1 in order of first appearance, int64 (N,), and the source's name of each id, "" for 0."""
    import polars

    distinct = names.unique(maintain_order=True)
    ids = polars.DataFrame({"name": distinct}).with_row_index("id", offset=1)
    dense = names.rename("name").to_frame().join(ids, on="name", how="left", maintain_order="left")["id"]
    return dense.to_numpy().astype(np.int64), ("", *distinct.to_list())


def as_names(values: "polars.Series") -> "polars.Series":
    """Ids as text: "007" stays "007", and a whole number that was kept as a float loses its ".0"."""
    import polars

    if values.dtype.is_float():
        whole = values.cast(polars.Int64, strict=False)
        if (whole.cast(values.dtype) == values).all():
            values = whole
    return values if values.dtype == polars.String else values.cast(polars.String)


def _with_ids(raw: RawLog) -> RawLog:

    events = raw.events.with_columns(as_names(raw.events[what]).alias(what) for what in ("user", "item"))
    raw = replace(raw, events=events)
    for what in ("user", "item"):
        ids = raw.events[what]
        missing = ids.is_null() | (ids.str.strip_chars() == "")
        raw = _left_out(raw, missing.fill_null(True), f"no {what}", what)
    return raw


def _left_out(raw: RawLog, bad: "polars.Series", reason: str, column: str) -> RawLog:
    """The log without the bad rows, which are counted."""
    if not bad.any():
        return raw
    row = int(bad.arg_max() or 0)
    path, line = raw.place(row)
    found = raw.events[column][row]
    raw.faults.add(
        reason, path=path, line=line, found="" if found is None else str(found), count=int(bad.sum())
    )
    return replace(raw, events=raw.events.filter(~bad))


def _with_times(raw: RawLog, options: Options) -> tuple[RawLog, _Clock]:
    if "time" in raw.events.columns:
        return _with_clock(raw, options)
    if "position" in raw.events.columns:
        found = read_times(raw.events["position"], "s")
        raw = _left_out(raw, found.order.is_null(), "no position", "position")
        return raw, _Clock(order=found.order.drop_nulls().to_numpy(), seconds=None, unit="")
    if options.given or raw.timeless == "in order":
        return raw, _Clock(order=np.arange(len(raw.events)), seconds=None, unit="")
    raise SourceError(
        path=raw.files[0],
        expected="a column with the time or the position of each event, to order a user's events by",
        found=raw.timeless or "none",
        next_step='Name it in evolverec.toml: [data.columns] time = "NAME"; without an order nothing can be held out, but '
        'by data.split = "given".',
    )


def _with_clock(raw: RawLog, options: Options) -> tuple[RawLog, _Clock]:
    found = read_times(raw.events["time"], options.time_unit)
    if found.odd:
        (row, unit), (other, strange) = sorted(found.odd)
        path, line = raw.place(other)
        first_path, first_line = raw.place(row)
        raise SourceError(
            path=path,
            line=line,
            column="time",
            expected=f"{unit}, as on line {first_line:,}"
            + (f" of {first_path}" if first_path != path else ""),
            found=f"{strange}: {quoted(str(raw.events['time'][other]))}",
            next_step="Correct one of them, or say in evolverec.toml which it is: data.time_unit.",
        )
    unread = found.order.is_null() | found.seconds.is_null()
    raw = _left_out(raw, unread, "no time that can be read", "time")
    order, seconds = found.order.filter(~unread), found.seconds.filter(~unread)
    return raw, _Clock(order=order.to_numpy(), seconds=seconds.to_numpy().astype(np.int64), unit=found.unit)


def _parts(raw: RawLog, options: Options) -> NDArray[np.uint8] | None:
    """The part of PARTS of each event, uint8 (N,); None where the source is not to divide it."""
    import polars

    if not options.given:
        return None
    if "split" in raw.events.columns:
        words = raw.events["split"].cast(polars.String).str.strip_chars().str.to_lowercase()
        found = words.replace_strict(_SPLIT_WORDS, default=None, return_dtype=polars.UInt8)
        if found.null_count():
            row = int(found.is_null().arg_max() or 0)
            raise raw.error(
                row,
                "split",
                expected=f"one of {', '.join(PARTS)}",
                found=quoted(str(raw.events["split"][row])),
                next_step="Correct the line, or data.columns.split in evolverec.toml.",
            )
        return found.to_numpy()
    if "part" in raw.events.columns:
        return raw.events["part"].to_numpy()
    raise SourceError(
        path=raw.files[0],
        expected="files of their own for training and test, or a column that says which an event is for",
        found="neither",
        next_step='Name them in evolverec.toml ([data.parts] train = "FILE", test = "FILE"; or [data.columns] split = '
        '"NAME"), or set data.split to "leave-last-two-out".',
    )


def _ratings(raw: RawLog) -> tuple[Float32 | None, int]:
    """float32 (N,), NaN where there is none, and how many are there and are no numbers."""
    import polars

    if "rating" not in raw.events.columns:
        return None, 0
    text = raw.events["rating"]
    values = (text.str.strip_chars() if text.dtype == polars.String else text).cast(
        polars.Float64, strict=False
    )
    good = values.is_finite().fill_null(False)
    there = text.is_not_null() if text.dtype != polars.String else text.fill_null("").str.strip_chars() != ""
    numbers = values.fill_null(float("nan")).to_numpy().astype(np.float32)
    return np.where(good.to_numpy(), numbers, np.float32(np.nan)), int((there & ~good).sum())


def _facts(raw: RawLog, item_names: tuple[str, ...]) -> ItemFacts:
    if raw.facts is not None:
        return raw.facts(item_names)
    return no_facts(len(item_names) - 1) if raw.items is None else facts_of(raw.items, item_names)


def _renumbered(
    events: Events, user_names: tuple[str, ...], item_names: tuple[str, ...]
) -> tuple[Events, tuple[str, ...], tuple[str, ...]]:
    """The same events with ids from 1 without gaps, in the order that the ids had."""
    users, kept_users = _without_gaps(events.users)
    items, kept_items = _without_gaps(events.items)
    return (
        replace(events, users=users, items=items),
        ("", *(user_names[user] for user in kept_users)),
        ("", *(item_names[item] for item in kept_items)),
    )


def _without_gaps(ids: Int64) -> tuple[Int64, Int64]:
    kept = np.flatnonzero(np.bincount(ids))
    renumbered = np.zeros(kept[-1] + 1, np.int64)
    renumbered[kept] = np.arange(1, len(kept) + 1)
    return renumbered[ids], kept


def _nothing_left(raw: RawLog, found: str) -> SourceError:
    return SourceError(
        path=raw.files[0] if raw.files else "",
        line=2 if raw.files else 0,
        expected="at least one event",
        found=found,
        next_step="Point data.source at a log with events, or correct [data].",
    )


def _known(items: "polars.DataFrame", item_names: tuple[str, ...]) -> int:
    import polars

    wanted = polars.DataFrame({"item": list(item_names[1:])}, schema={"item": polars.String})
    return len(wanted.join(items.select("item"), on="item", how="semi"))


def _report(
    raw: RawLog, log: Interactions, unit: str, left_out: tuple[tuple[str, int], ...], unread: int, known: int
) -> LogReport:
    times = log.timestamps
    clock = times if times is not None else np.empty(0, np.int64)
    set_times = clock[clock != 0]
    same_user = log.users[1:] == log.users[:-1]
    tied = int((same_user & (clock[1:] == clock[:-1])).sum()) if times is not None else 0
    repeats, duplicates = _again(log)
    return LogReport(
        rows=raw.faults.rows or log.n_events,
        events=log.n_events,
        users=log.n_users,
        items=log.n_items,
        dropped=raw.faults.all(),
        filtered=left_out,
        unit=unit,
        first=int(set_times.min()) if len(set_times) else 0,
        last=int(set_times.max()) if len(set_times) else 0,
        zero=len(clock) - len(set_times),
        future=int((clock > time.time()).sum()),
        tied=tied,
        duplicates=duplicates,
        repeats=repeats,
        unread_ratings=unread,
        facts=known,
        alike_users=_alike(log.user_names),
        alike_items=_alike(log.item_names),
        notes=raw.notes,
    )


def _again(log: Interactions) -> tuple[int, int]:
    """Events of a user and item that were met before, and of these those at the very same time."""
    pairs = log.users * np.int64(log.n_items + 1) + log.items
    by_pair = np.argsort(pairs, kind="stable")  # within a pair the log's own order, which is by time
    again = pairs[by_pair][1:] == pairs[by_pair][:-1]
    if log.timestamps is None:
        return int(again.sum()), 0
    times = log.timestamps[by_pair]
    return int(again.sum()), int((again & (times[1:] == times[:-1])).sum())


def _alike(names: tuple[str, ...]) -> Alike:
    import polars

    own = polars.DataFrame({"name": list(names[1:])}, schema={"name": polars.String})
    plain = own.with_columns(polars.col("name").str.strip_chars().str.strip_chars_start("0").alias("plain"))
    again = plain.filter(polars.col("plain").is_duplicated() & (polars.col("plain") != ""))
    if again.is_empty():
        return Alike()
    first = again.filter(polars.col("plain") == again["plain"][0])["name"]
    count = len(again) - again["plain"].n_unique()
    return Alike(count=count, example=f"{quoted(first[0])} and {quoted(first[1])}")
