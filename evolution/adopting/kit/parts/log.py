"""The log, in the repo's own format."""

import json
import pickle
from pathlib import Path

import numpy as np

from .ids import Ids
from .scratch import scratch

INTER_FIELDS = {
    "user": "user_id:token",
    "item": "item_id:token",
    "rating": "rating:float",
    "time": "timestamp:float",
}


def write_events(
    path, data, *, columns=("user", "item"), sep="\t", header=None, order="user", kind=None, ids=None, held_out=0, last=0
):  # fmt: skip
    """Write the training log where the program will find it: path is relative to the repo, in the program's scratch folder.

    columns: "user", "item", "rating", "time", or a value that each row gets. order: "user" (by user, then time) or "time".
    header: True for the columns' names, or the line itself. kind: "rows", "lists" (a line `user item item ...` for each user,
    `item item ...` with columns=("item",)), "dict" ({user: [items]}, JSON or pickle), "sessions" (a pickle of two lists: each
    beginning of a history, and the item that follows), "jsonl" (an object a row, named by
    header; one a user with the column "items"), "csr" (scipy's .npz; a pickle by another suffix), "coo" (a pickle of scipy's matrix), "array"
    (.npy); by the suffix where it is not given. ids: the numbering to write; evolverec's own (from 1) otherwise. held_out: so many copies
    of each user's last event are written after it, for a repo that holds out the last ones itself, so that it trains on all
    that are real. last: write so many last events of each user alone, where the repo wants a file to evaluate on.
    """
    suffix = Path(path).suffix
    kinds = {
        ".jsonl": "jsonl",
        ".json": "dict",
        ".pkl": "dict",
        ".pickle": "dict",
        ".npz": "csr",
        ".npy": "array",
    }
    target, kind = scratch().path(path), kind or kinds.get(suffix, "rows")
    whole = kind == "sessions"  # of which only the last items are asked for
    rows = _chosen_rows(data, order if kind in ("rows", "array") else "user", held_out, 0 if whole else last)
    if kind in ("csr", "coo"):
        ids = ids or Ids(data, users=0, items=0)
        told = _columns(data, ("user", "item"), rows, ids)
        (_write_csr if suffix == ".npz" else _pickle_matrix)(target, ids, *told, kind)
    elif kind == "array":
        np.save(target, np.column_stack(_columns(data, columns, rows, ids)))
    elif kind == "jsonl":
        names = columns if header in (None, True) else header
        told = _columns(data, ["item" if name == "items" else name for name in columns], rows, ids)
        if "items" in columns:
            told = _lists_of(told, columns.index("items"), columns.index("user"))
        told = zip(*(one.tolist() if hasattr(one, "tolist") else one for one in told))
        target.write_text("".join(json.dumps(dict(zip(names, row))) + "\n" for row in told), encoding="utf-8")
    elif kind == "sessions":
        told = _by_user(*_columns(data, ("user", "item"), rows, ids)).values()
        ends = [(one, end) for one in told for end in range(max(1, len(one) - last) if last else 1, len(one))]
        target.write_bytes(pickle.dumps(([one[:end] for one, end in ends], [one[end] for one, end in ends])))
    elif kind in ("lists", "dict"):
        _write_lists(
            target, _by_user(*_columns(data, ("user", "item"), rows, ids)), kind, sep, "user" in columns
        )
    else:
        if suffix == ".inter":
            sep, header = "\t", header or [INTER_FIELDS[name] for name in columns]
        told = zip(*(one.tolist() for one in _columns(data, columns, rows, ids)))
        header = columns if header is True else header
        lines = [header if isinstance(header, str) else sep.join(map(str, header))] if header else []
        target.write_text(
            "".join(f"{line}\n" for line in (*lines, *(sep.join(map(str, row)) for row in told))),
            encoding="utf-8",
        )
    return target


def write_text(path, text):
    """Write a file of the repo's, such as a configuration, into the program's scratch folder."""
    scratch().path(path).write_text(text, encoding="utf-8")


def lists(data, *, ids=None, held_out=0):
    """{user: [items, oldest first]}"""
    return _by_user(*_columns(data, ("user", "item"), _chosen_rows(data, "user", held_out, 0), ids))


