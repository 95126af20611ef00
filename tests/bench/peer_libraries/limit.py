"""Ends a training by the clock and counts what it trained on, the same way for every library."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Pace:
    """What was trained between the first batch that was asked for and the end.

    positions: targets that a loss was computed for. wall_s, cpu_s: of this process, all threads
    """

    positions: int
    wall_s: float
    cpu_s: float


class Limit:
    """An iterable of batches, again and again from the start, for `seconds`, and at least one batch."""

    def __init__(self, batches: Iterable[Any], count: Callable[[Any], int], seconds: float) -> None:
        self.batches = batches
        self.count = count
        self.seconds = seconds
        self.pace = Pace(positions=0, wall_s=0.0, cpu_s=0.0)
        self.first_at = 0.0  # time.monotonic() when the first batch was there

    def __iter__(self) -> Iterator[Any]:
        begun, worked, positions = time.perf_counter(), time.process_time(), 0
        for batch in self._endless():
            self.first_at = self.first_at or time.monotonic()
            yield batch
            positions += self.count(batch)
            if time.perf_counter() - begun >= self.seconds:
                break
        self.pace = Pace(
            positions=positions, wall_s=time.perf_counter() - begun, cpu_s=time.process_time() - worked
        )

    def _endless(self) -> Iterator[Any]:
        while True:
            yield from self.batches
