"""Limits how fast an endpoint is asked: a number of requests at once, and pauses when it answers that this is too
much.
"""

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from evolution.base.errors import Cancelled

LONGEST_BACKOFF_S = 60.0
_LOOK_EVERY_S = 0.05  # how often a waiting thread checks for a cancel


class Pace:
    """Threads share it. Every wait checks `cancelled`, and raises Cancelled if that returns true."""

    def __init__(self, concurrency: int, cancelled: Callable[[], bool]) -> None:
        self._slots = threading.Semaphore(concurrency)
        self._cancelled = cancelled
        self._paused_until = 0.0  # by the monotonic clock
        self._pausing = threading.Lock()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """A block that holds one of the slots, entered once there is no pause."""
        while not self._slots.acquire(timeout=_LOOK_EVERY_S):
            self._check()
        try:
            self._check()
            while (left := self._paused_until - time.monotonic()) > 0:
                self.sleep(min(left, _LOOK_EVERY_S))
            yield
        finally:
            self._slots.release()

    def pause(self, seconds: float) -> None:
        """Make all threads wait `seconds` before their next request (after a 429)."""
        with self._pausing:
            self._paused_until = max(self._paused_until, time.monotonic() + seconds)

    def sleep(self, seconds: float) -> None:
        """Make only the calling thread wait."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._check()
            time.sleep(min(left, _LOOK_EVERY_S))

    def _check(self) -> None:
        if self._cancelled():
            raise Cancelled("cancelled while the LLM was waited for")


def backoff_s(key: str, tries: int, first_s: float) -> float:
    """Exponential backoff: first_s * 2**tries, at most LONGEST_BACKOFF_S, times 0.5 to 1.5.

    The last factor is fixed by the exchange's key, so that threads do not come back all at once and a run stays
    reproducible.
    """
    digest = hashlib.sha256(f"{key} {tries}".encode()).digest()
    return min(LONGEST_BACKOFF_S, first_s * 2**tries) * (0.5 + int.from_bytes(digest[:4]) / 2**32)
