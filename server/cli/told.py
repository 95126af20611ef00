"""Counts the signals that tell a command to stop, so that it can end its job before it ends itself."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(kw_only=True)
class Told:
    """times: how often the command was told to stop."""

    times: int = 0


@contextmanager
def told_to_stop() -> Iterator[Told]:
    """Count Ctrl-C, SIGTERM and the closing of the terminal meanwhile; a signal that is ignored stays ignored."""
    told = Told()

    def count(_: int, __: FrameType | None) -> None:
        told.times += 1

    before = {number: signal.getsignal(number) for number in STOPPING}
    heeded = [number for number in STOPPING if before[number] is not signal.SIG_IGN]
    for number in heeded:
        signal.signal(number, count)
    try:
        yield told
    finally:
        for number in heeded:
            signal.signal(number, before[number])