def frame(data, *, columns=("user", "item", "time"), names=None, order="user", ids=None, held_out=0):
    """The log as a DataFrame of pandas; names: of its columns."""
    import pandas

    told = _columns(data, columns, _chosen_rows(data, order, held_out, 0), ids)
    return pandas.DataFrame(dict(zip(names or columns, told)))


def _chosen_rows(data, order, held_out, last):
    """Rows of the log, and by how much later than those each happens: int64 (E,) each."""
    rows = np.lexsort((np.arange(len(data.users)), data.users))  # by user, oldest first
    until_end = np.searchsorted(data.users[rows], data.users[rows], side="right") - np.arange(len(rows))
    if last:
        rows, until_end = rows[until_end <= last], until_end[until_end <= last]
    times = np.where(until_end == 1, held_out + 1, 1)
    later = np.arange(times.sum()) - np.repeat(np.cumsum(times) - times, times)
    rows = np.repeat(rows, times)
    if order == "time" and getattr(data, "timestamps", None) is not None:
        by_time = np.argsort(data.timestamps[rows] + later, kind="stable")
        rows, later = rows[by_time], later[by_time]
    return rows, later


def _columns(data, columns, chosen, ids):
    rows, later = chosen
    given = {
        "user": data.users,
        "item": data.items,
        "rating": getattr(data, "ratings", None),
        "time": getattr(data, "timestamps", None),
    }
    if ids is not None:
        given.update(user=ids.users[data.users], item=ids.items[data.items])
    told = []
    for name in columns:
        if not isinstance(name, str) or name not in given:
            told.append(np.full(len(rows), name))
        elif given[name] is None:  # a log without ratings, or without times
            told.append(np.arange(len(rows)) if name == "time" else np.ones(len(rows), np.int64))
        else:
            told.append(_whole(given[name][rows]) + (later if name == "time" else 0))
    return told


def _whole(numbers):
    """As whole numbers, if they are: many a repo reads 3 and stops at 3.0."""
    return (
        numbers.astype(np.int64)
        if numbers.dtype.kind == "f" and (numbers == np.rint(numbers)).all()
        else numbers
    )


def _by_user(users, items):
    told = {}
    for user, item in zip(users.tolist(), items.tolist()):
        told.setdefault(user, []).append(item)
    return told


def _lists_of(columns, items, users):
    """The same columns with a row for each user, where the column `items` holds his list."""
    starts = np.flatnonzero(np.diff(columns[users], prepend=-1))
    parts = [np.split(one, starts[1:]) for one in columns]
    return [[row.tolist() if at == items else row[0].item() for row in part] for at, part in enumerate(parts)]


def _write_lists(target, told, kind, sep, with_users):
    if kind == "lists":
        sep = " " if sep == "\t" else sep
        lines = (sep.join(map(str, [user, *items] if with_users else items)) for user, items in told.items())
        target.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    elif target.suffix == ".json":
        target.write_text(json.dumps(told), encoding="utf-8")
    else:
        target.write_bytes(pickle.dumps(told))


def _pickle_matrix(target, ids, users, items, kind):
    """A matrix of users and items as `scipy.sparse` has it, in a pickle."""
    import scipy.sparse

    shape = (int(ids.users.max()) + 1, int(ids.items.max()) + 1)
    users, items = np.unique(np.stack([users, items], 1), axis=0).T
    matrix = scipy.sparse.coo_matrix((np.ones(len(users)), (users, items)), shape)
    target.write_bytes(pickle.dumps(matrix.asformat(kind)))


def _write_csr(target, ids, users, items, kind):
    """A matrix of users and items as `scipy.sparse.save_npz` writes it."""
    shape = (int(ids.users.max()) + 1, int(ids.items.max()) + 1)
    pairs = np.unique(np.stack([users, items], 1), axis=0)
    starts = np.searchsorted(pairs[:, 0], np.arange(shape[0] + 1)).astype(np.int32)
    columns = pairs[:, 1].astype(np.int32)
    np.savez(
        target,
        indices=columns,
        indptr=starts,
        format=np.array(kind.encode()),
        shape=np.array(shape),
        data=np.ones(len(pairs)),
    )
