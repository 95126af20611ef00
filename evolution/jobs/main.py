"""The main function of a job's process. It writes events and always stores a final state, also after an error."""

import os
import sqlite3
import threading
import time
import traceback
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from evolution.base.disks import disk_error, store_error
from evolution.base.errors import Cancelled, DiskError, EvolverecError
from evolution.base.places import job_folder
from evolution.base.processes import identify
from evolution.domain.job import EventType, JobRecord, JobState
from evolution.domain.request import parse_request
from evolution.jobs import consent, control
from evolution.jobs.alive import keep_to_ourselves
from evolution.jobs.leftovers import remove_scratch, scratch_folder
from evolution.laboratory.context import EventLog, JobContext
from evolution.repo.config import read_config
from evolution.repo.settings import user_settings
from evolution.store.store import Store

NICE = 5  # a lower priority than the editor and the language server


def run_job(repo: Path, job_id: str) -> int:
    """Do the job and return the exit code: 0 done, 1 a failure (of the repo, LLM or disk), 2 wrong use, 130 cancelled."""
    keep_to_ourselves()
    stop = threading.Event()
    control.answer_stopping(stop.set)
    store = Store.open(repo)
    found = store.job(job_id)
    if found is None:
        return 2
    job = replace(found, state=JobState.RUNNING, pid=os.getpid(), process=identify(os.getpid()))
    store.put_job(job)
    os.nice(NICE)
    try:
        with (job_folder(repo, job_id) / control.EVENTS).open("a", encoding="utf-8") as stream:
            events = EventLog(stream)
            ended = _work(repo, job, store, events, stop)
            ended = replace(ended, program=(store.job(job_id) or job).program)
            store.put_job(ended)
            with suppress(OSError):  # the disk is full; who follows the job reads the store
                events.emit(
                    EventType.FINISHED,
                    ended.error or f"{job.kind} done",
                    state=ended.state,
                    exit_code=ended.exit_code,
                )
    finally:
        remove_scratch(repo, job_id)
    store.close()
    return ended.exit_code


def _work(repo: Path, job: JobRecord, store: Store, events: EventLog, stop: threading.Event) -> JobRecord:
    from evolution.jobs.work import work_of

    events.emit(EventType.STARTED, f"{job.kind} started", job=job.kind)
    scratch = scratch_folder(repo, job.id)
    scratch.mkdir(parents=True, exist_ok=True)
    result: dict[str, Any] | None = None
    try:
        request = parse_request(job.kind, job.params)
        consent.require(repo, request)
        context = JobContext(
            repo=repo,
            job=job,
            request=request,
            store=store,
            store_lock=threading.RLock(),
            config=read_config(repo),
            settings=user_settings(python=request.python),
            events=events,
            scratch=scratch,
            stop=stop,
        )
        outcome = work_of(job.kind)(context, request)
        result, state, error, code = outcome.document, outcome.state, outcome.error, outcome.exit_code
    except Cancelled:
        state, error, code = (
            JobState.CANCELLED,
            "cancelled; what was measured so far is kept",
            Cancelled.exit_code,
        )
    except EvolverecError as problem:
        state, error, code = JobState.FAILED, str(problem), problem.exit_code
    except sqlite3.DatabaseError as problem:
        traceback.print_exc()
        state, error, code = JobState.FAILED, str(store_error(problem)), DiskError.exit_code
    except Exception as problem:  # noqa: BLE001 - a job always leaves a last word; the traceback is in its log
        traceback.print_exc()
        state, code = JobState.FAILED, 1
        log = job_folder(repo, job.id) / "log.txt"
        known = disk_error(problem) if isinstance(problem, OSError) else None
        error = (
            str(known)
            if known
            else (
                f"{job.kind} failed by a fault of evolverec ({type(problem).__name__}: {problem}); the traceback is in {log}"
            )
        )
    return replace(job, state=state, error=error, exit_code=code, result=result, finished_at=time.time())
