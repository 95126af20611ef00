"""didOpen, didChange, didSave, didClose and watched files: diagnostics are
republished a moment after the last keystroke.
"""

import asyncio
from pathlib import Path

from lsprotocol import types

from evolution.base.places import CONFIG_NAME
from server.lsp import applied, diagnostics, refresh
from server.lsp.places import path_of
from server.lsp.session import Session

PAUSE_S = 0.15  # typing pauses this long before the text is looked at again


async def did_open(session: Session, params: types.DidOpenTextDocumentParams) -> None:
    """Handle textDocument/didOpen: open the file's repo and publish the file's diagnostics."""
    uri = params.text_document.uri
    repo = await session.repo_of(uri)
    if repo is not None:
        repo.buffer_changes += 1
        session.newest_repo = repo.root
        refresh.follow(session, repo)
        session.changes.of(repo)
    await diagnostics.publish(session, uri)
    session.spawn(_judge(session, uri))


def did_change(session: Session, params: types.DidChangeTextDocumentParams) -> None:
    """Handle textDocument/didChange: republish once typing pauses."""
    _later(session, params.text_document.uri)


def did_save(session: Session, params: types.DidSaveTextDocumentParams) -> None:
    """Handle textDocument/didSave: count the change on disk, and republish."""
    for repo in session.repos_around(params.text_document.uri):
        repo.disk_changes += 1
    if session.is_open(params.text_document.uri):
        _later(session, params.text_document.uri)


def did_close(session: Session, params: types.DidCloseTextDocumentParams) -> None:
    """Handle textDocument/didClose: forget the buffer's rule hits and republish from the file on disk."""
    session.rules.pop(params.text_document.uri, None)
    _later(session, params.text_document.uri)


async def did_change_files(session: Session, params: types.DidChangeWatchedFilesParams) -> None:
    """Handle workspace/didChangeWatchedFiles: files changed outside the editor,
    or a config appeared or disappeared.
    """
    for change in params.changes:
        for repo in session.repos_around(change.uri):
            repo.disk_changes += 1
    for folder in {path.parent for change in params.changes if (path := path_of(change.uri))}:
        await session.repo_of((folder / CONFIG_NAME).as_uri())
    for repo in list(session.repos.values()):
        await refresh.renew(session, repo)


async def did_change_folders(session: Session, params: types.DidChangeWorkspaceFoldersParams) -> None:
    """Handle workspace/didChangeWorkspaceFolders: close the repos of removed folders, open those of added ones."""
    removed = [path for folder in params.event.removed if (path := path_of(folder.uri))]
    for root, repo in list(session.repos.items()):
        outside = not any(root.is_relative_to(folder) for folder in session.folders())
        if outside and any(root.is_relative_to(folder) for folder in removed):
            await session.leave_repo(repo)
            session.changes.of(repo)
            for uri in [uri for uri in session.pushed if lies_below(uri, root)]:
                await diagnostics.publish(session, uri)
            refresh.tell_client(session)
    await refresh.find_repos(session)


def lies_below(uri: str, root: Path) -> bool:
    """Whether the URI names a file in the folder `root`."""
    path = path_of(uri)
    return path is not None and path.is_relative_to(root)


def _later(session: Session, uri: str) -> None:
    """Republish the file once PAUSE_S passes without another change to it."""
    for repo in session.repos_around(uri):
        repo.buffer_changes += 1
        session.newest_repo = repo.root
    if (waiting := session.waiting.pop(uri, None)) is not None:
        waiting.cancel()
    loop = asyncio.get_running_loop()
    session.waiting[uri] = loop.call_later(PAUSE_S, lambda: session.spawn(_look_again(session, uri)))


async def _judge(session: Session, uri: str) -> None:
    """Run the static rules on a file that they are not run on here, and publish again with their hits."""
    while uri not in session.waiting and await session.judge_apart(uri):
        await diagnostics.publish(session, uri)
        refresh.tell_client(session)


async def _look_again(session: Session, uri: str) -> None:
    session.waiting.pop(uri, None)
    session.spawn(_judge(session, uri))
    await diagnostics.publish(session, uri)
    for repo in session.repos_around(uri):
        session.changes.of(repo)
        if await applied.notice(session, repo):
            await refresh.renew(session, repo)
        else:
            refresh.tell_client(session)
