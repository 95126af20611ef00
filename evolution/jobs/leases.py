"""One trial per CPU slot and per GPU on a machine, over all of a user's jobs: locks that die with their holder."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from evolution.errors import Cancelled
from evolution.places import lease_folder

POLL_S = 0.1


@contextmanager
def lease(
    kind: str, count: int, *, cancelled: Callable[[], bool], waiting: Callable[[], None]
) -> Iterator[int]:
    """Hold one of `count` slots of a kind ("cpu", "cuda"); its number. Waits until one is free.

    waiting is called once if none is free at first. Raises Cancelled. The kernel releases a slot when its
    holder dies, however it dies.
    """
    folder = lease_folder()
    folder.mkdir(parents=True, exist_ok=True)
    told = False
    while True:
        for slot in range(count):
            handle = os.open(folder / f"{kind}-{slot}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(handle)
                continue
            try:
                yield slot
            finally:
                os.close(handle)
            return
        if not told:
            waiting()
            told = True
        if cancelled():
            raise Cancelled("cancelled while waiting for a free slot")
        time.sleep(POLL_S)
