"""Follows running jobs by the events they write: shows progress with a cancel button, and the final message.

A job belongs to no session: a server that starts while a job runs follows the job from its first event on.
"""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from dataclasses import replace

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from evolution.domain.job import EventType, JobRecord
from evolution.jobs import control
from server.lsp import cancelling, telling
from server.lsp.progress import DOING, JobProgress, advance
from server.lsp.repo import Repo
from server.lsp.session import Session
from server.shown.curves import LiveCurves

TAIL_S = 0.2
ALIVE_CHECK_S = 3.0  # after this long without an event, check whether the job's process still lives

Renew = Callable[[Session, Repo], Awaitable[None]]


def take_up(session: Session, repo: Repo, job: JobRecord, renew: Renew) -> None:
    """Start following a job unless this session already follows it or has reported its end.

    renew: called when the job ends, to read the store again
    """
    if job.id not in session.followed and job.id not in session.finished and not session.closed:
        session.followed[job.id] = JobProgress(kind=job.kind)
        session.curves[job.id] = LiveCurves()
        session.spawn(_follow(session, repo, job, renew))


async def _follow(session: Session, repo: Repo, job: JobRecord, renew: Renew) -> None:
    token = f"evolverec-{job.id}"
    while token in session.tokens:  # a folder was closed and opened again; LSP permits each token once
        token += "-again"
    session.tokens.add(token)
    shown = await _begin(session, repo, job, token)
    progress = JobProgress(kind=job.kind)
    try:
        progress = await _tail(session, repo, job, token if shown else "")
    finally:
        if not repo.left:
            session.finished.add(job.id)
        session.followed.pop(job.id, None)
        session.curves.pop(job.id, None)
        if shown and not session.closed:
            _end(session, token, progress, "goes on unwatched" if repo.left else "ended")
    if not repo.left:
        await renew(session, repo)
        await telling.tell_end(session, repo, job.id)


async def _tail(session: Session, repo: Repo, job: JobRecord, token: str) -> JobProgress:
    """Read events until the job ends, its process is gone, or the repo's folder was closed.

    A patch that was found before this server followed the job is not told again; that of a job which has but one, by its end.
    """
    progress, offset, quiet_s = JobProgress(kind=job.kind), 0, 0.0
    since = time.time() if job.kind in telling.TRY_SEVERAL else math.inf
    told = set[str]()
    while progress.finished is None and not repo.left:
        events, offset = await session.background.store(control.read_events, repo.root, job.id, offset)
        before = progress
        for event in events:
            progress = advance(progress, event)
            if event.type is EventType.EPOCH:
                session.curves[job.id].add(event.data)
            if event.type is EventType.TRIAL:
                session.curves[job.id].note(event.data)
            if event.type is EventType.PROPOSAL and event.t >= since:
                await telling.tell_patch(session, repo, job.id, str(event.data.get("proposal", "")), told)
        quiet_s = 0.0 if events else quiet_s + TAIL_S
        if progress != before:
            session.followed[job.id] = progress
            session.changes.of(repo)
            _report(session, token, progress)
        if quiet_s >= ALIVE_CHECK_S:
            quiet_s = 0.0
            progress = await session.background.store(_state_of, repo, job, progress)
        await asyncio.sleep(TAIL_S)
    return progress


def _state_of(repo: Repo, job: JobRecord, progress: JobProgress) -> JobProgress:
    """The progress of a job without recent events, completed from the store; a job
    whose process is gone is marked lost.
    """
    control.reconcile(repo.root)
    record = repo.store.job(job.id)
    if record is None or not record.state.ended:
        return progress
    return replace(progress, finished=record.state, last_word=record.error)


async def _begin(session: Session, repo: Repo, job: JobRecord, token: str) -> bool:
    """Start a progress display whose cancel button cancels the job. Returns whether the client shows it."""
    if not session.client.progress:
        return False
    shower = session.server.work_done_progress
    try:
        await shower.create_async(token)
    except JsonRpcException:
        return False
    loop = asyncio.get_running_loop()

    def cancelled(pressed: Future[object]) -> None:
        if pressed.cancelled() and not session.closed:
            loop.call_soon_threadsafe(lambda: session.spawn(cancelling.ask(session, repo, job.id)))

    shower.tokens[token].add_done_callback(cancelled)
    title = f"evolverec: {DOING[job.kind]}"
    shower.begin(token, types.WorkDoneProgressBegin(title=title, cancellable=True, percentage=0))
    return True


def _report(session: Session, token: str, progress: JobProgress) -> None:
    if token:
        session.server.work_done_progress.report(
            token,
            types.WorkDoneProgressReport(
                message=progress.words, percentage=progress.percentage, cancellable=True
            ),
        )
    if session.client.refreshes_lenses:
        session.server.protocol.request_refresh(types.WORKSPACE_CODE_LENS_REFRESH)


def _end(session: Session, token: str, progress: JobProgress, ended: str) -> None:
    session.server.work_done_progress.end(
        token, types.WorkDoneProgressEnd(message=progress.last_word or ended)
    )
    session.server.work_done_progress.tokens.pop(token, None)
