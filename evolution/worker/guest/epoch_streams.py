"""Keeps the whole index tensors of a training: which rows of which table were looked up, which classes were targets.

A stream is one argument of one call at one line of the repo. What a stream means (inputs, positives, negatives, users)
is not decided here: `diagnosis.streams` holds its values against the log.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

MAX_IDS = 20_000_000  # over all streams, 80 MB
MAX_STREAMS = 60
MAX_CALLS = 200_000  # of one stream
LAST_TURN = 3  # calls at one line in one step that are told apart; further ones go with the last of these
MAX_EDGE_SETS = 3  # different sparse matrices at one line; more are samples of a graph
MOST_HOT = 0.3  # of a multi-hot target's entries
MOST_LABELS = 100_000  # of a call; of its bags as well, once they are rows of one width
TARGET_SLOT = 1  # slot of a multi-hot stream that is what the model is compared with; 0 where it is read
NO_ID = -(2**31)  # behind the ids of a row that is shorter than others; as diagnosis.streams.views has it
NOT_IDS = (torch.float16, torch.float32, torch.float64, torch.bfloat16, torch.bool)


class Lookup:
    """One index tensor at work. kind: "index", "target", "edges", "multi-hot" or "label". rows: size of the indexed dimension."""

    __slots__ = ("columns", "extra", "ids", "kind", "of", "rows", "slot")

    def __init__(
        self, kind: str, ids: Any, of: Any, rows: int, columns: int = 0, slot: int = 0, **extra: Any
    ) -> None:
        self.kind, self.ids, self.of, self.rows, self.columns, self.slot = kind, ids, of, rows, columns, slot
        self.extra = extra


def _is_ids(value: Any) -> bool:
    return isinstance(value, torch.Tensor) and value.dtype not in NOT_IDS and not value.is_sparse


def _are_ids(value: Any) -> bool:
    """Ids that are no tensor: a list, as samplers in Python give it, or an array of numpy's."""
    if isinstance(value, list):
        return bool(value) and all(type(one) is int or isinstance(one, np.integer) for one in value)
    return isinstance(value, np.ndarray) and value.dtype.kind in "iu" and value.size > 0


def _is_values(value: Any) -> bool:
    return isinstance(value, torch.Tensor) and value.is_floating_point()


def _argument(args: Any, kwargs: dict[str, Any], place: int, name: str) -> Any:
    return args[place] if len(args) > place else kwargs.get(name)


def _embedding(args: Any, kwargs: dict[str, Any], n_items: int) -> Iterator[Lookup]:
    ids, table = _argument(args, kwargs, 0, "input"), _argument(args, kwargs, 1, "weight")
    if _is_ids(table) and _is_values(ids):  # torch.embedding has them the other way round
        ids, table = table, ids
    if _is_ids(ids) and _is_values(table) and table.dim() == 2:
        yield Lookup("index", ids, table, table.shape[0], table.shape[1])


def _bag(args: Any, kwargs: dict[str, Any], n_items: int) -> Iterator[Lookup]:
    """Bags of ids behind one another become rows, as the same ids in a matrix are."""
    ids, table, offsets = (
        _argument(args, kwargs, i, n) for i, n in enumerate(("input", "weight", "offsets"))
    )
    if _is_ids(ids) and ids.dim() == 1 and _is_values(table) and _is_ids(offsets) and offsets.numel():
        rows = _rows_of_bags(ids, offsets, kwargs.get("include_last_offset", False))
        if rows is not None:
            yield Lookup("index", rows, table, table.shape[0], table.shape[1], given=ids)
        return
    yield from _embedding(args, kwargs, n_items)


def _rows_of_bags(ids: Any, offsets: Any, last_is_end: Any) -> Any:
    """(bags, longest), NO_ID behind a bag's own; None where the offsets do not divide the ids."""
    begin = offsets.detach().cpu().long()
    end = torch.cat([begin[1:], begin.new_tensor([len(ids)])])
    lengths = (end - begin)[: -1 if last_is_end is True else None]
    if (
        not len(lengths)
        or bool((lengths < 0).any())
        or int(lengths.sum()) != len(ids)
        or int(lengths.max()) * len(lengths) > MOST_LABELS
    ):
        return None
    inside = torch.arange(max(1, int(lengths.max())))[None, :] < lengths[:, None]
    rows = torch.full(inside.shape, NO_ID, dtype=torch.long)
    rows[inside] = ids.detach().cpu().long()
    return rows


