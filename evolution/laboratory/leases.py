"""Locks that die with their holder: one trial per CPU slot and per GPU on a machine, over all of a user's jobs,
and one job at a time on one trial."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from evolution.base.errors import Cancelled
from evolution.base.places import lease_folder, trial_folder

POLL_S = 0.1


@contextmanager
def lease(
    kind: str, count: int, *, cancelled: Callable[[], bool], waiting: Callable[[], None]
) -> Iterator[int]:
    """Hold one of `count` slots of a kind ("cpu", "cuda"); its number. Waits until one is free.

    waiting is called once if none is free at first. Raises Cancelled.
    """
    told = False
    while True:
        for slot in range(count):
            with _lock(lease_folder() / f"{kind}-{slot}.lock") as ours:
                if ours:
                    yield slot
                    return
        if not told:
            waiting()
            told = True
        if cancelled():
            raise Cancelled("cancelled while waiting for a free slot")
        time.sleep(POLL_S)


@contextmanager
def trial_lock(repo: Path, trial: str) -> Iterator[bool]:
    """Whether this caller is now the only one that may train, test or clear a trial. Does not wait."""
    with _lock(trial_folder(repo, trial).with_suffix(".lock")) as ours:
        yield ours


@contextmanager
def _lock(path: Path) -> Iterator[bool]:
    """Whether the lock was free and is ours now. The kernel releases it when its holder dies, however it dies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            ours = False
        else:
            ours = True
        yield ours
    finally:
        os.close(handle)
