"""Handlers of workspace/executeCommand.

Long work is started as a job and answered with its id; the rest runs at once.

Each command takes one object with `repo` (a path or URI inside it; by default the repo last worked in) and, where
the command is about one, `proposal`, `job` or `id`. What is offered for several has `choices` in place of these, names with
an object each, of which the user picks one. Commands that start a job also take the job's options (`job_request.py`), and
`onDisk: true` if the client has already asked the user about unsaved files.
"""

import os
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from evolution.base.errors import EditError, UsageError
from evolution.coevolution.keeping import keep
from evolution.domain.job import JobKind, JobRecord
from evolution.domain.proposal import ProposalState
from evolution.domain.request import LIMITS, TERMS, Request, asks_for
from evolution.domain.run import Run
from evolution.jobs import control
from server.lsp import applied, cancelling, claims, consent, refresh, same_work, telling
from server.lsp.actions import find_proposal
from server.lsp.edits import workspace_edit
from server.lsp.job_request import camel_case, job_request
from server.lsp.lens import summary
from server.lsp.panels.counting import count
from server.lsp.panels.snapshot import worked_out
from server.lsp.progress import DOING, JobProgress
from server.lsp.proposal_documents import address, diff, diff_address
from server.lsp.repo import Repo
from server.lsp.session import Session
from server.lsp.settings import interpreter
from server.lsp.taking import paths_of, rest_of

Document = dict[str, Any]


async def train(session: Session, *arguments: Any) -> Document:
    """Handle `evolverec.train`: start a job that trains and measures the repo's current version."""
    return await _start(session, JobKind.TRAIN, object_of(arguments))


async def diagnose(session: Session, *arguments: Any) -> Document:
    """Handle `evolverec.diagnose`: start a job that runs the probes and rules on the repo's current version."""
    return await _start(session, JobKind.DIAGNOSE, object_of(arguments))


async def ask_users(session: Session, *arguments: Any) -> Document:
    """Handle `evolverec.askUsers`: start a job in which simulated users judge the model's recommendations."""
    return await _start(session, JobKind.SIMULATE, object_of(arguments))


async def follow_user(session: Session, *arguments: Any) -> Document:
    """Handle `evolverec.followUser`: start a job in which simulated users go through whole sessions; the report then tells that
    of the named one page by page."""
    return await _start(session, JobKind.SESSIONS, object_of(arguments))


async def propose(session: Session, *arguments: Any) -> Document:
    """Handle `evolverec.propose`: start a job that proposes patches, and trains and measures each of them."""
    return await _start(session, JobKind.PROPOSE, object_of(arguments))


async def improve(session: Session, *arguments: Any) -> Document:
    """Handle `evolverec.improve`: start a job that trains, diagnoses, asks users and proposes patches, one after the other."""
    return await _start(session, JobKind.IMPROVE, object_of(arguments))


async def tune(session: Session, *arguments: Any) -> Document:
    """Handle `evolverec.tune`: start a job that tries settings of the numbers in the configuration, and offers the best one."""
    return await _start(session, JobKind.TUNE, object_of(arguments))


async def evolve(session: Session, *arguments: Any) -> Document:
    """Handle `evolverec.evolve`: start a job that runs the evolution loop on the repo.

    `resume` in the arguments is the id of a run to continue, with the limits it had unless new ones are given.
    """
    asked = object_of(arguments)
    if "resume" in asked:
        return await _resume(session, asked)
    return await _start(session, JobKind.EVOLVE, asked)


async def _resume(session: Session, asked: Document) -> Document:
    repo = await session.choose_repo(str(asked.get("repo", "")))
    wanted = need(asked, "resume")
    run = await session.background.store(_stored_run, repo, wanted)
    if run is None:
        raise UsageError(f"no single run {wanted!r}; the Runs view and `evolverec runs` list them")
    for term in TERMS:
        if term in asked:
            raise UsageError(
                f"run {run.id} goes on as {run.terms.strategy}; start a new run for another {term}"
            )
    asked = {**asked, "resume": run.id}
    alive = await session.background.store(control.reconcile, repo.root)
    working = next((job for job in alive if job.id == run.job), None)
    if working is None:
        return await _start(session, JobKind.EVOLVE, asked)
    request = _request(session, JobKind.EVOLVE, asked)
    if any(name in asked for name in map(camel_case, LIMITS)) and not asks_for(working, request):
        raise UsageError(
            f"job {working.id} is working on run {run.id}; cancel it, then resume the run with other limits"
        )
    return _joined(session, repo, working)


