"""Whether a job that runs already does what is asked for: the same request, on the files that are on disk now."""

import asyncio
from pathlib import Path

from lsprotocol import types

from evolution.domain.job import JobRecord
from evolution.domain.request import Request, asks_for
from evolution.jobs import control
from evolution.repo.programs import Programs
from server.lsp.repo import Repo
from server.lsp.session import Session

NOTED_WITHIN_S = 5.0  # a job that has just started notes which files it took, a second later
POLL_S = 0.1


async def running(session: Session, repo: Repo, request: Request) -> list[JobRecord]:
    """The jobs with exactly this request whose processes live."""
    alive = await session.background.store(control.reconcile, repo.root)
    await session.background.store(repo.load)
    return [job for job in alive if asks_for(job, request)]


async def is_of_these_files(session: Session, repo: Repo, job: JobRecord) -> bool:
    """Whether a job works on the files as they are on disk, or is only just taking them."""
    program = job.program
    for _ in range(round(NOTED_WITHIN_S / POLL_S)):
        record = await session.background.store(repo.store.job, job.id)
        program = record.program if record else program
        if program or record is None or record.state.ended:
            break
        await asyncio.sleep(POLL_S)
    return not program or program == await session.background.survey(_tree_of, repo.root)


def say_that_it_is_older(session: Session, job: JobRecord) -> None:
    """Tell the user why a second job is started."""
    message = f"evolverec: {job.id} goes on with an earlier version of these files; the files as they are now are a job of their own"
    session.server.window_show_message(types.ShowMessageParams(type=types.MessageType.Info, message=message))


def _tree_of(repo: Path) -> str:
    return Programs.open(repo).snapshot().tree
