"""Tells the user once what a job has brought, or why it failed, with what can be done about it.

The extension of VS Code is sent `evolverec/told`, for which it shows buttons; other clients a message.
"""

import asyncio
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from lsprotocol import types

from evolution.base.errors import EvolverecError
from evolution.base.places import CONFIG_NAME, WORKER_LOG, job_folder, trial_folder
from evolution.domain.job import JobKind, JobRecord, JobState
from evolution.domain.proposal import Proposal
from evolution.repo.settings import chosen_python
from server.lsp import claims
from server.lsp.config_actions import creation_of, named_log
from server.lsp.config_wrong import wrong_in
from server.lsp.panels.asking import Document
from server.lsp.progress import DOING
from server.lsp.repo import Repo
from server.lsp.session import Session
from server.shown.news import News, of_job, of_patch
from server.shown.troubles import Mend, Trouble, trouble_of
from server.shown.wording import ago

TOLD = "evolverec/told"
OTHERS_WAIT_S = 1.5  # for the window that asked for a job to tell of it
NEWS_S = 60.0  # what ended longer ago is told with when it did
TRY_SEVERAL = (JobKind.PROPOSE, JobKind.IMPROVE, JobKind.EVOLVE)  # jobs that go on after their first patch


async def tell_patch(session: Session, repo: Repo, job: str, proposal: str, told: set[str]) -> None:
    """Tell the first patch of a job that is promising, and the first that is verified, unless another window does.

    told: what this job has told so far, "promising" and "verified".
    """
    found = await session.background.store(_stored_proposal, repo, proposal)
    news = of_patch(found) if found is not None else None
    if news is None or (kind := "verified" if news.verified else "promising") in told or "verified" in told:
        return
    told.add(kind)
    await _wait_for_asker(session, repo, job)
    _tell_once(session, repo, job, f"{claims.TOLD}-{kind}", _of_news(session, repo, news))


def _stored_proposal(repo: Repo, proposal: str) -> Proposal | None:
    store = repo.existing_store()
    return store.proposal(proposal) if store else None


async def tell_end(session: Session, repo: Repo, job: str) -> None:
    """Tell what an ended job has brought, or why it failed, unless another window does. A cancelled one is the user's own doing."""
    record = await session.background.store(_stored_job, repo, job)
    if record is None or record.state is JobState.CANCELLED or session.closed:
        return
    await _wait_for_asker(session, repo, job)
    await _tell_record(session, repo, record)


async def tell_missed(session: Session, repo: Repo) -> None:
    """Tell of the jobs that an editor asked for and that ended while no server ran, unless another window is about to."""
    await asyncio.sleep(OTHERS_WAIT_S)
    for record in await session.background.store(_missed, repo):
        await _tell_record(session, repo, record)


def _missed(repo: Repo) -> list[JobRecord]:
    if repo.trouble:  # the store cannot be read, which the repo says itself
        return []
    store = repo.existing_store()
    return claims.missed(repo.root, store) if store else []


async def _wait_for_asker(session: Session, repo: Repo, job: str) -> None:
    """Leave the window that asked for the job the time to tell; where it is gone, the first that has waited does."""
    if job not in session.started and await session.background.store(claims.was_asked, repo.root, job):
        await asyncio.sleep(OTHERS_WAIT_S)


async def _tell_record(session: Session, repo: Repo, record: JobRecord) -> None:
    if record.state is JobState.DONE and record.result is not None:
        news = of_job(record.kind, record.result, repo.knowledge)
        send = _of_news(session, repo, news, _age(record)) if news is not None else _nothing
        _tell_once(session, repo, record.id, claims.TOLD, send)
    elif record.state is JobState.DONE:
        _tell_once(session, repo, record.id, claims.TOLD, _nothing)
    elif record.state in (JobState.FAILED, JobState.LOST):
        _tell_once(session, repo, record.id, claims.TOLD, await _of_trouble(session, repo, record))


def _tell_once(session: Session, repo: Repo, job: str, what: str, send: Callable[[], None]) -> None:
    """Send what is to be told of a job, unless another window has, or this one is about to close: then the next one tells it."""
    if not session.closed and claims.claim(repo.root, job, what):
        send()