def _stored_run(repo: Repo, wanted: str) -> Run | None:
    store = repo.existing_store()
    return store.run(wanted) if store else None


async def complete_adapter(session: Session, *arguments: Any) -> Document:
    """Handle `evolverec.completeAdapter`: start a job in which an LLM completes the adapter that `evolverec.init` drafted."""
    return await _start(session, JobKind.ADAPT, object_of(arguments))


async def verify(session: Session, *arguments: Any) -> Document:
    """Handle `evolverec.verify`: start a job that measures a stored proposal again with another seed."""
    asked = await consent.chosen(session, object_of(arguments))
    repo = await session.choose_repo(str(asked.get("repo", "")))
    proposal = find_proposal(repo, need(asked, "proposal"))
    return await _start(session, JobKind.VERIFY, {**asked, "proposal": proposal.id})


async def cancel(session: Session, *arguments: Any) -> Document:
    """Handle `evolverec.cancel`: cancel the named job, or every running job of the repo."""
    asked = object_of(arguments)
    repo = await session.choose_repo(str(asked.get("repo", "")))
    jobs = [str(asked["job"])] if asked.get("job") else [job.id for job in repo.knowledge.running]
    told = [job for job in jobs if await cancelling.ask(session, repo, job)]
    return {"cancelled": told}


async def apply(session: Session, *arguments: Any) -> Document:
    """Handle `evolverec.apply`: ask the editor to apply a proposal's patch, then check in the text that it did."""
    asked = object_of(arguments)
    repo = await session.choose_repo(str(asked.get("repo", "")))
    proposal = find_proposal(repo, need(asked, "proposal"))
    edit = await workspace_edit(session, repo, proposal)
    await have_applied(session, edit, proposal.idea.title)
    if await applied.notice(session, repo):
        await refresh.renew(session, repo)
    return {"applied": proposal.id}


async def have_applied(session: Session, edit: types.WorkspaceEdit, title: str) -> None:
    """Ask the editor to apply the edit. Raises EditError if the editor refuses or answers with an error."""
    try:
        reply = await session.server.workspace_apply_edit_async(
            types.ApplyWorkspaceEditParams(edit=edit, label=title)
        )
        done, reason = reply.applied, reply.failure_reason
    except JsonRpcException as error:
        done, reason = False, error.message
    if not done:
        reason = (reason or "the editor did not say why").rstrip(".")
        raise EditError(f"the editor did not apply {title!r}: {reason}. Save, and try again")


async def dismiss(session: Session, *arguments: Any) -> Document:
    """Handle `evolverec.dismiss`: hide a proposal, or a finding or critique by its id."""
    asked = await consent.chosen(session, object_of(arguments))
    repo = await session.choose_repo(str(asked.get("repo", "")))
    if "proposal" in asked:
        item = find_proposal(repo, need(asked, "proposal")).id
        await session.background.store(lambda: repo.store.set_proposal_state(item, ProposalState.DISMISSED))
    else:
        item = need(asked, "id")
        await session.background.store(lambda: repo.store.dismiss(item))
    await refresh.renew(session, repo)
    return {"dismissed": item}


async def keep_probe(session: Session, *arguments: Any) -> Document:
    """Handle `evolverec.keepProbe`: write an evolved probe into the repo's `probes/`,
    from where every later run loads it.
    """
    asked = object_of(arguments)
    repo = await session.choose_repo(str(asked.get("repo", "")))
    wanted = need(asked, "probe")
    path = await session.background.store(keep, repo.root, repo.store, wanted)
    return {"kept": path.relative_to(repo.root).as_posix()}


async def preview(session: Session, *arguments: Any) -> Document:
    """Handle `evolverec.preview`: answer with the patch as a unified diff and with the URIs of the patched files.

    Clients that show documents of the server open the diff as well.
    """
    asked = await consent.chosen(session, object_of(arguments))
    repo = await session.choose_repo(str(asked.get("repo", "")))
    proposal = find_proposal(repo, need(asked, "proposal"))
    read = session.reader(repo)
    text = await session.background.think(diff, rest_of(proposal, repo.taken, read), read)
    if session.client.shows_documents and session.client.content_documents:
        await session.server.window_show_document_async(
            types.ShowDocumentParams(uri=diff_address(repo, proposal), external=False, take_focus=True)
        )
    files = [
        {"path": path, "uri": session.uri_of(repo, path), "proposed": address(repo.root, proposal, path)}
        for path in paths_of(proposal)
    ]
    return {"title": proposal.idea.title, "diff": text, "files": files}


