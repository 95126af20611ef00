"""Starting, finding, following and cancelling jobs: detached processes that outlive whoever started them."""

import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import evolverec_entry
from evolution import serial
from evolution.errors import ConsentError, EvolverecError
from evolution.jobs.records import Event, JobKind, JobRecord, JobState
from evolution.places import ensure_store_folder, job_folder
from evolution.settings import is_trusted, trust
from evolution.store import Store
from evolution.trials.records import TrialStatus

START_GRACE_S = 30.0
EVENTS = "events.jsonl"
RUNS_CODE = frozenset(JobKind)  # every kind of job may run the repo's code


def start(repo: Path, kind: JobKind, params: Mapping[str, Any], *, trusted: bool = False) -> JobRecord:
    """Start a job on a repo as a process of its own.

    trusted: the user consents now, and it is remembered. Raises ConsentError without consent,
    EvolverecError where the process cannot be started.
    """
    repo = repo.resolve()
    if trusted:
        trust(repo)
    if kind in RUNS_CODE and not is_trusted(repo):
        raise ConsentError(
            f"{kind} runs the code of {repo} on this machine, and you have not consented to that yet. "
            "Read the code, then pass --trust (or trust the workspace in your editor)"
        )
    ensure_store_folder(repo)
    job = JobRecord(
        id=f"{kind.value}-{secrets.token_hex(4)}",
        kind=kind,
        state=JobState.STARTING,
        pid=0,
        pid_started=0.0,
        created_at=time.time(),
        params=dict(params),
    )
    folder = job_folder(repo, job.id)
    folder.mkdir(parents=True)
    with Store.open(repo) as store:
        store.put_job(job)
        try:
            _spawn(repo, job.id, folder)
        except OSError as error:
            store.put_job(
                replace(job, state=JobState.FAILED, error=str(error), finished_at=time.time(), exit_code=1)
            )
            raise EvolverecError(f"the job could not be started: {error}") from None
    return job


def _spawn(repo: Path, job: str, folder: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with (folder / "log.txt").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, str(Path(evolverec_entry.__file__)), "run-job", str(repo), job],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=repo,
            env=environment,
            start_new_session=True,
            close_fds=True,
        )
    threading.Thread(target=process.wait, name=f"reap-{job}", daemon=True).start()


def cancel(repo: Path, job_id: str) -> bool:
    """Ask a running job to stop; False where it is not running. What it has measured stays."""
    with Store.open(repo) as store:
        job = store.job(job_id)
    if job is None or job.state.ended or not is_alive(job):
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(job.pid, signal.SIGTERM)
    return True


def read_events(repo: Path, job_id: str, offset: int) -> tuple[list[Event], int]:
    """The whole events written since a byte offset, and the offset to go on from."""
    path = job_folder(repo, job_id) / EVENTS
    try:
        with path.open("rb") as stream:
            stream.seek(offset)
            chunk = stream.read()
    except FileNotFoundError:
        return [], offset
    whole = chunk[: chunk.rfind(b"\n") + 1]
    return [serial.load(Event, json.loads(line)) for line in whole.splitlines()], offset + len(whole)


def is_alive(job: JobRecord) -> bool:
    """Whether the job's own process still runs; a reused pid does not count."""
    import psutil

    if not job.pid:
        return time.time() - job.created_at < START_GRACE_S
    try:
        process = psutil.Process(job.pid)
        return abs(process.create_time() - job.pid_started) < 1.0 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def reconcile(repo: Path) -> list[JobRecord]:
    """The jobs that really run. Those whose process is gone are marked lost, their half-done trials
    forgotten and their scratch removed; all that they finished stays."""
    with Store.open(repo) as store:
        running: list[JobRecord] = []
        for job in store.unfinished_jobs():
            if is_alive(job):
                running.append(job)
                continue
            fresh = store.job(job.id)
            if fresh is not None and fresh.state.ended:
                continue
            message = "its process ended without a last word (killed, or the machine restarted); start it again to go on"
            store.put_job(
                replace(job, state=JobState.LOST, error=message, finished_at=time.time(), exit_code=1)
            )
            remove_scratch(repo, job.id)
        if not running:
            store.mark_interrupted([t.id for t in store.trials() if t.status is TrialStatus.RUNNING])
    return running


def scratch_folder(repo: Path, job_id: str) -> Path:
    """Where a job keeps what need not outlive it: checkouts, exchange files."""
    return job_folder(repo, job_id) / "scratch"


def remove_scratch(repo: Path, job_id: str) -> None:
    shutil.rmtree(scratch_folder(repo, job_id), ignore_errors=True)
