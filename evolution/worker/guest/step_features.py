"""Do the features that a kept step looks up for items belong to these items, or to their neighbours?

A table with a row for each item is held against the item columns of the data: items that are equal in a column are equal in a
feature made of it. Where that holds for the rows beside alone, the table is shifted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from .step_kept import Call, KeptStep

WIDEST = 64  # columns of a feature table; more are interactions
MOST_NUMBERED = 8  # columns, each of which numbers another property
SURE = 0.999
UNSURE = 0.97
CHANCE = 0.9  # of a table whose rows are exchanged: above, equal columns say nothing
LEAST_ITEMS = 20


def features(step: KeptStep, data: Any, made_at: Callable[[Any], list[list[Any]]]) -> dict[str, Any]:
    """{"tables", "column", "by", "places"}: tables of features that were held against a column; of one that is shifted, which column and by how
    many rows. {} where there is no such table. made_at: where a tensor comes from, [[path, line, function]], nearest first."""
    tables, n = 0, int(data.n_items)
    parts = ((call, tensor, rows) for call, tensor in _tables(step, n) for rows in _parts(tensor))
    for call, tensor, rows in parts:
        for name, keys in _columns(data, n):
            fitting = {by: _purity(_shifted(rows, n, by), keys) for by in (-1, 0, 1)}
            known = max(fitting.values()) >= SURE and _by_chance(rows, n, keys) < CHANCE
            tables += known
            best = max((-1, 1), key=lambda by: fitting[by])
            if (
                known
                and fitting[best] >= SURE
                and fitting[0] < UNSURE
                and not _counts_from_0(call, tensor, n)
            ):
                places = [*made_at(tensor)[:1], call.told()]
                return {"tables": tables, "column": name, "by": best, "places": places}
            fits = known and fitting[0] >= SURE and len(tensor) == n + 1
            if fits and _asks_one_less(step, call, tensor, n):
                return {"tables": tables, "column": name, "by": 1, "places": [call.told()]}
    return {"tables": tables, "column": "", "by": 0, "places": []} if tables else {}


def _tables(step: KeptStep, n: int) -> Iterator[tuple[Call, Any]]:
    seen: set[int] = set()
    for call in step.upstream(step.loss):
        for one, source in zip(call.inputs, call.sources):
            fits = one.dim() in (1, 2) and n <= one.shape[0] <= n + 2 and not one.requires_grad and source < 0
            if fits and id(one) not in seen and not one.is_sparse and one.numel() <= WIDEST * (n + 2):
                seen.add(id(one))
                yield call, one


def _asks_one_less(step: KeptStep, call: Call, table: Any, n: int) -> bool:
    """Whether a table of features, whose row i is item i, is asked for one less than a learned table: `features[items - 1]` beside `rows(items)`.

    Both tables have n + 1 rows, so that the learned one has no room for ids that are one more than the items.
    """
    asked = [one for one in call.inputs if one is not table and _are_ids(one)]
    found: set[int | None] = set()
    for other in step.calls:
        if not any(
            one.is_leaf and one.requires_grad and one.dim() == 2 and len(one) == n + 1 for one in other.inputs
        ):
            continue
        for ids in filter(_are_ids, other.inputs):
            found |= {_difference(one, ids) for one in asked if one.shape == ids.shape}
    return found - {None} == {-1}


def _are_ids(one: Any) -> bool:
    return not one.is_floating_point() and one.dtype is not torch.bool and one.numel() >= LEAST_ITEMS


def _difference(asked: Any, ids: Any) -> int | None:
    """-1 or 0 where the ids that are asked for are others and so much at each place but those of padding; else None.

    One more than others is no finding: it is right where these count from 0.
    """
    inner = ids > ids.min()
    if int(inner.sum()) < LEAST_ITEMS:
        return None
    return next((by for by in (-1, 0) if bool((asked[inner] == ids[inner] + by).all())), None)


def _counts_from_0(call: Call, table: Any, n: int) -> bool:
    """Whether the ids that look a table up may count from 0, so that the row behind the last item's is nobody's."""
    ids = [one for one in call.inputs if one is not table and not one.is_floating_point() and one.numel()]
    return len(table) == n + 1 and any(int(one.min()) == 0 and int(one.max()) < n for one in ids)


def _parts(tensor: Any) -> Iterator[Any]:
    """A table's rows (n, k), and where each of a few columns of whole numbers is a feature of its own, each of them (n, 1)."""
    rows = tensor.detach().cpu().numpy()
    rows = rows.reshape(len(rows), -1)
    yield rows
    if np.issubdtype(rows.dtype, np.integer) and 1 < rows.shape[1] <= MOST_NUMBERED:
        yield from (rows[:, [column]] for column in range(rows.shape[1]))


def _columns(data: Any, n: int) -> Iterator[tuple[str, Any]]:
    """Name and, for each item from 1, a number that equal entries share; -1 where there is no entry."""
    for name, column in dict(data.item_columns).items():
        if name == "title" or len(column) != n + 1:
            continue
        known: dict[Any, int] = {}
        keys = [repr(entry) for entry in list(column)[1:]]
        found = np.array([known.setdefault(key, len(known)) for key in keys])
        found[[key in ("''", "[]", "nan", "np.float32(nan)", "np.float64(nan)") for key in keys]] = -1
        yield str(name), found


def _shifted(rows: Any, n: int, by: int) -> Any:
    """The row that stands `by` rows after an item's own, for each item from 1: (n, k). Beyond the ends, it is its own."""
    first = 0 if len(rows) == n else 1
    places = np.arange(n) + first + by
    return rows[np.where((places < 0) | (places >= len(rows)), np.arange(n) + first, places)]


def _purity(rows: Any, keys: Any) -> float:
    """Of items with equal keys, the share that has the row which most of them have. The first and the last item are left out."""
    usable = np.flatnonzero(keys >= 0)
    usable = usable[(usable > 0) & (usable < len(keys) - 1)]
    _, row = np.unique(rows[usable], axis=0, return_inverse=True)
    _, both = np.unique(np.stack([keys[usable], row.ravel()]), axis=1, return_inverse=True)
    _, key = np.unique(keys[usable], return_inverse=True)
    size, number = np.bincount(key), np.bincount(both.ravel())
    several = size[key] > 1
    if several.sum() < LEAST_ITEMS or row.max(initial=0) == 0:
        return 0.0
    most = np.zeros(len(size))
    np.maximum.at(most, key, number[both.ravel()])
    return float(most[size > 1].sum() / size[size > 1].sum())


def _by_chance(rows: Any, n: int, keys: Any) -> float:
    order = np.random.default_rng(0).permutation(n)
    return _purity(_shifted(rows, n, 0)[order], keys)
