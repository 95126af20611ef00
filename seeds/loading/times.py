"""Times of events, in whatever unit or text a source keeps them: recognised from their values, and never mixed."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import polars

# Below 1e11 (the year 5138) a number counts seconds; each further unit is a thousand times smaller.
UNITS = ("s", "ms", "us", "ns")
PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_LIMITS = (10**11, 10**14, 10**17)
FORMATS = (
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M",
    "%Y/%m/%d %H:%M:%S",
    "%d/%m/%Y %H:%M:%S",
    "%m %d, %Y",
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%d-%b-%Y",
    "%d.%m.%Y",
    "%B %d, %Y",
    "%a %b %d %H:%M:%S %Y",
)
DAYS = ("%m %d, %Y", "%Y-%m-%d", "%Y/%m/%d", "%d-%b-%Y", "%d.%m.%Y", "%B %d, %Y")
SAID = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}


@dataclass(frozen=True, kw_only=True, eq=False)
class Times:
    """order: what to sort by, (N,), null where unread. seconds: Int64 (N,), likewise.

    unit: in words. odd: the rows of two values that cannot be in one unit, () if there are none, and what each is in.
    """

    order: "polars.Series"
    seconds: "polars.Series"
    unit: str
    odd: tuple[tuple[int, str], ...] = ()


def read_times(values: "polars.Series", unit: str = "auto") -> Times:
    """Times from numbers, texts or datetimes. unit: "auto", or which of UNITS numbers are in."""
    import polars

    if values.dtype == polars.Date:
        return _from_moments(values.cast(polars.Datetime("us")), "dates")
    if isinstance(values.dtype, polars.Datetime):
        return _from_moments(values.dt.replace_time_zone(None).dt.cast_time_unit("us"), "date and time")
    numbers = _numbers(values)
    read, filled = len(numbers) - numbers.null_count(), len(values) - values.null_count()
    if read < filled and values.dtype == polars.String:
        moments, _ = _moments(values)
        if len(moments) - moments.null_count() > read:
            whole, said = _moments(values)
            found = _from_moments(whole, said)
            return _with_strangers(found, numbers.is_not_null() & whole.is_null(), "a number")
        found = _from_numbers(numbers, unit)
        stray, _ = _moments(values)
        return _with_strangers(found, stray.is_not_null() & numbers.is_null(), "a date as text")
    return _from_numbers(numbers, unit)


def _with_strangers(found: Times, strange: "polars.Series", said: str) -> Times:
    if not strange.any():
        return found
    usual = found.seconds.is_not_null()
    first = (int(usual.arg_max() or 0), found.unit)
    return Times(
        order=found.order,
        seconds=found.seconds,
        unit=found.unit,
        odd=(first, (int(strange.arg_max() or 0), said)),
    )


def _numbers(values: "polars.Series") -> "polars.Series":
    """Whole numbers where all are, else floats; null where a text is no finite number."""
    import polars

    if values.dtype.is_integer():
        return values.cast(polars.Int64)
    if values.dtype == polars.String:
        values = values.str.strip_chars()
        whole = values.cast(polars.Int64, strict=False)
        if whole.null_count() == values.null_count():
            return whole
        parts = values.cast(polars.Float64, strict=False)
        if parts.null_count() == whole.null_count():
            return whole
        values = parts
    values = values.cast(polars.Float64, strict=False)
    return polars.select(polars.when(values.is_finite()).then(values)).to_series()


def _from_numbers(numbers: "polars.Series", unit: str) -> Times:
    import polars

    if unit == "auto" and (days := _calendar_days(numbers)) is not None:
        return _from_moments(days, "dates as numbers (YYYYMMDD)")
    odd: tuple[tuple[int, str], ...] = ()
    if unit == "auto":
        unit, odd = _unit_of(numbers)
    seconds = (
        numbers // PER_SECOND[unit] if numbers.dtype.is_integer() else (numbers / PER_SECOND[unit]).floor()
    )
    return Times(order=numbers, seconds=seconds.cast(polars.Int64, strict=False), unit=SAID[unit], odd=odd)


def _unit_of(numbers: "polars.Series") -> tuple[str, tuple[tuple[int, str], ...]]:
    """The unit that the sizes of the numbers tell; 0 stands for an unknown time in any unit."""
    size = np.abs(numbers.fill_null(0).to_numpy())
    classes = np.searchsorted(_LIMITS, size, side="right")
    known = size > 0
    present = np.unique(classes[known]) if known.any() else np.array([0])
    if len(present) == 1:
        return UNITS[int(present[0])], ()
    rows = [int(np.flatnonzero(known & (classes == found))[0]) for found in present[[0, -1]]]
    return UNITS[int(present[-1])], tuple(
        (row, SAID[UNITS[int(found)]]) for row, found in zip(rows, present[[0, -1]])
    )


def _calendar_days(numbers: "polars.Series") -> "polars.Series | None":
    """Numbers such as 20160513 as moments; None where one of them is no such day."""
    import polars

    if not numbers.dtype.is_integer() or not numbers.drop_nulls().is_between(19500101, 21001231).all():
        return None
    if numbers.null_count() == len(numbers):
        return None
    distinct = numbers.unique().drop_nulls()
    days = distinct.cast(polars.String).str.to_datetime("%Y%m%d", strict=False, time_unit="us")
    if days.null_count():
        return None
    return numbers.cast(polars.String).str.to_datetime("%Y%m%d", strict=False, time_unit="us")


def _moments(values: "polars.Series") -> "tuple[polars.Series, str]":
    """Texts as moments by the format that reads most of them, and what they are; zones are brought to UTC, none is UTC."""
    import polars

    plain = values.str.strip_chars().str.strip_suffix("Z").str.strip_suffix(" UTC")
    filled = plain.drop_nulls().head(1000)
    zoned = len(filled) and filled.str.contains(r"\d[+-]\d\d:?\d\d$").all()
    if zoned:
        aware = plain.str.replace(" ", "T", literal=True).str.to_datetime(
            "%Y-%m-%dT%H:%M:%S%.f%z", strict=False, time_unit="us", time_zone="UTC"
        )
        return aware.dt.replace_time_zone(None), "date and time with a zone"

    def read(texts: polars.Series, form: str) -> polars.Series:
        return texts.str.to_datetime(form, strict=False, time_unit="us")

    best = max(FORMATS, key=lambda form: len(filled) - read(filled, form).null_count())
    return read(plain, best), "dates" if best in DAYS else "date and time"


def _from_moments(moments: "polars.Series", said: str) -> Times:
    import polars

    order = moments.cast(polars.Int64)
    return Times(order=order, seconds=order // 10**6, unit=said)
