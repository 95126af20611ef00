"""Seconds that a worker's processes were running, as the kernel counts them: a candidate can exchange its own clock."""

import contextlib
import sys
import time
from collections.abc import Iterable

import psutil


class CpuClock:
    """Adds up processes that come and go. It never runs backwards, and no second counts twice."""

    def __init__(self) -> None:
        self._seen: dict[tuple[int, float], float] = {}  # (pid, start) -> seconds of its own when last seen
        self._total = 0.0

    def read(self, processes: Iterable[psutil.Process]) -> float:
        """Seconds so far. processes: those that live; to be called often, as one that ends unseen may be missed.

        The kernel adds a child that ended to its parent, unless the parent does not care for it; then what was seen
        of the child last is all that is known.
        """
        living = 0.0
        for process in processes:
            with contextlib.suppress(psutil.Error):
                times = process.cpu_times()
                own = _own(process.pid, times.user + times.system)
                self._seen[process.pid, process.create_time()] = own
                living += own + getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
        self._total = max(self._total, living, sum(self._seen.values()))
        return self._total


def _own(pid: int, counted: float) -> float:
    """Of one process and its threads. counted: in ticks of 10 ms; Linux has a clock in nanoseconds as well."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            return time.clock_gettime((~pid << 3) | 2)  # as clock_getcpuclockid(3) makes it from a pid
    return counted