async def status(session: Session, *arguments: Any) -> Document:
    """Handle `evolverec.status`: show one line per repo with its last figures, and
    answer with these and the running jobs.
    """
    named = str(object_of(arguments).get("repo", ""))
    repos = [repo for root, repo in session.repos.items() if named in ("", str(root))]
    if not repos:
        raise UsageError("no repo with an evolverec.toml is open; open a file of one first")
    described = [await _describe(session, repo) for repo in repos]
    text = "\n".join(f"{entry['repo']}: {entry['summary']}" for entry in described)
    session.server.window_show_message(types.ShowMessageParams(type=types.MessageType.Info, message=text))
    return {"repos": described}


async def _describe(session: Session, repo: Repo) -> Document:
    counted = await worked_out(session, repo, count)
    jobs = [{"job": job, "progress": progress} for job, progress in session.jobs_of(repo)]
    return {"repo": str(repo.root), "summary": summary(repo, counted), "jobs": jobs}


async def ask_llm(session: Session, *arguments: Any) -> Document:
    """Handle `evolverec.askLlm`: start a job that asks the user's LLM about the finding with the code `code`."""
    asked = object_of(arguments)
    need(asked, "code")
    return await _start(session, JobKind.EXPLAIN, asked)


async def _start(session: Session, kind: JobKind, asked: Document) -> Document:
    """Start a job and answer with its id.

    If a job with exactly the same request is running on the files as they are on disk, answer with that job's id.
    """
    request = _request(session, kind, asked)
    repo = await session.choose_repo(str(asked.get("repo", "")))
    await consent.ensure_consent(session, repo, request)
    unsaved = "" if asked.get("onDisk") is True else await consent.settle_unsaved(session, repo)
    others = [str(progress) for _, progress in session.jobs_of(repo)]
    for job in await same_work.running(session, repo, request):
        if await same_work.is_of_these_files(session, repo, job):
            return _joined(session, repo, job)
        same_work.say_that_it_is_older(session, job)
        others = []
    job = await session.background.store(control.start, repo.root, request)
    session.started.add(job.id)
    await session.background.store(claims.note_asked, repo.root, job.id)
    if others and request.runs_code:  # a question to an LLM waits for nothing
        telling.say(
            session,
            f"{DOING[kind]} begins beside what runs here ({'; '.join(others)}), and trains as slots are free",
        )
    if unsaved:
        message = f"evolverec {kind.value}: {unsaved}"
        session.server.window_show_message(
            types.ShowMessageParams(type=types.MessageType.Warning, message=message)
        )
    await refresh.renew(session, repo)
    return {"job": job.id, "repo": str(repo.root), "already_running": False}


def _request(session: Session, kind: JobKind, asked: Document) -> Request:
    return job_request(kind, asked, python=interpreter(session.settings, os.environ))


def _joined(session: Session, repo: Repo, job: JobRecord) -> Document:
    """Tell the user that what was asked for runs already."""
    progress = session.followed.get(job.id) or JobProgress(kind=job.kind)
    doing = f" ({progress.words})" if progress.words else ""  # last: a long line is cut
    telling.say(session, f"joined {DOING[job.kind]}, which runs already{doing}")
    return {"job": job.id, "repo": str(repo.root), "already_running": True}


def object_of(arguments: tuple[Any, ...]) -> Document:
    """The command's one argument, {} if there is none. Raises UsageError if the arguments are not one object."""
    match arguments:
        case ():
            return {}
        case (dict() as asked,):
            return asked
    raise UsageError(f'expected one object such as {{"repo": "/path"}}, got {arguments!r}')


def need(asked: Document, name: str) -> str:
    """The non-empty string under `name` in a command's object. Raises UsageError if it is missing."""
    value = asked.get(name)
    if not isinstance(value, str) or not value:
        raise UsageError(f'expected an object with "{name}", got {asked!r}')
    return value
