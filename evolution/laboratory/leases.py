"""File locks that the kernel releases when their process dies.

They limit all jobs of a user on this machine to one trial per CPU slot or GPU, and each trial to one job at a time.
"""

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
    """Hold one of `count` slots of a kind ("cpu", "cuda", "mps") and yield its number. Waits until one is free.

    `waiting` is called once if no slot is free at first. Raises Cancelled if `cancelled()` is true while waiting.
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
    """Try to lock a trial for training, testing or deleting it; yields whether the lock was obtained. Does not wait."""
    with _lock(trial_folder(repo, trial).with_suffix(".lock")) as ours:
        yield ours


@contextmanager
def _lock(path: Path) -> Iterator[bool]:
    """Try to take a file lock; yields whether it was free. The kernel releases it when the process ends in any way."""
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