def _index_select(args: Any, kwargs: dict[str, Any], n_items: int) -> Iterator[Lookup]:
    table, dim, ids = (_argument(args, kwargs, i, n) for i, n in enumerate(("input", "dim", "index")))
    if _is_values(table) and _is_ids(ids) and isinstance(dim, int):
        kind = "index" if dim % max(table.dim(), 1) == 0 else "target"
        yield Lookup(kind, ids, table, table.shape[dim], table.shape[-1])


def _getitem(args: Any, kwargs: dict[str, Any], n_items: int) -> Iterator[Lookup]:
    table, index = args[0], args[1]
    if not _is_values(table):
        return
    parts = index if isinstance(index, tuple) else (index,)
    dim = 0
    for given in parts:
        part = torch.as_tensor(given) if _are_ids(given) else given
        if _is_ids(part) and dim < table.dim():
            kind = "index" if dim == 0 else "target"
            yield Lookup(kind, part, table, table.shape[dim], table.shape[-1], slot=dim, given=given)
        if given is not None and given is not Ellipsis:
            dim += 1


def _along(args: Any, kwargs: dict[str, Any], n_items: int) -> Iterator[Lookup]:
    values, dim, ids = (_argument(args, kwargs, i, n) for i, n in enumerate(("input", "dim", "index")))
    if not isinstance(dim, int):  # take_along_dim(input, indices, dim)
        dim, ids = kwargs.get("dim", ids), dim if _is_ids(dim) else kwargs.get("indices")
    if _is_values(values) and _is_ids(ids) and isinstance(dim, int):
        yield Lookup("target", ids, values, values.shape[dim], values.shape[-1])


def _classes(args: Any, kwargs: dict[str, Any], n_items: int) -> Iterator[Lookup]:
    logits, target = _argument(args, kwargs, 0, "input"), _argument(args, kwargs, 1, "target")
    if _is_values(logits) and _is_ids(target) and logits.dim() > 1:
        ignored = kwargs.get("ignore_index", -100)
        yield Lookup("target", target, logits, logits.shape[1], ignore=int(ignored))


def _one_hot(args: Any, kwargs: dict[str, Any], n_items: int) -> Iterator[Lookup]:
    ids, classes = args[0] if args else kwargs.get("tensor"), _argument(args, kwargs, 1, "num_classes")
    if _is_ids(ids) and isinstance(classes, int) and classes > 0:
        yield Lookup("target", ids, None, classes)


def _scatter(args: Any, kwargs: dict[str, Any], n_items: int) -> Iterator[Lookup]:
    values, dim, ids = (_argument(args, kwargs, i, n) for i, n in enumerate(("input", "dim", "index")))
    if _is_values(values) and _is_ids(ids) and isinstance(dim, int):
        yield Lookup("target", ids, values, values.shape[dim], values.shape[-1])


def _product(args: Any, kwargs: dict[str, Any], n_items: int) -> Iterator[Lookup]:
    if len(args) < 2 or not isinstance(args[0], torch.Tensor):
        return
    left, right = args[0], args[1]
    if left.layout in (torch.sparse_coo, torch.sparse_csr):
        yield Lookup("edges", left, right, left.shape[1], left.shape[0])
    elif _is_values(left) and left.dim() == 2 and not left.requires_grad and _is_near(left.shape[1], n_items):
        yield Lookup("multi-hot", left, right, left.shape[1])


