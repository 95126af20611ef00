"""Keeps the editor's display up to date with the store, whether a job, a terminal or this server wrote to it."""

import asyncio

from lsprotocol import types

from evolution.base.places import BASELINE_NAME, CONFIG_NAME
from seeds.reading import is_plain
from server.lsp import applied, diagnostics, following, telling
from server.lsp.panels.counting import count
from server.lsp.panels.snapshot import worked_out
from server.lsp.repo import Repo
from server.lsp.session import Session

POLL_S = 0.4


async def find_repos(session: Session) -> None:
    """Open the repos at the top of each workspace folder and one level below."""
    for folder in session.folders():
        found = [
            config.parent
            for config in (folder / CONFIG_NAME, *folder.glob(f"*/{CONFIG_NAME}"))
            if is_plain(config)
        ]
        for root in found:
            repo = await session.open_repo(root)
            await _match_text(session, repo)
            session.newest_repo = session.newest_repo or root
            follow(session, repo)
            await show(session, repo)
            session.spawn(telling.tell_missed(session, repo))


async def watch(session: Session) -> None:
    """Poll the stores for changes until the session ends. One poll costs some 20 microseconds."""
    while True:
        await asyncio.sleep(POLL_S)
        for repo in list(session.repos.values()):
            writes = repo.writes
            if await session.background.store(repo.load):
                await _match_text(session, repo)
                follow(session, repo)
                await show(session, repo)
            elif repo.writes != writes:
                session.changes.of(repo)
            tell_trouble(session, repo)


async def renew(session: Session, repo: Repo) -> None:
    """Read the store now, and publish its contents."""
    await session.background.store(repo.load)
    await _match_text(session, repo)
    follow(session, repo)
    await show(session, repo)


async def _match_text(session: Session, repo: Repo) -> None:
    """Which patches count as applied is what the text says now: git may have moved it, also while no editor ran."""
    if await applied.notice(session, repo):
        await session.background.store(repo.load)


def follow(session: Session, repo: Repo) -> None:
    """Start following every running job that is not followed yet, whoever started it."""
    for job in repo.knowledge.running:
        following.take_up(session, repo, job, renew)


async def show(session: Session, repo: Repo) -> None:
    """Publish diagnostics of every file that is open, that has some now, or that had some before."""
    uris = diagnostics.noted_files(session, repo)
    uris |= {uri for uri in session.pushed if repo in session.repos_around(uri)}
    for uri in sorted(uris):
        await diagnostics.publish(session, uri)
    # Rules look at the files that are not open: later than what is known already.
    await worked_out(session, repo, count)
    for uri in sorted(diagnostics.noted_files(session, repo) - uris):
        await diagnostics.publish(session, uri)
    tell_client(session)
    session.changes.of(repo)


def tell_client(session: Session) -> None:
    """Ask the client to request lenses, hints and pulled diagnostics again, as far as it supports that."""
    if session.closed:
        return
    ask = session.server.protocol.request_refresh
    if session.client.refreshes_lenses:
        ask(types.WORKSPACE_CODE_LENS_REFRESH)
    if session.client.refreshes_hints and session.settings.inlay_hints:
        ask(types.WORKSPACE_INLAY_HINT_REFRESH)
    if session.client.pulls:
        ask(types.WORKSPACE_DIAGNOSTIC_REFRESH)


def tell_trouble(session: Session, repo: Repo) -> None:
    """Show why a store or a baseline cannot be read, once for each reason."""
    for trouble in filter(None, (repo.trouble, repo.knowledge.baseline_fault)):
        if trouble not in session.told:
            session.told.add(trouble)
            session.changes.of(repo)
            message = types.ShowMessageParams(type=types.MessageType.Error, message=f"evolverec: {trouble}")
            session.server.window_show_message(message)


def watch_files(session: Session) -> None:
    """Register for changes of code and configs outside the editor."""
    if not session.client.watches:
        return
    watchers = [
        types.FileSystemWatcher(glob_pattern=pattern)
        for pattern in ("**/*.py", f"**/{CONFIG_NAME}", f"**/{BASELINE_NAME}")
    ]
    session.server.client_register_capability(
        types.RegistrationParams(
            registrations=[
                types.Registration(
                    id="evolverec-files",
                    method=types.WORKSPACE_DID_CHANGE_WATCHED_FILES,
                    register_options=types.DidChangeWatchedFilesRegistrationOptions(watchers=watchers),
                )
            ]
        )
    )
