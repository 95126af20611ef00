"""Watches the first epochs of a training that uses numpy alone: which rows of which tables it looks up, in which step.

numpy has no `backward` and no optimizer. A step ends where a table that was written is looked up at a line that this
step has already looked up. The document has the form of epoch_watch.py's, without gradients, parameters and a trace.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from .array_births import ArrayBirths
from .array_tables import Tables
from .failures import traceback_of
from .tracing_frames import Limit, Places, StopTracing

MOST_IDS = 20_000_000
MOST_STREAMS = 60
MOST_CALLS = 200_000  # of a stream
LAST_TURN = 3  # as in epoch_streams.py
FOLLOWED = 3  # steps whose lines are followed


class _Stream:
    def __init__(self, facts: dict[str, Any]) -> None:
        self.facts, self.cut, self.length = facts, False, 0
        self.ids: list[np.ndarray] = []
        self.calls: list[tuple[int, int, int, int]] = []

    def keep(self, ids: Any, step: int) -> None:
        flat = np.asarray(ids).reshape(-1)
        d0 = int(ids.shape[0]) if ids.ndim else 1
        d1 = -1 if ids.ndim < 2 else int(ids.size // max(d0, 1))
        self.ids.append(np.clip(flat, -(2**31), 2**31 - 1).astype(np.int32))
        self.calls.append((step, self.length, d0, d1))
        self.length += len(flat)

    def written(self, folder: Path, number: int) -> dict[str, Any]:
        ids = np.concatenate(self.ids) if self.ids else np.zeros(0, np.int32)
        np.save(folder / f"stream-{number}.npy", ids)
        np.save(folder / f"stream-{number}-calls.npy", np.array(self.calls, np.int32).reshape(-1, 4))
        told = {"id": number, "calls": len(self.calls), "ids": len(ids), "values": False, "cut": self.cut}
        return {**self.facts, **told}


class ArrayRecorder:
    """`step`: how many are done."""

    def __init__(self, places: Places, births: ArrayBirths) -> None:
        self.step, self.training = 0, False
        self.limit = Limit(float("inf"))
        self._places, self._births = places, births
        self._streams: dict[tuple[Any, ...], _Stream] = {}
        self._turns: dict[tuple[Any, ...], int] = {}
        self._written, self._kept = False, 0

    def told(self, table: Any, dimension: int, ids: Any) -> None:
        """A table's rows were looked up; or, where ids is None, written."""
        if not self.training:
            return
        if self.limit.reached():
            raise StopTracing
        if ids is None:
            self._written = True
            return
        place = self._places.here()
        if place is not None:
            self._note(place, table, dimension, ids)

    def end_epoch(self) -> None:
        """A step does not go on into the next epoch."""
        if self._turns:
            self._next_step()

    def _next_step(self) -> None:
        self.step += 1
        self._turns.clear()
        self._written = False
        if self.step == FOLLOWED:
            self._births.__exit__()

    def _note(self, place: tuple[str, int, str], table: Any, dimension: int, ids: Any) -> None:
        line = (place[0], place[1], table.name, dimension, table.shape)
        if self._written and line in self._turns:
            self._next_step()
        turn = self._turns.get(line, 0)
        self._turns[line] = turn + 1
        key = (*line, min(turn, LAST_TURN))
        stream = self._streams.get(key)
        if stream is None:
            if len(self._streams) >= MOST_STREAMS:
                return
            stream = self._streams[key] = _Stream(self._facts(place, table, dimension, key[-1], ids))
        if len(stream.calls) >= MOST_CALLS or self._kept > MOST_IDS:
            stream.cut = True
            return
        stream.keep(ids, self.step)
        self._kept += int(ids.size)

    def _facts(self, place: tuple[str, int, str], table: Any, dimension: int, turn: int, ids: Any) -> Any:
        return {
            "path": place[0],
            "line": place[1],
            "scope": place[2],
            "function": "__getitem__",
            "kind": "index" if dimension == 0 else "target",
            "slot": dimension,
            "turn": turn,
            "grad": True,
            "table": f"{table.name}"[:100],
            "rows": int(table.shape[dimension]) if dimension < table.ndim else 0,
            "columns": int(table.shape[-1]) if table.ndim > 1 else 1,
            "ignore": -100,
            "made_at": self._births.of(ids),
        }

    def documents(self, folder: Path) -> list[dict[str, Any]]:
        """Write the arrays to `folder`; what describes them, in order of first call."""
        return [stream.written(folder, number) for number, stream in enumerate(self._streams.values())]


def watch_arrays(
    build: Any, *, root: str, seconds: float, least_rows: int, folder: Path, epochs: int
) -> dict[str, Any] | None:
    """The document of a training with numpy; None where it holds no tables, looks nothing up, or fails."""
    started = time.monotonic()
    places = Places(root)
    births = ArrayBirths(places)
    recorder = ArrayRecorder(places, births)
    ends: list[int] = []
    tables: Tables | None = None
    error = ""
    with ExitStack() as stack:
        stack.enter_context(births)
        try:
            recommender = build()
            tables = Tables(recommender, least_rows, recorder.told)
            recorder.training, recorder.limit = True, Limit(seconds)
            passes = iter(recommender.fit())
            while len(ends) < epochs and len(tables) and next(passes, None) is not None:
                recorder.end_epoch()
                ends.append(recorder.step)
        except StopTracing:
            pass
        except Exception as fault:  # noqa: BLE001 -- candidate code: a table that is watched may be one too many for it
            error = traceback_of(fault)
        finally:
            recorder.training = False
            if tables is not None:
                tables.restore()
    if error or not recorder.step:
        return None
    return {
        "epochs": len(ends),
        "epoch_ends": ends,
        "steps": recorder.step,
        "seconds": round(time.monotonic() - started, 3),
        "streams": recorder.documents(folder),
    }
