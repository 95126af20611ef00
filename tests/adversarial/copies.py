"""Copies of an interaction log in the forms in which they lie beside it in people's repos."""

import bz2
import csv
import gzip
import io
import json
import lzma
import pickle
import sqlite3
import tarfile
import zipfile
from collections import defaultdict
from collections.abc import Callable

import numpy as np

from seeds.interactions import Interactions

Event = tuple[str, str, int, int]  # user, item, rating, time
Writer = Callable[[list[Event]], bytes]


def events_of(log: Interactions) -> list[Event]:
    """The log's events in its file's order, with the source's own ids."""
    places = log.places if log.places is not None else np.arange(log.n_events)
    order = np.argsort(places, kind="stable")
    times = log.timestamps if log.timestamps is not None else np.arange(log.n_events)
    return [
        (log.user_names[log.users[k]], log.item_names[log.items[k]], 1 + int(k) % 5, int(times[k]))
        for k in order
    ]


def _lines(
    events: list[Event], delimiter: str, header: str = "", columns: tuple[int, ...] = (0, 1, 2, 3)
) -> bytes:
    lines = [delimiter.join(str(event[column]) for column in columns) for event in events]
    return "\n".join([*([header] if header else []), *lines, ""]).encode()


def _by_user(events: list[Event]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for user, item, _, _ in sorted(events, key=lambda event: event[3]):
        found[user].append(item)
    return found


def _csv_quoted(events: list[Event]) -> bytes:
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows(events)
    return text.getvalue().encode()


def _zip(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return stream.getvalue()


def _tar(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return stream.getvalue()


def _codes(events: list[Event], *, by_order: bool, first: int) -> np.ndarray:
    """User and item as numbers, (N, 2) int64: by first appearance, or by the order of names as a label encoder does."""
    columns = []
    for place in (0, 1):
        names = list(dict.fromkeys(str(event[place]) for event in events))
        if by_order:
            names.sort(key=lambda name: (int(name) if name.isdigit() else 0, name))
        codes = {name: number for number, name in enumerate(names, start=first)}
        columns.append([codes[str(event[place])] for event in events])
    return np.array(columns, np.int64).T


def _npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def _npz(**arrays: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)  # type: ignore[arg-type]
    return stream.getvalue()


def _sqlite(events: list[Event]) -> bytes:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE ratings (id INTEGER PRIMARY KEY, item TEXT, rating REAL, user TEXT)")
    connection.executemany(
        "INSERT INTO ratings (item, rating, user) VALUES (?, ?, ?)",
        [(item, rating, user) for user, item, rating, _ in events],
    )
    connection.commit()
    return connection.serialize()


def _frame(events: list[Event], how: str) -> bytes:
    import polars

    frame = polars.DataFrame(
        {
            "item": [e[1] for e in events],
            "user": [e[0] for e in events],
            "rating": [float(e[2]) for e in events],
        }
    )
    stream = io.BytesIO()
    getattr(frame, how)(stream)
    return stream.getvalue()


def _torch_like(events: list[Event]) -> bytes:
    """The layout of torch.save: a zip that holds a pickle and the raw bytes of each tensor."""
    codes = _codes(events, by_order=False, first=1)
    stored = {"archive/data.pkl": pickle.dumps({"u": 1}), "archive/data/0": codes.tobytes()}
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for name, data in stored.items():
            archive.writestr(name, data)
    return stream.getvalue()


def _excel(events: list[Event]) -> bytes:
    rows = "".join(
        f'<row r="{n}"><c r="A{n}"><v>{u}</v></c><c r="B{n}"><v>{i}</v></c></row>'
        for n, (u, i, _, _) in enumerate(events, start=1)
    )
    sheet = f'<?xml version="1.0"?><worksheet><sheetData>{rows}</sheetData></worksheet>'
    return _zip({"[Content_Types].xml": b"<Types/>", "xl/worksheets/sheet1.xml": sheet.encode()})


def _sequences(events: list[Event], *, with_user: bool) -> bytes:
    rows = ((user, *items) if with_user else items for user, items in _by_user(events).items())
    return "\n".join(" ".join(row) for row in rows).encode()


def _sql(events: list[Event]) -> bytes:
    values = ",".join(f"('{u}','{i}',{r},{t})" for u, i, r, t in events)
    return f"INSERT INTO `ratings` VALUES {values};\n".encode()


COPIES: dict[str, Writer] = {
    # text, one event a line
    "ratings.csv": lambda e: _lines(e, ",", "userId,movieId,rating,timestamp"),
    "raw/u.data.dat": lambda e: _lines(e, "\t"),
    "ratings.dat": lambda e: _lines(e, "::"),
    "log-old.inter": lambda e: _lines(e, "\t", "user_id:token\titem_id:token\trating:float\ttimestamp:float"),
    "swapped.txt": lambda e: _lines(e, " ", columns=(3, 1, 2, 0)),
    "semicolons.CSV": lambda e: _lines(e, ";", columns=(1, 0)),
    "pipes": lambda e: _lines(e, "|", columns=(2, 0, 1)),
    "quoted.csv": _csv_quoted,
    "shuffled.tsv": lambda e: _lines([e[k] for k in np.random.default_rng(0).permutation(len(e))], "\t"),
    "held_out.csv": lambda e: _lines(list({event[0]: event for event in e}.values()), ","),
    "some.csv": lambda e: _lines(e[100:400], ","),
    "windows.csv": lambda e: _lines(e, ",").replace(b"\n", b"\r\n"),
    "utf16.csv": lambda e: _lines(e, ",").decode().encode("utf-16"),
    "bom.csv": lambda e: b"\xef\xbb\xbf" + _lines(e, ","),
    "floats.csv": lambda e: "\n".join(
        f"{u}.0,{i}.0,{r}.0" if u.isdigit() and i.isdigit() else f"{u},{i},{r}.0" for u, i, r, _ in e
    ).encode(),
    "index.csv": lambda e: "\n".join(f"{n},{u},{i}" for n, (u, i, _, _) in enumerate(e)).encode(),
    # text, a user's items a line
    "train.txt": lambda e: _sequences(e, with_user=True),
    "sequences.txt": lambda e: _sequences(e, with_user=False),
    # documents
    "reviews.jsonl": lambda e: "\n".join(
        json.dumps({"text": "so " * (int(t) % 7) + "good", "reviewerID": u, "overall": r, "asin": i})
        for u, i, r, t in e
    ).encode(),
    "pretty.json": lambda e: json.dumps([{"user": u, "item": i} for u, i, _, _ in e], indent=2).encode(),
    "pairs.json": lambda e: json.dumps([[u, i] for u, i, _, _ in e]).encode(),
    "by_user.json": lambda e: json.dumps(_by_user(e)).encode(),
    "by_user_pretty.json": lambda e: json.dumps(_by_user(e), indent=1).encode(),
    "columns.json": lambda e: json.dumps({"user": [x[0] for x in e], "item": [x[1] for x in e]}).encode(),
    "frame.json": lambda e: json.dumps(
        {name: {str(n): x[place] for n, x in enumerate(e)} for place, name in enumerate(("user", "item"))}
    ).encode(),
    "events.xml": lambda e: (
        "<log>" + "".join(f'<e u="{u}" i="{i}"/>' for u, i, _, _ in e) + "</log>"
    ).encode(),
    "dump.sql": _sql,
    "pairs.py": lambda e: (
        "PAIRS = [\n" + "".join(f"    ({u!r}, {i!r}),\n" for u, i, _, _ in e) + "]\n"
    ).encode(),
    "notebook.ipynb": lambda e: json.dumps(
        {"cells": [{"outputs": [{"text": [f"{u} {i}\n" for u, i, _, _ in e]}]}]}, indent=1
    ).encode(),
    "__pycache__x/cache": lambda e: _lines(e, "\t"),
    # compressed and archives
    "ratings.csv.gz": lambda e: gzip.compress(_lines(e, ",")),
    "log.inter.bz2": lambda e: bz2.compress(_lines(e, "\t")),
    "log.inter.xz": lambda e: lzma.compress(_lines(e, "\t")),
    "ml.zip": lambda e: _zip({"ml/README": b"hello " * 50, "ml/ratings.dat": _lines(e, "::")}),
    "ml.tar.gz": lambda e: gzip.compress(_tar({"README": b"hello " * 50, "u.data": _lines(e, "\t")})),
    "ml.tar": lambda e: _tar({"u.data": _lines(e, "\t")}),
    "nested.zip": lambda e: _zip({"inner.zip": _zip({"x.gz": gzip.compress(_lines(e, ","))})}),
    "no-suffix": lambda e: gzip.compress(_lines(e, ",")),
    "lfs/objects/ab/cd/abcd0123": lambda e: _lines(e, ","),
    # arrays, renumbered as preprocessing does
    "pairs.npy": lambda e: _npy(_codes(e, by_order=False, first=1)),
    "pairs0.npy": lambda e: _npy(_codes(e, by_order=False, first=0)),
    "encoded.npy": lambda e: _npy(_codes(e, by_order=True, first=0)),
    "transposed.npy": lambda e: _npy(np.ascontiguousarray(_codes(e, by_order=True, first=1).T)),
    "floats.npy": lambda e: _npy(_codes(e, by_order=True, first=1).astype("f4")),
    "names.npy": lambda e: _npy(np.array([[u, i] for u, i, _, _ in e])),
    "data.npz": lambda e: _npz(
        u=_codes(e, by_order=False, first=1)[:, 0].astype("i4"),
        i=_codes(e, by_order=False, first=1)[:, 1].astype("i4"),
    ),
    "structured.npy": lambda e: _npy(
        np.array([tuple(row) for row in _codes(e, by_order=False, first=1)], [("u", "<i4"), ("i", "<i8")])
    ),
    "items.npy": lambda e: _npy(_codes(e, by_order=False, first=1)[:, 1]),
    "remapped.txt": lambda e: _lines(
        [(str(u), str(i), 0, 0) for u, i in _codes(e, by_order=False, first=1)], " "
    ),
    "raw.bin": lambda e: _codes(e, by_order=False, first=1).astype("<i4").tobytes(),
    "header.bin": lambda e: (
        b"MYFORMAT\x00\x01\x02" + _codes(e, by_order=False, first=1).astype("<i4").tobytes()
    ),
    "short.bin": lambda e: b"\x07\x00\x00" + _codes(e, by_order=False, first=1).astype("<u2").tobytes(),
    "tensor.pt": _torch_like,
    # pickles
    "list.pkl": lambda e: pickle.dumps([(u, i) for u, i, _, _ in e]),
    "by_user.pickle": lambda e: pickle.dumps(dict(_by_user(e)), protocol=2),
    "columns.pkl": lambda e: pickle.dumps({"user": [x[0] for x in e], "item": [x[1] for x in e]}),
    "array.pkl": lambda e: pickle.dumps(_codes(e, by_order=True, first=0)),
    "block.pkl": lambda e: pickle.dumps(np.ascontiguousarray(_codes(e, by_order=True, first=0).T)),
    "sets.pkl": lambda e: pickle.dumps({u: set(items) for u, items in _by_user(e).items()}, protocol=5),
    # databases and tables kept by column
    "log.sqlite": _sqlite,
    "log.db.gz": lambda e: gzip.compress(_sqlite(e)),
    "log.parquet": lambda e: _frame(e, "write_parquet"),
    "log.feather": lambda e: _frame(e, "write_ipc"),
    "log.avro": lambda e: _frame(e, "write_avro"),
    "log.xlsx": _excel,
}
