"""Rows of whole numbers, from arrays and from bytes that may be arrays."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evolution.repo.copies.content import Content
from evolution.repo.copies.judging import DIFFERENT
from evolution.repo.copies.log_index import LogIndex
from evolution.repo.copies.rows import Rows, coded, rows_of, rows_of_codes, rows_of_numbers

WINDOWS, WINDOW = 8, 512
PERIODS = range(1, 9)  # numbers of one event that may stand in a row
RAW_TYPES = ("<i8", "<i4", "<u2", "<f8", ">i4", ">i8")
RAW_BYTES = 2_000_000
ARRAY_BYTES = 64_000_000  # of a .npy file
SHARE_OF_IDS = 0.25
Numbers = NDArray[np.int64]


def whole_numbers(array: NDArray[Any]) -> Numbers | None:
    """An array as int64, with -1 for what is no whole number; None where most are none."""
    if array.dtype.kind in "iub":
        return array.astype(np.int64, copy=False)
    if array.dtype.kind != "f":
        return None
    with np.errstate(all="ignore"):
        whole = (array == np.floor(array)) & (np.abs(array) < 2**53)
    return np.where(whole, array, -1).astype(np.int64) if whole.mean() > SHARE_OF_IDS else None


def array_rows(array: NDArray[Any], index: LogIndex) -> Iterator[Rows]:
    """An array of numbers or strings, in every reading of it as a table."""
    if array.dtype.names:
        yield from column_rows([array[name] for name in array.dtype.names], index)
    elif array.dtype.kind in "US":
        yield from _string_rows(array)
    elif array.ndim == 2 and 1 < min(array.shape) <= 64:
        tall = array if array.shape[0] >= array.shape[1] else array.T
        picked = [tall[start : start + WINDOW] for start in _starts(len(tall))]
        numbers = [whole_numbers(window) for window in picked]
        known = [window for window in numbers if window is not None]
        if known:
            yield rows_of_numbers(known)
    elif array.size:
        numbers = whole_numbers(array.reshape(-1)[:RAW_BYTES])
        if numbers is not None:
            yield from stream_rows(numbers, index, aligned=True)


def column_rows(columns: Sequence[NDArray[Any]], index: LogIndex) -> Iterator[Rows]:
    """Arrays of one length, as the columns of a table."""
    starts = _starts(len(columns[0]))
    if all(column.dtype.kind in "iubf" and column.ndim == 1 for column in columns):
        windows = []
        for start in starts:
            pieces = [whole_numbers(column[start : start + WINDOW]) for column in columns]
            blank = np.full(len(columns[0][start : start + WINDOW]), -1, np.int64)
            windows.append(np.stack([blank if piece is None else piece for piece in pieces], axis=1))
        yield rows_of_numbers(windows)
        return
    flat = [column for column in columns if column.ndim == 1]
    if flat:
        yield rows_of(
            [[_text(column[row]) for column in flat] for row in range(s, min(s + WINDOW, len(flat[0])))]
            for s in starts
        )


def stream_rows(numbers: Numbers, index: LogIndex, *, aligned: bool) -> Iterator[Rows]:
    """Numbers without a shape: rows of some length, or whole columns one after another.

    aligned: the first number begins a row.
    """
    if len(numbers) < 8 or _share_of_ids(numbers, index) < SHARE_OF_IDS:
        return
    tokens, codes = coded(numbers)
    for columns in PERIODS:
        if columns > 1 and len(codes) % columns == 0:
            whole = codes.reshape(columns, -1).T
            yield rows_of_codes(tokens, [whole[s : s + WINDOW] for s in _starts(len(whole))])
        for phase in range(1 if aligned else columns):
            whole = codes[phase : phase + (len(codes) - phase) // columns * columns].reshape(-1, columns)
            if len(whole):
                yield rows_of_codes(tokens, [whole[s : s + WINDOW] for s in _starts(len(whole))])


def raw_rows(data: bytes, index: LogIndex, *, shifts: bool) -> Iterator[Rows]:
    """Bytes of no known format, read as numbers of every usual type. shifts: numbers may begin at any byte."""
    for name in RAW_TYPES:
        kind = np.dtype(name)
        for shift in range(kind.itemsize if shifts else 1):
            usable = (len(data) - shift) // kind.itemsize
            if usable < 8:
                continue
            numbers = whole_numbers(np.frombuffer(data, kind, usable, shift))
            if numbers is not None:
                yield from stream_rows(numbers, index, aligned=not shifts)


def npy_array(content: Content) -> NDArray[Any] | None:
    """The array of a `.npy` file, as much of it as is read; None for an array of objects."""
    content.stream.seek(0)
    version = np.lib.format.read_magic(content.stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = read(content.stream, max_header_size=100_000)
    if dtype.hasobject or dtype.itemsize == 0:
        return None
    data = content.stream.read(ARRAY_BYTES)
    array = np.frombuffer(data, dtype, len(data) // dtype.itemsize)
    if len(array) == int(np.prod(shape)):
        return array.reshape(shape, order="F" if fortran else "C")
    width = int(np.prod(shape[1:])) if len(shape) == 2 and not fortran else 0
    return array[: len(array) // width * width].reshape(-1, width) if width else array


def _share_of_ids(numbers: Numbers, index: LogIndex) -> float:
    some = numbers[:: max(1, len(numbers) // 4096)]
    distinct, counts = np.unique(some, return_counts=True)
    if len(distinct) < DIFFERENT:
        return 0.0
    if counts.max() > len(some) / 2:  # padding, or the empty half of a page, which is no id
        some = some[some != distinct[counts.argmax()]]
    most = max(len(index.user_names), len(index.item_names))
    own = np.isin(some, index.own_numbers)
    return float((((some >= 0) & (some <= most)) | own).mean())


def _string_rows(array: NDArray[Any]) -> Iterator[Rows]:
    if array.ndim == 2:
        yield rows_of([list(map(_text, row)) for row in array[s : s + WINDOW]] for s in _starts(len(array)))
    else:
        flat = [_text(value) for value in array.reshape(-1)[:50_000]]
        yield from token_stream_rows(flat)


def token_stream_rows(stream: list[str]) -> Iterator[Rows]:
    """Tokens without a shape, as `stream_rows` has them for numbers."""
    known: dict[str, int] = {"": 0}
    codes = np.array([known.setdefault(token, len(known)) for token in stream], np.int32)
    tokens = tuple(known)
    for period in range(1, 7):
        for phase in range(period):
            whole = codes[phase : phase + (len(codes) - phase) // period * period].reshape(-1, period)
            if len(whole):
                yield rows_of_codes(tokens, [whole[s : s + WINDOW] for s in _starts(len(whole))])


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return (
        str(int(value))
        if isinstance(value, (float, np.floating)) and float(value).is_integer()
        else str(value)
    )


def _starts(length: int) -> list[int]:
    if length <= WINDOWS * WINDOW:
        return list(range(0, max(length, 1), WINDOW))
    return np.linspace(0, length - WINDOW, WINDOWS).astype(int).tolist()