def _nothing() -> None:
    """What a job without news has to say: it counts as told, or it would be taken for missed at every start."""


def _age(record: JobRecord) -> str:
    """` (2 h ago)` for what has ended some time ago."""
    passed_s = time.time() - record.finished_at
    return f" ({ago(passed_s)})" if passed_s > NEWS_S else ""


def _stored_job(repo: Repo, job: str) -> JobRecord | None:
    store = repo.existing_store()
    return store.job(job) if store else None


def _of_news(session: Session, repo: Repo, news: News, age: str = "") -> Callable[[], None]:
    if session.changes.wanted:
        level = "promising" if news.promising else "done"
        document = {
            "repo": str(repo.root),
            "level": level,
            "message": f"{news.message}{age}",
            "proposal": news.proposal,
            "verified": news.verified,
            "mends": [{"kind": Mend.PAGE.value, "repo": str(repo.root), "code": news.code}]
            if news.code
            else [],
        }
        return partial(session.server.protocol.notify, TOLD, document)
    return partial(_show, session, types.MessageType.Info, f"evolverec: {news.message}{age}")


async def _of_trouble(session: Session, repo: Repo, record: JobRecord) -> Callable[[], None]:
    python = _python_of(record)
    trouble = trouble_of(DOING[record.kind], record.error, record.result, python)
    if session.changes.wanted:
        document = {
            "repo": str(repo.root),
            "level": "error",
            "message": f"{trouble.message}{_age(record)}",
            "proposal": "",
            "verified": False,
            "mends": [
                *await _in_config(session, repo),
                *(_mend(session, repo, record, trouble, python, mend) for mend in trouble.mends),
            ],
        }
        return partial(session.server.protocol.notify, TOLD, document)
    at = f" ({trouble.path}:{trouble.line})" if trouble.line and trouble.path not in trouble.message else ""
    words = f"evolverec: {trouble.message}{at}{_age(record)}"
    return partial(_show, session, types.MessageType.Error, words)


async def _in_config(session: Session, repo: Repo) -> list[Document]:
    """What mends an evolverec.toml that names a function or a log that is not there."""
    uri = session.uri_of(repo, CONFIG_NAME)
    text = session.text_of(uri) or ""
    found: list[Document] = []
    for wrong in await session.background.browse(wrong_in, repo.root, text):
        if wrong.missing is not None and await creation_of(session, repo.root, wrong) is not None:
            found.append({"kind": Mend.CREATE.value, "repo": str(repo.root), "function": wrong.missing[1]})
        elif wrong.is_log and wrong.replaced is not None:
            named = named_log(uri, text, wrong, session.client.encoding)
            found.append({"kind": Mend.PICK_LOG.value, "named": named})
    return found


def _mend(
    session: Session, repo: Repo, record: JobRecord, trouble: Trouble, python: str, mend: Mend
) -> Document:
    match mend:
        case Mend.OPEN:
            where = {"uri": session.uri_of(repo, trouble.path), "line": max(0, trouble.line - 1)}
        case Mend.LOG:
            where = {"uri": _log_of(repo.root, record).as_uri(), "line": 0}
        case Mend.INSTALL:
            where = {"python": python, "package": trouble.package}
        case Mend.INTERPRETER | Mend.PAGE | Mend.CREATE | Mend.PICK_LOG:
            where = {}
    return {"kind": mend.value, **where}


def _log_of(root: Path, record: JobRecord) -> Path:
    """The log of the trial that failed, which has what the repo's code printed; else that of the job."""
    trial = str((record.result or {}).get("trial") or "")
    of_trial = trial_folder(root, trial) / WORKER_LOG
    return of_trial if trial and of_trial.is_file() else job_folder(root, record.id) / "log.txt"


def _python_of(record: JobRecord) -> str:
    try:
        return chosen_python(str(record.params.get("python", "")))
    except EvolverecError:
        return "the interpreter that runs repos"


def _show(session: Session, kind: types.MessageType, message: str) -> None:
    session.server.window_show_message(types.ShowMessageParams(type=kind, message=message))


def say(session: Session, message: str) -> None:
    """Show a line that needs no answer."""
    _show(session, types.MessageType.Info, f"evolverec: {message}")
