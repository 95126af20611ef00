"""Documents of stored results: the list of all, one item in full; and stopping of jobs."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from evolution.base import serial
from evolution.base.errors import UsageError
from evolution.domain.job import JobRecord
from evolution.jobs import control
from evolution.jobs.stopping import Ending, stop
from evolution.store.documents import proposal_document, train_document
from evolution.store.run_document import run_document
from evolution.store.store import Store


def runs_document(repo: Path) -> dict[str, Any]:
    """The document of `evolverec runs`: all trials, proposals, runs and jobs of the repo."""
    control.reconcile(repo)
    with Store.open(repo) as store:
        return {
            "trials": [{**train_document(t), "created_at": t.created_at} for t in store.trials()],
            "proposals": [proposal_document(p) for p in store.proposals()],
            "runs": [run_document(run) for run in store.runs()],
            "jobs": [_job_summary(job) for job in store.jobs()],
        }


def _job_summary(job: JobRecord) -> dict[str, Any]:
    return {
        "id": job.id,
        "kind": job.kind.value,
        "state": job.state.value,
        "created_at": job.created_at,
        "finished_at": job.finished_at or None,
        "error": job.error or None,
    }


def item_document(repo: Path, wanted: str) -> dict[str, Any]:
    """The document of one trial, proposal, run or job. Raises UsageError unless exactly one item has that id."""
    with Store.open(repo) as store:
        if trial := store.trial(wanted):
            epochs = [serial.plain(epoch) for epoch in trial.epochs]
            reads = [{"at": at, **record} for at, record in store.test_reads(trial.id)]
            traceback = trial.failure.traceback if trial.failure else ""
            shown = {"kind": "trial", **train_document(trial), "traceback": traceback or None}
            return {**shown, "curve": epochs, "test_reads": reads}
        if proposal := store.proposal(wanted):
            return {"kind": "proposal", **proposal_document(proposal)}
        if run := store.run(wanted):
            return {"kind": "run", **run_document(run)}
        if job := store.job(wanted):
            return {**serial.plain(job), "job": job.kind.value, "kind": "job"}
    raise UsageError(
        f"no single trial, proposal, run or job {wanted!r} in {repo}; `evolverec runs` lists them"
    )


def stop_jobs(repo: Path, wanted: str) -> dict[str, Any]:
    """Stop the running jobs whose id begins with `wanted`, "" for all, and wait for their end.

    stopped: ids of the jobs that ended. endings: how, in words, by id. Raises UsageError if none is running.
    """
    running = control.reconcile(repo)
    chosen = [job.id for job in running if not wanted or job.id.startswith(wanted)]
    if wanted and not chosen:
        listed = ", ".join(job.id for job in running) or "none"
        raise UsageError(f"no running job {wanted!r} in {repo}; running: {listed}")
    with ThreadPoolExecutor(max_workers=max(1, len(chosen))) as pool:
        endings = dict(zip(chosen, pool.map(lambda job: stop(repo, job), chosen), strict=True))
    stopped = [job for job, ending in endings.items() if ending in (Ending.STOPPED, Ending.KILLED)]
    running_on = [job for job, ending in endings.items() if ending.runs_on]
    return {
        "stopped": stopped,
        "running": running_on,
        "endings": {job: e.value for job, e in endings.items()},
    }