def _weighed(args: Any, kwargs: dict[str, Any], n_items: int) -> Iterator[Lookup]:
    """Rows about as wide as the catalogue, mostly zeros, that say which of a model's outputs count: multi-hot targets."""
    pair = [value for value in (*args[:2], *kwargs.values()) if _is_values(value) and value.dim() == 2]
    if len(pair) < 2 or pair[0].shape != pair[1].shape or not _is_near(pair[0].shape[1], n_items):
        return
    plain = [value for value in pair[:2] if not value.requires_grad]
    if len(plain) == 1 and 0 < int(torch.count_nonzero(plain[0].detach())) <= MOST_HOT * plain[0].numel():
        yield Lookup("multi-hot", plain[0], None, plain[0].shape[1], slot=TARGET_SLOT)


def _labelled(args: Any, kwargs: dict[str, Any], n_items: int) -> Iterator[Lookup]:
    """Labels of a pointwise loss: two values, one for each score. Rows as wide as the catalogue are multi-hot."""
    multi_hot = list(_weighed(args, kwargs, n_items))
    yield from multi_hot
    pair = [value for value in (*args[:2], *kwargs.values()) if isinstance(value, torch.Tensor)][:2]
    if multi_hot or len(pair) < 2 or pair[0].shape != pair[1].shape or not 1 <= pair[0].dim() <= 2:
        return
    plain = [value for value in pair if not value.requires_grad]
    if len(plain) == 1 and plain[0].layout == torch.strided and plain[0].numel() <= MOST_LABELS:
        high = _high(plain[0].detach())
        if high is not None:
            yield Lookup("label", high, None, 2)


def _high(values: Any) -> Any:
    """Which of two values each is, 1 for the higher; None of other numbers. Labels may be smoothed, or -1 and 1."""
    low, high = values.min(), values.max()
    two = bool(((values == low) | (values == high)).all()) if values.numel() else False
    if not two or bool(low < -1) or bool(high > 1):
        return None
    return (values > (0.0 if bool(low < 0) else 0.5)).to(torch.int32)


def _is_near(width: int, n_items: int) -> bool:
    return n_items - 1 <= width <= n_items + 3


_READERS: dict[str, Callable[[Any, dict[str, Any], int], Iterator[Lookup]]] = {
    "embedding": _embedding,
    "embedding_bag": _bag,
    "index_select": _index_select,
    "__getitem__": _getitem,
    "gather": _along,
    "take_along_dim": _along,
    "cross_entropy": _classes,
    "nll_loss": _classes,
    "multi_margin_loss": _classes,
    "one_hot": _one_hot,
    "scatter": _scatter,
    "scatter_": _scatter,
    "scatter_add": _scatter,
    "scatter_add_": _scatter,
    "index_add_": _index_select,
    "index_add": _index_select,
    "linear": _product,
    "matmul": _product,
    "__matmul__": _product,
    "mm": _product,
    "sparse_mm": _product,
    "_sparse_mm": _product,
    "spmm": _product,
    "mul": _labelled,
    "__mul__": _labelled,
    "__rmul__": _labelled,
    "mse_loss": _labelled,
    "binary_cross_entropy": _labelled,
    "binary_cross_entropy_with_logits": _labelled,
}


def lookups(name: str, args: Any, kwargs: dict[str, Any], n_items: int) -> Iterator[Lookup]:
    """The index tensors at work in one torch call."""
    reader = _READERS.get(name)
    if reader is not None:
        yield from reader(args, kwargs, n_items)


def reads_ids(name: str) -> bool:
    """Whether calls of this function are looked at; asked first, because it is cheap."""
    return name in _READERS


