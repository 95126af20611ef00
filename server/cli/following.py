"""Starts a job from a terminal and follows it with live progress; Ctrl-C cancels it."""

import sys
import time
from pathlib import Path
from typing import Any

from evolution.base.errors import Cancelled, EvolverecError, RepoError, UsageError
from evolution.domain.job import Event, EventType, JobRecord, JobState
from evolution.domain.request import Request
from evolution.jobs import consent, control
from evolution.store.store import Store
from server.cli.running import Agreed

POLL_S = 0.1


def run_as_job(repo: Path, request: Request, *, agreed: Agreed, quiet: bool) -> dict[str, Any]:
    """Start a job and wait for its end, as `result_of` does. Raises ConsentError if the user does not consent."""
    control.reconcile(repo)
    for question in consent.open_questions(repo, request):
        if question.flag not in agreed and (quiet or not sys.stdin.isatty() or not _consents(question)):
            raise consent.refusal(question)
        question.remember()
    return result_of(repo, control.start(repo, request), quiet=quiet)


def result_of(repo: Path, job: JobRecord, *, quiet: bool) -> dict[str, Any]:
    """Wait for a job's end, with its progress on stderr unless quiet, and return its result document.

    Raises the error that the job ended with: RepoError, UsageError or Cancelled.
    """
    ended = _follow(repo, job, quiet=quiet)
    if ended.state is JobState.CANCELLED:
        raise Cancelled(ended.error)
    if ended.result is None:
        wrong_use = ended.exit_code == UsageError.exit_code
        raise UsageError(ended.error) if wrong_use else RepoError(ended.error)
    return dict(ended.result)


_ASKED = {
    consent.Matter.CODE: "Do you trust it?",
    consent.Matter.INTERPRETER: "Is it yours, and may it run?",
    consent.Matter.SANDBOX: "Go on without one, now and later on this machine?",
}


def _consents(question: consent.Question) -> bool:
    print(f"{question.what}.", file=sys.stderr)
    return input(f"{_ASKED[question.matter]} [y/N] ").strip().lower() in ("y", "yes")


def _follow(repo: Path, job: JobRecord, *, quiet: bool) -> JobRecord:
    from server.cli.live import LiveView, SilentView

    offset = 0
    with SilentView() if quiet else LiveView() as view:
        while True:
            try:
                events, offset = control.read_events(repo, job.id, offset)
                for event in events:
                    view.show(event)
                if _is_over(events):
                    return _record(repo, job.id)
                if not events:
                    _check_alive(repo, job.id)
                    time.sleep(POLL_S)
            except KeyboardInterrupt:
                view.say("cancelling; what was measured is kept")
                control.cancel(repo, job.id)


def _is_over(events: list[Event]) -> bool:
    return any(event.type is EventType.FINISHED for event in events)


def _record(repo: Path, job_id: str) -> JobRecord:
    with Store.open(repo) as store:
        record = store.job(job_id)
    if record is None:
        raise EvolverecError(
            f"job {job_id} is gone from the store of {repo}; was .evolverec deleted while it ran?"
        )
    return record


def _check_alive(repo: Path, job_id: str) -> None:
    record = _record(repo, job_id)
    if record.state.ended or control.is_alive(record):
        return
    control.reconcile(repo)
    lost = _record(repo, job_id)
    if lost.state is JobState.LOST:
        raise EvolverecError(f"job {job_id}: {lost.error}")
