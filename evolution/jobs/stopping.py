"""Stops a job and tells how that went: asked first, killed where it does not answer, as while it hangs in a read."""

import signal
import time
from dataclasses import replace
from enum import StrEnum
from pathlib import Path

from evolution.base.errors import Cancelled
from evolution.base.processes import ProcessId, identify, is_visible, send
from evolution.domain.job import JobRecord, JobState
from evolution.jobs.alive import is_alive, wait_until_released
from evolution.jobs.leftovers import forget_interrupted, remove_scratch
from evolution.store.store import Store

GRACE_S = 15.0  # how long a job that was asked to stop may go on: an LLM's answer that is paid for is waited for 5 s
KILL_WAIT_S = 5.0
POLL_S = 0.05
KILLED_WORDS = "cancelled; it did not answer and was killed; what was measured so far is kept"


class Ending(StrEnum):
    """How a stop ended; the value is said to the user after the job's id."""

    STOPPED = "stopped"
    KILLED = "was killed, because it did not answer"
    NOT_RUNNING = "was not running"
    ELSEWHERE = "runs in another container or on another machine; stop it there"
    FORBIDDEN = "belongs to another user, who has to stop it"
    STAYS = "could not be stopped: the system does not let its process go; free what it waits for (a disk, a network folder)"

    @property
    def runs_on(self) -> bool:
        """Whether the job still runs."""
        return self in (Ending.ELSEWHERE, Ending.FORBIDDEN, Ending.STAYS)


def ask(repo: Path, job_id: str) -> Ending | None:
    """Ask a job to stop, without waiting; None if it was told, else why it was not. Stored results are kept."""
    with Store.open(repo) as store:
        job = store.job(job_id)
    if job is None or job.state.ended or not is_alive(repo, job):
        return Ending.NOT_RUNNING
    return _signalled(job, signal.SIGTERM)


def stop(repo: Path, job_id: str, *, grace_s: float = GRACE_S) -> Ending:
    """Ask a job to stop and wait for its end; kill it if it goes on for longer than `grace_s`."""
    refused = ask(repo, job_id)
    if refused is not None:
        return refused
    return Ending.STOPPED if _ends(repo, job_id, grace_s) else kill(repo, job_id)


def kill(repo: Path, job_id: str) -> Ending:
    """End a job's process at once and store that it was cancelled. Its workers end with it; stored results are kept."""
    with Store.open(repo) as store:
        job = store.job(job_id)
        if job is None or job.state.ended or not is_alive(repo, job):
            return Ending.NOT_RUNNING
        refused = _signalled(job, signal.SIGKILL)
        if refused is not None:
            return refused
        if not _ends(repo, job_id, KILL_WAIT_S):
            return Ending.STAYS
        wait_until_released(repo, job_id)
        last = store.job(job_id)
        if last is not None and not last.state.ended:
            store.put_job(
                replace(
                    last,
                    state=JobState.CANCELLED,
                    error=KILLED_WORDS,
                    finished_at=time.time(),
                    exit_code=Cancelled.exit_code,
                )
            )
        remove_scratch(repo, job_id)
        forget_interrupted(repo, store)
    return Ending.KILLED


def _signalled(job: JobRecord, number: signal.Signals) -> Ending | None:
    """None if the signal was sent; else why it was not."""
    process = _process_of(job)
    if process is None:
        return Ending.NOT_RUNNING
    if not is_visible(process):
        return Ending.ELSEWHERE
    try:
        return None if send(process, number) else Ending.NOT_RUNNING
    except PermissionError:
        return Ending.FORBIDDEN


def _process_of(job: JobRecord) -> ProcessId | None:
    """The process of a job that lives; an earlier version stored its pid alone."""
    return job.process or (identify(job.pid) if job.pid else None)


def _ends(repo: Path, job_id: str, within_s: float) -> bool:
    """Whether the job's process ends in time."""
    end = time.monotonic() + within_s
    while True:
        with Store.open(repo) as store:
            job = store.job(job_id)
        if job is None or not is_alive(repo, job):
            return True
        if time.monotonic() > end:
            return False
        time.sleep(POLL_S)
