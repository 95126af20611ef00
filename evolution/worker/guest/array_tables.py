"""Tables of numbers that tell which of their rows are looked up and written: for repos that train with numpy alone.

A table is an array of floats with about as many rows as there are users or items, held by the recommender or by what it
holds. It is replaced by a view of itself that behaves like it; what comes out of it are plain arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

DEPTH = 4  # how far below the recommender tables are looked for
MOST_TABLES = 40


class WatchedTable(np.ndarray):
    """`told` is called with the table's name, which dimension is indexed and the ids, or with None after a write."""

    told: Callable[[Any, int, Any], None] | None
    name: str

    def __array_finalize__(self, other: Any) -> None:
        self.told, self.name = None, ""

    def __getitem__(self, key: Any) -> Any:
        if self.told is not None:
            for dimension, ids in _ids_of(key):
                self.told(self, dimension, ids)
        return plain(self)[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        plain(self)[key] = plain(value)
        if self.told is not None:
            self.told(self, 0, None)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, out: Any = (), **kwargs: Any) -> Any:
        if out:
            kwargs["out"] = tuple(plain(one) for one in out)
        result = getattr(ufunc, method)(*(plain(one) for one in inputs), **kwargs)
        for one in (*out, *(inputs[:1] if method == "at" else ())):
            if isinstance(one, WatchedTable) and one.told is not None:
                one.told(one, 0, None)
        return result if not out else out[0] if len(out) == 1 else out

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if func is np.take and args and isinstance(args[0], WatchedTable) and args[0].told is not None:
            axis = kwargs.get("axis", args[2] if len(args) > 2 else None)
            ids = kwargs.get("indices", args[1] if len(args) > 1 else None)
            if axis is not None and ids is not None:
                args[0].told(args[0], int(axis), np.asarray(ids))
        return func(*plain(args), **plain(kwargs))


def plain(value: Any) -> Any:
    """The same without watched tables, in tuples, lists and dicts too."""
    if isinstance(value, WatchedTable):
        return value.view(np.ndarray)
    if type(value) in (tuple, list):
        return type(value)(plain(one) for one in value)
    if type(value) is dict:
        return {name: plain(one) for name, one in value.items()}
    return value


def _ids_of(key: Any) -> Iterator[tuple[int, Any]]:
    """(dimension, ids) of the whole numbers that index a table; slices and masks are none."""
    parts = key if isinstance(key, tuple) else (key,)
    if any(part is Ellipsis for part in parts):
        parts = parts[: parts.index(Ellipsis)] if parts[0] is not Ellipsis else ()
    dimension = 0
    for part in parts:
        if part is None:
            continue
        if not isinstance(part, slice) and not isinstance(part, (bool, np.bool_)):
            ids = part if isinstance(part, np.ndarray) else np.asarray(part)
            if ids.dtype.kind in "iu":
                yield dimension, ids
        dimension += 1


class Tables:
    """The tables of a recommender, exchanged for watched ones until `restore`. least_rows: smaller ones are not taken."""

    def __init__(self, recommender: Any, least_rows: int, told: Callable[[Any, int, Any], None]) -> None:
        self._least_rows, self._told = least_rows, told
        self._exchanged: list[tuple[Any, str, bool]] = []
        self._seen: set[int] = set()
        self._watch(recommender, DEPTH)

    def _watch(self, holder: Any, depth: int) -> None:
        entries = holder if type(holder) is dict else getattr(holder, "__dict__", None)
        if not isinstance(entries, dict) or isinstance(holder, type) or id(entries) in self._seen:
            return
        self._seen.add(id(entries))
        for name, value in list(entries.items()):
            if self._is_table(value) and len(self._exchanged) < MOST_TABLES:
                table = value.view(WatchedTable)
                table.told, table.name = self._told, str(name)
                entries[name] = table
                self._exchanged.append((entries, name, True))
            elif depth:
                self._watch(value, depth - 1)

    def _is_table(self, value: Any) -> bool:
        return (
            type(value) is np.ndarray
            and value.dtype.kind == "f"
            and value.ndim in (1, 2)
            and value.flags.writeable
            and self._least_rows <= value.shape[0]
        )

    def __len__(self) -> int:
        return len(self._exchanged)

    def restore(self) -> None:
        """Put plain arrays back."""
        for entries, name, _ in self._exchanged:
            entries[name] = plain(entries.get(name))
