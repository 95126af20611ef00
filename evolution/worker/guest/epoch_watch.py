"""Watches the first epochs of a training as it really runs: which ids it reads, what learns, where a value stops being
finite. The first steps are traced in full, so that what is watched has its place in the data flow.

What comes out is plain data (format 1) and arrays; `diagnosis` interprets them. Of a repo without torch only the rows of
its tables are watched (array_watch.py).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from .failures import traceback_of
from .tracing_frames import Limit, Places, StopTracing

FULL_STEPS = 3  # that are traced in full
EPOCHS = 2
MOST_STEPS = 20_000
CHAIN = 16  # places that a tensor came through, at most
WITHOUT_TORCH = (
    "the repo makes no torch calls, and no table of numbers that it looks rows up in could be watched"
)


class Watched:
    """What was seen of a training. epochs: what its fit() returned, to go on with. settled: an epoch has just ended."""

    def __init__(self, epochs: Any, settled: bool, document: dict[str, Any]) -> None:
        self.epochs, self.settled, self.document = epochs, settled, document


def watch_epochs(
    build: Callable[[], Any],
    *,
    root: str,
    seconds: float,
    n_items: int,
    least_rows: int,
    folder: Path,
    suspect_from: int | None = None,
) -> Watched:
    """Build, and train until EPOCHS have ended, or `seconds` of training have passed. Arrays go to `folder`.

    suspect_from: from this step on, each result is looked at for values that are not finite. An exception of candidate
    code is kept as `error` beside what was seen until then. Everything patched meanwhile is restored.
    """
    if "torch" not in sys.modules:
        from .array_watch import watch_arrays

        seen = watch_arrays(
            build, root=root, seconds=seconds, least_rows=least_rows, folder=folder, epochs=EPOCHS
        )
        nothing = _empty(WITHOUT_TORCH)
        return Watched(None, False, {**nothing, "kind": "numpy", "note": "", **seen} if seen else nothing)
    from .epoch_recorder import EpochRecorder  # needs torch

    started = time.monotonic()
    places = Places(root)
    recorder = EpochRecorder(places, n_items=n_items, least_rows=least_rows, suspect_from=suspect_from)
    ends: list[int] = []
    error, epochs, settled = "", None, False
    with ExitStack() as stack:
        recorder.enter(stack)
        try:
            recommender = build()
            recorder.begin_training(Limit(seconds), MOST_STEPS)
            epochs = iter(recommender.fit())
            while next(epochs, None) is not None:
                ends.append(recorder.learning.step)
                if len(ends) >= EPOCHS:
                    break
            settled = True
        except StopTracing:
            pass
        except Exception as fault:  # noqa: BLE001 -- candidate code: its failure is data
            error = traceback_of(fault)[-4000:]
    document = recorder.document(folder)
    document.update(
        note="" if recorder.learning.losses or recorder.learning.step else "no training step was seen",
        error=error,
        seconds=round(time.monotonic() - started, 3),
        epochs=len(ends),
        epoch_ends=ends,
    )
    return Watched(epochs, settled, document)


def _empty(note: str) -> dict[str, Any]:
    return {
        "format": 1,
        "kind": "python",
        "note": note,
        "error": "",
        "seconds": 0.0,
        "epochs": 0,
        "epoch_ends": [],
    }
