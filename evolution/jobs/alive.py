"""Whether a job's process lives, however its record came about.

A job holds the lock of its folder from before its process starts until the process is gone, in any way: the starter takes
it and hands it over. Where a job's process can be seen it is also known by its identity, which tells its pid from a reused
one; the lock decides for a job that has no process yet, and for one of another container or machine.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from evolution.base.places import job_folder
from evolution.base.processes import is_visible, lives
from evolution.domain.job import JobRecord

LOCK = "alive.lock"
UNLOCKED_GRACE_S = 30.0  # how long a job of an earlier version, without lock and pid, counts as alive
RELEASED_WITHIN_S = 5.0  # milliseconds, but on a machine that swaps
SAME_TIME_S = 1.0  # by how much an earlier version's start times differed


def is_alive(repo: Path, job: JobRecord) -> bool:
    """Whether the job's own process still runs, or is being started; a reused pid does not count."""
    if job.process is not None and is_visible(job.process):
        return lives(job.process)
    try:
        return _is_held(job_folder(repo, job.id) / LOCK)
    except FileNotFoundError:
        return job.process is None and _earlier_version_lives(job)


@contextmanager
def handed_over(repo: Path, job: str) -> Iterator[int]:
    """Hold the lock of a new job; yields its descriptor, for the job's process to inherit."""
    handle = os.open(job_folder(repo, job) / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        with suppress(OSError):  # a file system without locks: identities have to do
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield handle
    finally:
        os.close(handle)


def wait_until_released(repo: Path, job: str) -> None:
    """Wait until a killed process has let its locks go: its first thread ends before the others, which hold them on."""
    end = time.monotonic() + RELEASED_WITHIN_S
    with suppress(FileNotFoundError):
        while _is_held(job_folder(repo, job) / LOCK) and time.monotonic() < end:
            time.sleep(0.01)


def is_abandoned(repo: Path, job: str) -> bool:
    """Whether the lock of a job's folder is there and nobody holds it. Jobs of earlier versions have none."""
    try:
        return not _is_held(job_folder(repo, job) / LOCK)
    except FileNotFoundError:
        return False


def keep_to_ourselves() -> None:
    """Do not pass inherited descriptors on; to be called in the job's process, whose workers must not hold its lock."""
    for path in list(Path("/dev/fd").iterdir()):
        with suppress(OSError):
            if int(path.name) > 2:
                os.set_inheritable(int(path.name), False)


def _is_held(path: Path) -> bool:
    """Whether a process holds the lock. Raises FileNotFoundError."""
    handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(handle)
    return False


def _earlier_version_lives(job: JobRecord) -> bool:
    """A record without lock and identity: its start time was taken by the wall clock."""
    import psutil

    if not job.pid:
        return abs(time.time() - job.created_at) < UNLOCKED_GRACE_S
    try:
        process = psutil.Process(job.pid)
        started = process.create_time()
        return abs(started - job.pid_started) < SAME_TIME_S and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
