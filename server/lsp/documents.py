"""Buffers and files as they come, change and go: what is said of them is renewed, a moment after the last key."""

import asyncio

from lsprotocol import types

from server.lsp import applied, diagnostics, refresh
from server.lsp.session import Session

PAUSE_S = 0.15  # typing pauses this long before the text is looked at again


async def did_open(session: Session, params: types.DidOpenTextDocumentParams) -> None:
    uri = params.text_document.uri
    repo = await session.repo_of(uri)
    if repo is not None:
        repo.buffer_changes += 1
        refresh.follow(session, repo)
        session.newest_repo = repo.root
        session.changes.of(repo)
    await diagnostics.publish(session, uri)


def did_change(session: Session, params: types.DidChangeTextDocumentParams) -> None:
    _later(session, params.text_document.uri)


def did_save(session: Session, params: types.DidSaveTextDocumentParams) -> None:
    for repo in session.repos_around(params.text_document.uri):
        repo.disk_changes += 1
    _later(session, params.text_document.uri)


def did_close(session: Session, params: types.DidCloseTextDocumentParams) -> None:
    _later(session, params.text_document.uri)


async def did_change_files(session: Session, params: types.DidChangeWatchedFilesParams) -> None:
    """Files changed outside the editor, or a repo's config came or went."""
    for change in params.changes:
        for repo in session.repos_around(change.uri):
            repo.disk_changes += 1
        await session.repo_of(change.uri)
    for repo in list(session.repos.values()):
        await refresh.renew(session, repo)


async def did_change_folders(session: Session, params: types.DidChangeWorkspaceFoldersParams) -> None:
    await refresh.find_repos(session)


def _later(session: Session, uri: str) -> None:
    """Look at the file once nothing has happened to it for a moment."""
    for repo in session.repos_around(uri):
        repo.buffer_changes += 1
    if (waiting := session.waiting.pop(uri, None)) is not None:
        waiting.cancel()
    loop = asyncio.get_running_loop()
    session.waiting[uri] = loop.call_later(PAUSE_S, lambda: session.spawn(_look_again(session, uri)))


async def _look_again(session: Session, uri: str) -> None:
    session.waiting.pop(uri, None)
    await diagnostics.publish(session, uri)
    for repo in session.repos_around(uri):
        session.changes.of(repo)
        if await applied.notice(session, repo):
            await refresh.renew(session, repo)
        else:
            refresh.tell_client(session)
        session.newest_repo = repo.root
