"""Who tells what a job brought, where several windows follow it or none does: one window, once.

The marks are files in the job's folder, made in one step that succeeds for one process only. A claim is made on the loop, with nothing
between it and the telling: a server that closes in between would have taken what nobody tells.
"""

from pathlib import Path

from evolution.base.places import job_folder
from evolution.domain.job import JobRecord, JobState
from evolution.store.store import Store

ASKED = "asked-in-an-editor"  # so its end is news for an editor, even for one that starts later
TOLD = "told"  # its end was
MOST_LOOKED_AT = 50  # of the newest jobs, when a server starts
MOST_MISSED = 3  # jobs that ended without a server, and are told at the next start; earlier ones are old news


def note_asked(repo: Path, job: str) -> None:
    """Note that an editor asked for a job, so that its end is told there, whenever that is."""
    _make(repo, job, ASKED)


def was_asked(repo: Path, job: str) -> bool:
    """Whether an editor asked for the job."""
    return (job_folder(repo, job) / ASKED).exists()


def claim(repo: Path, job: str, what: str = TOLD) -> bool:
    """Whether nobody has told this of the job yet; from now on somebody has."""
    return _make(repo, job, what)


def missed(repo: Path, store: Store) -> list[JobRecord]:
    """Jobs that an editor asked for and whose end no editor told, the oldest first. Those before the newest few count as told from
    now on; these few only once they are claimed, as a server that is closed before it has told them leaves them to the next.
    """
    ended = [job for job in store.jobs_in_brief() if job.state.ended and job.state is not JobState.CANCELLED]
    untold = [
        job
        for job in ended[:MOST_LOOKED_AT]
        if was_asked(repo, job.id) and not (job_folder(repo, job.id) / TOLD).exists()
    ]
    for job in untold[MOST_MISSED:]:
        claim(repo, job.id)
    whole = (store.job(job.id) for job in untold[:MOST_MISSED])
    return [job for job in whole if job is not None][::-1]


def _make(repo: Path, job: str, name: str) -> bool:
    """Whether the mark was not there. Where none can be written, it is as if: to be told twice is better than never."""
    try:
        (job_folder(repo, job) / name).touch(exist_ok=False)
    except FileExistsError:
        return False
    except OSError:
        return True
    return True
