"""Starts, follows and cancels jobs, which are detached processes that outlive the process that started them."""

import contextlib
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from cattrs.errors import BaseValidationError

from evolution.base import serial
from evolution.base.errors import EvolverecError
from evolution.base.places import ENTRY, job_folder, store_folder
from evolution.base.processes import identify
from evolution.domain.job import Event, JobRecord, JobState
from evolution.domain.request import Request
from evolution.jobs import consent
from evolution.jobs.alive import handed_over, is_abandoned, is_alive, wait_until_released
from evolution.jobs.leftovers import forget_interrupted, remove_scratch, scratch_folder
from evolution.repo.ownership import ensure_store_folder
from evolution.repo.settings import chosen_python, is_relative, trust
from evolution.store.store import Store
from seeds.reading import open_plain, parse_json

STOPPING = (signal.SIGTERM, signal.SIGINT)
EVENTS = "events.jsonl"
EVENTS_AT_ONCE = 16_000_000  # bytes


def start(repo: Path, request: Request, *, trusted: bool = False) -> JobRecord:
    """Start a job on a repo as a process of its own.

    trusted: the user consents to running the repo's code, which is remembered. Raises ConsentError without consent to
    what `consent` asks, UsageError if there is no such interpreter, EvolverecError if the process cannot be started.
    """
    repo = repo.resolve()
    if trusted:
        trust(repo)
    consent.require(repo, request)
    python = chosen_python(request.python)  # now, for the job runs in another folder than its caller
    if is_relative(
        request.python
    ):  # else as it was given, so that who asks for the same again finds this job
        request = replace(request, python=python)
    ensure_store_folder(repo)
    job = JobRecord(
        id=f"{request.kind}-{secrets.token_hex(4)}",
        kind=request.kind,
        state=JobState.STARTING,
        created_at=time.time(),
        params=serial.plain(request),
    )
    job_folder(repo, job.id).mkdir(parents=True)
    with Store.open(repo) as store, handed_over(repo, job.id) as lock:
        scratch_folder(repo, job.id).mkdir()
        store.put_job(job)
        try:
            pid = _spawn(repo, job.id, python, lock)
        except OSError as error:
            store.put_job(
                replace(job, state=JobState.FAILED, error=str(error), finished_at=time.time(), exit_code=1)
            )
            raise EvolverecError(f"the job could not be started: {error}") from None
        if (process := identify(pid)) is not None:
            store.note_process(job.id, process)
        return store.job(job.id) or job


def _spawn(repo: Path, job: str, python: str, lock: int) -> int:
    """Start the job's process and return its pid. SIGTERM and SIGINT stay blocked there until `answer_stopping`.

    lock: the descriptor that the process inherits, and with it the lock of the job's folder.
    """
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment["EVOLVEREC_PYTHON"] = python
    environment["TMPDIR"] = str(
        scratch_folder(repo, job)
    )  # so that nothing of a killed job stays behind in /tmp
    with (job_folder(repo, job) / "log.txt").open("ab") as log, _held_back(STOPPING):
        process = subprocess.Popen(
            [sys.executable, str(ENTRY), "run-job", str(repo), job],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=repo,
            env=environment,
            start_new_session=True,
            pass_fds=(lock,),
        )
    threading.Thread(target=process.wait, name=f"reap-{job}", daemon=True).start()
    return process.pid


@contextlib.contextmanager
def _held_back(signals: Iterable[signal.Signals]) -> Iterator[None]:
    """Block signals meanwhile, so that child processes start with them blocked; `answer_stopping` unblocks them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def answer_stopping(stop: Callable[[], None]) -> None:
    """Call `stop` on SIGTERM and SIGINT, also for one that arrived before; to be called in the job's process."""
    for number in STOPPING:
        signal.signal(number, lambda *_: stop())
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)


def read_events(repo: Path, job_id: str, offset: int) -> tuple[list[Event], int]:
    """The complete events after a byte offset of the event file, and the offset for the next call.

    At most EVENTS_AT_ONCE bytes are read. Lines that hold no event, which a full disk can leave, are skipped.
    """
    folder = job_folder(repo, job_id)
    try:
        with open_plain(folder / EVENTS, inside=folder) as stream:
            stream.seek(offset)
            chunk = stream.read(EVENTS_AT_ONCE)
    except OSError:
        return [], offset
    whole = chunk[: chunk.rfind(b"\n") + 1] or (chunk if len(chunk) == EVENTS_AT_ONCE else b"")
    found = (_event(line) for line in whole.split(b"\n") if line)
    return [event for event in found if event is not None], offset + len(whole)


def _event(line: bytes) -> Event | None:
    """None for a line that a full disk or a power cut has cut short."""
    try:
        return serial.load(Event, parse_json(line))
    except (BaseValidationError, ValueError, TypeError, KeyError):
        return None


def reconcile(repo: Path) -> list[JobRecord]:
    """The jobs whose processes are alive. The others are marked LOST, and their unfinished trials and temporary
    files are deleted; finished trials are kept."""
    with Store.open(repo) as store:
        running: list[JobRecord] = []
        for job in store.unfinished_jobs():
            if is_alive(repo, job):
                running.append(job)
                continue
            wait_until_released(repo, job.id)
            fresh = store.job(job.id)
            if fresh is None or fresh.state.ended:
                continue
            message = "its process ended without a last word (killed, the disk full, or the machine restarted); start it again to go on"
            store.put_job(
                replace(fresh, state=JobState.LOST, error=message, finished_at=time.time(), exit_code=1)
            )
            remove_scratch(repo, job.id)
        forget_interrupted(repo, store)
    for scratch in store_folder(repo).glob(
        "jobs/*/scratch"
    ):  # of a job that was killed after its last word, too
        if is_abandoned(repo, scratch.parent.name):
            remove_scratch(repo, scratch.parent.name)
    return running
