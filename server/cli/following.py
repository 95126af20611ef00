"""Starts a job from a terminal and follows it with live progress.

The job ends with the command: Ctrl-C, SIGTERM and the closing of the terminal cancel it, and a second Ctrl-C ends it at
once. A command that ignores the closing of its terminal (`nohup`) goes on. A command that is killed leaves its job running,
as an editor does; `evolverec stop` ends it.
"""

import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evolution.base.errors import Cancelled, EvolverecError, RepoError, UsageError
from evolution.domain.job import Event, EventType, JobRecord, JobState
from evolution.domain.request import Request
from evolution.jobs import consent, control
from evolution.jobs.alive import is_alive
from evolution.jobs.stopping import GRACE_S, ask, kill
from evolution.store.store import Store
from server.cli.output import say
from server.cli.running import Agreed
from server.cli.told import Told, told_to_stop

if TYPE_CHECKING:
    from server.cli.live import View

POLL_S = 0.1
TOLD = "EVOLVEREC_PROGRESS"  # set by who reads the document and shows the progress beside it


def run_as_job(repo: Path, request: Request, *, agreed: Agreed, quiet: bool) -> dict[str, Any]:
    """Start a job and wait for its end, as `result_of` does. Raises ConsentError if the user does not consent."""
    control.reconcile(repo)
    for question in consent.open_questions(repo, request):
        if question.flag not in agreed and (quiet or not sys.stdin.isatty() or not _consents(question)):
            raise consent.refusal(question)
        question.remember()
    with told_to_stop() as told:
        return result_of(repo, control.start(repo, request), quiet=quiet, told=told)


def result_of(repo: Path, job: JobRecord, *, quiet: bool, told: Told) -> dict[str, Any]:
    """Wait for a job's end, with its progress on stderr unless quiet, and return its result document.

    told: by it the job is stopped. Raises the error that the job ended with: RepoError, UsageError or Cancelled.
    """
    ended = _follow(repo, job, quiet=quiet, told=told)
    if ended.state is JobState.CANCELLED:
        raise Cancelled(ended.error)
    if ended.result is None:
        wrong_use = ended.exit_code == UsageError.exit_code
        raise UsageError(ended.error) if wrong_use else RepoError.read(ended.error)
    return dict(ended.result)


_ASKED = {
    consent.Matter.CODE: "Do you trust it?",
    consent.Matter.INTERPRETER: "Is it yours, and may it run?",
    consent.Matter.SANDBOX: "Go on without one, now and later on this machine?",
}


def _consents(question: consent.Question) -> bool:
    say(f"{question.what}.", file=sys.stderr)
    return input(f"{_ASKED[question.matter]} [y/N] ").strip().lower() in ("y", "yes")


def _follow(repo: Path, job: JobRecord, *, quiet: bool, told: Told) -> JobRecord:
    from server.cli.live import LiveView, SilentView

    offset = 0
    silent = quiet and not os.environ.get(TOLD)
    stop = _Stop(repo=repo, job=job.id, told=told)
    with SilentView() if silent else LiveView() as view:
        while True:
            stop.look(view)
            events, offset = control.read_events(repo, job.id, offset)
            for event in events:
                view.show(event)
            if _is_over(events):
                return _record(repo, job.id)
            if not events:
                if (ended := _ended(repo, job.id)) is not None:
                    return ended
                time.sleep(POLL_S)


class _Stop:
    """Stops the job when the command is told to: first by asking, then, if it goes on or the user insists, by force."""

    def __init__(self, *, repo: Path, job: str, told: Told) -> None:
        self._repo, self._job, self._told = repo, job, told
        self._asked, self._deadline = False, float("inf")

    def look(self, view: "View") -> None:
        """Do what the command was told since the last look."""
        if self._told.times and not self._asked:
            self._asked, self._deadline = True, time.monotonic() + GRACE_S
            ask(self._repo, self._job)
            with suppress(OSError):  # the terminal may be gone
                view.say("cancelling; what was measured is kept (Ctrl-C again to end it at once)")
        if self._told.times > 1 or time.monotonic() > self._deadline:
            self._told.times, self._deadline = 1, time.monotonic() + GRACE_S
            kill(self._repo, self._job)


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


def _ended(repo: Path, job_id: str) -> JobRecord | None:
    """The job's record if it has ended without a last event; None while it runs. Raises EvolverecError if it was lost."""
    record = _record(repo, job_id)
    if record.state.ended or is_alive(repo, record):
        return record if record.state.ended and not is_alive(repo, record) else None
    control.reconcile(repo)
    ended = _record(repo, job_id)
    if ended.state is JobState.LOST:
        raise EvolverecError(f"job {job_id}: {ended.error}")
    return ended
