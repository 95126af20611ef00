"""Pieces of a file as rows of tokens, in the form in which they are compared with the log."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

WIDTH = 64  # tokens of a row that are looked at
Cells = NDArray[np.int32]
Row = TypeVar("Row")


@dataclass(frozen=True, kw_only=True, eq=False)
class Rows:
    """cells: int32 (n_rows, at most WIDTH), the token of each place as an index of `tokens`, 0 for none.

    windows: (n_rows,) which unbroken piece of the file a row is from.
    """

    tokens: tuple[str, ...]
    cells: Cells
    windows: NDArray[np.int32]

    def from_the_right(self, width: int) -> Cells:
        """The last tokens of each row, the last one first: (n_rows, width)."""
        lengths = (self.cells > 0).sum(axis=1)
        places = lengths[:, None] - 1 - np.arange(width)[None, :]
        found = np.take_along_axis(self.cells, np.maximum(places, 0), axis=1)
        return np.where(places >= 0, found, 0)


def rows_of(windows: Iterable[Sequence[Sequence[str]]]) -> Rows:
    """windows: unbroken pieces of a file, each a list of rows of tokens."""
    known: dict[str, int] = {"": 0}
    numbers: list[list[int]] = []
    origins: list[int] = []
    for origin, window in enumerate(windows):
        for row in window:
            numbers.append([known.setdefault(token, len(known)) for token in row[:WIDTH]])
            origins.append(origin)
    width = max((len(row) for row in numbers), default=0)
    cells = np.zeros((len(numbers), width), np.int32)
    for place, row in enumerate(numbers):
        cells[place, : len(row)] = row
    return Rows(tokens=tuple(known), cells=cells, windows=np.array(origins, np.int32))


def plain_number(value: float) -> str:
    """A number as a log would write an id: 7 for 7.0."""
    return str(int(value)) if float(value).is_integer() else repr(value)


def rows_of_numbers(windows: Sequence[NDArray[np.int64]]) -> Rows:
    """windows: unbroken pieces of a table of whole numbers, each (n, k) with the same k."""
    tokens, codes = coded(np.concatenate(windows)[:, :WIDTH])
    ends = np.cumsum([len(window) for window in windows])[:-1]
    return rows_of_codes(tokens, np.split(codes, ends))


def coded(numbers: NDArray[np.int64]) -> tuple[tuple[str, ...], Cells]:
    """Whole numbers as tokens: the different tokens, and the index of each number's, in the numbers' shape."""
    distinct, codes = np.unique(numbers, return_inverse=True)
    return ("", *map(str, distinct.tolist())), (codes.reshape(numbers.shape) + 1).astype(np.int32)


def rows_of_codes(tokens: tuple[str, ...], windows: Sequence[Cells]) -> Rows:
    """windows: unbroken pieces of a table, each (n, k) indices of tokens."""
    origins = np.repeat(np.arange(len(windows)), [len(window) for window in windows])
    return Rows(tokens=tokens, cells=np.concatenate(windows)[:, :WIDTH], windows=origins.astype(np.int32))


def some_rows(rows: Sequence[Row], *, windows: int = 8, length: int = 512) -> list[Sequence[Row]]:
    """At most `windows` unbroken pieces of `length` rows, spread over all of them."""
    if len(rows) <= windows * length:
        return [rows]
    starts = np.linspace(0, len(rows) - length, windows).astype(int)
    return [rows[start : start + length] for start in starts.tolist()]
