"""Cancels a job for an editor: asks it, and ends it by force where it does not answer, without waiting for either."""

import asyncio

from lsprotocol import types

from evolution.jobs import stopping
from evolution.jobs.stopping import Ending
from server.lsp.repo import Repo
from server.lsp.session import Session


async def ask(session: Session, repo: Repo, job: str) -> bool:
    """Ask a job to stop; False if it was not running. A job that goes on for too long is killed later.

    A job that cannot be stopped from here is named in a message.
    """
    refused = await session.background.store(stopping.ask, repo.root, job)
    if refused is None:
        session.spawn(_insist(session, repo, job))
    elif refused.runs_on:
        _warn(session, job, refused)
    return refused is None


async def _insist(session: Session, repo: Repo, job: str) -> None:
    end = asyncio.get_running_loop().time() + stopping.GRACE_S
    while asyncio.get_running_loop().time() < end:
        if job in session.finished:
            return
        await asyncio.sleep(stopping.POLL_S * 10)
    ended = await session.background.browse(stopping.kill, repo.root, job)
    if ended.runs_on:
        _warn(session, job, ended)


def _warn(session: Session, job: str, ending: Ending) -> None:
    message = f"evolverec: {job} {ending}"
    session.server.window_show_message(
        types.ShowMessageParams(type=types.MessageType.Warning, message=message)
    )
