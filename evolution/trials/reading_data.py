"""Reads a repo's data in a thread of its own, so that whoever waits can tell how far it is, and can stop at once.

Ordering the events of a large log is a single call that nothing interrupts. It goes on in its thread when the waiting
ends, and ends with the process.
"""

import threading
import time
from collections.abc import Callable
from pathlib import Path

from evolution.base.errors import Cancelled
from evolution.repo.config import Config
from evolution.trials.data import TrialData, prepare
from seeds.loading import Progress

POLL_S = 0.1
TOLD_S = 2.0  # between two words on how far it is


def read_data(
    config: Config, repo: Path, *, tell: Callable[[str], None], cancelled: Callable[[], bool]
) -> TrialData:
    """As `prepare`. tell: called with a few words now and then, if it takes long.

    Raises Cancelled within a second of `cancelled` being True, and what `prepare` raises.
    """
    progress = Progress()
    reader = _Reader(config, repo, progress)
    reader.start()
    started = told = time.monotonic()
    while reader.is_alive():
        reader.join(POLL_S)
        if cancelled():
            raise Cancelled("cancelled")
        now = time.monotonic()
        if now - told >= TOLD_S:
            told = now
            tell(_words(progress, now - started))
    return reader.result()


class _Reader(threading.Thread):
    """Prepares the data once; `result` gives it, or raises what went wrong."""

    def __init__(self, config: Config, repo: Path, progress: Progress) -> None:
        super().__init__(name="reading data", daemon=True)
        self._work = lambda: prepare(config, repo, progress)
        self._data: TrialData | None = None
        self._error: BaseException | None = None

    def run(self) -> None:
        try:
            self._data = self._work()
        except BaseException as error:  # noqa: BLE001 - it is raised again for whoever waits
            self._error = error

    def result(self) -> TrialData:
        if self._error is not None:
            raise self._error
        assert self._data is not None
        return self._data


def _words(progress: Progress, seconds: float) -> str:
    if not progress.rows:
        return f"preparing the data, {seconds:.0f} s so far"
    if progress.whole:
        return f"ordering and dividing {progress.rows:,} events, {seconds:.0f} s so far"
    name = Path(progress.path).name
    return f"reading {name}: {progress.rows:,} rows, {progress.rows / seconds:,.0f} rows per second"