class Streams:
    """All index tensors of a run, as arrays. least_rows: what is smaller is no table of items or users."""

    def __init__(self, n_items: int, least_rows: int) -> None:
        self.n_items = n_items
        self.full = False
        self._least_rows = least_rows
        self._known: dict[tuple[Any, ...], _Stream] = {}
        self._turns: dict[tuple[Any, ...], int] = {}  # calls at a line since the last `backward`
        self._kept = 0

    def note(
        self,
        function: str,
        place: tuple[str, int, str],
        found: Lookup,
        step: int,
        *,
        table: str,
        made_at: Callable[[Any], list[list[Any]]],
    ) -> None:
        """Keep one index tensor. made_at: where a tensor came from, asked at a stream's first call."""
        if found.rows < self._least_rows and found.kind != "label":
            return
        line = (place[0], place[1], function, found.kind, found.slot, found.rows, torch.is_grad_enabled())
        turn = self._turns.get(line, 0)
        self._turns[line] = turn + 1
        key = (*line, min(turn, LAST_TURN))
        stream = self._known.get(key)
        if stream is None:
            if len(self._known) >= MAX_STREAMS:
                return
            facts = {
                "table": table,
                "turn": key[-1],
                "grad": key[-2],
                "made_at": made_at(found.extra.get("given", found.ids)),
            }
            stream = self._known[key] = _Stream(function, place, found, facts)
        if self.full or stream.calls >= MAX_CALLS:
            stream.cut = True
            return
        self._kept += stream.keep(found, step)
        self.full = self._kept > MAX_IDS

    def begin_turn(self) -> None:
        """To be called before each `backward`: the next call of each line is the first again."""
        self._turns.clear()

    def documents(self, folder: Path) -> list[dict[str, Any]]:
        """Write the arrays to `folder`; what describes them, in order of first call."""
        return [stream.written(folder, number) for number, stream in enumerate(self._known.values())]


class _Stream:
    def __init__(
        self,
        function: str,
        place: tuple[str, int, str],
        found: Lookup,
        facts: dict[str, Any],
    ) -> None:
        self.calls, self.cut = 0, False
        self._facts = {
            "path": place[0],
            "line": place[1],
            "scope": place[2],
            "function": function,
            "kind": found.kind,
            "slot": found.slot,
            "rows": int(found.rows),
            "columns": int(found.columns),
            "ignore": int(found.extra.get("ignore", -100)),
            **facts,
        }
        self._ids: list[np.ndarray] = []
        self._values: list[np.ndarray] = []
        self._of_calls: list[tuple[int, int, int, int]] = []
        self._offset = 0
        self._edge_sets: set[int] = set()

    def keep(self, found: Lookup, step: int) -> int:
        """How many ids were kept."""
        self.calls += 1
        if found.kind == "edges":
            return self._keep_edges(found.ids, step)
        if found.kind == "multi-hot":
            rows, columns = torch.nonzero(found.ids.detach(), as_tuple=True)
            self._values.append(_plain(rows, np.float32))
            return self._add(_plain(columns), step, int(found.ids.shape[0]), -1)
        ids = found.ids.detach()
        d0 = int(ids.shape[0]) if ids.dim() else 1
        d1 = -1 if ids.dim() < 2 else int(ids.numel() // max(d0, 1))
        return self._add(_plain(ids.reshape(-1)), step, d0, d1)

    def _keep_edges(self, matrix: Any, step: int) -> int:
        if id(matrix) in self._edge_sets or len(self._edge_sets) >= MAX_EDGE_SETS:
            return 0
        self._edge_sets.add(id(matrix))
        plain = matrix.detach().to_sparse_coo().coalesce()
        self._values.append(_plain(plain.values(), np.float32))
        edges = plain.indices()
        return self._add(_plain(edges.reshape(-1)), step, 2, int(edges.shape[1]))

    def _add(self, ids: np.ndarray, step: int, d0: int, d1: int) -> int:
        self._ids.append(ids)
        self._of_calls.append((step, self._offset, d0, d1))
        self._offset += len(ids)
        return len(ids)

    def written(self, folder: Path, number: int) -> dict[str, Any]:
        ids = np.concatenate(self._ids) if self._ids else np.zeros(0, np.int32)
        np.save(folder / f"stream-{number}.npy", ids)
        np.save(
            folder / f"stream-{number}-calls.npy",
            np.array(self._of_calls, np.int32).reshape(-1, 4),
        )
        if self._values:
            np.save(folder / f"stream-{number}-values.npy", np.concatenate(self._values))
        return {
            "id": number,
            **self._facts,
            "calls": self.calls,
            "ids": len(ids),
            "values": bool(self._values),
            "cut": self.cut,
        }


def _plain(tensor: Any, dtype: Any = np.int32) -> np.ndarray:
    return np.ascontiguousarray(tensor.detach().cpu().numpy().astype(dtype))
