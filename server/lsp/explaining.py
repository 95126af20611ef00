"""Pages on request: `evolverec.explain`, all that is known of a finding, and `evolverec.compareTrials`, two trials side by side."""

from contextlib import suppress
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from evolution.base.errors import UsageError
from server.lsp import consent
from server.lsp.commands import Document, need, object_of
from server.lsp.pages import compared_address, content, docs_address
from server.lsp.session import Session


async def compare_trials(session: Session, *arguments: Any) -> Document:
    """Handle `evolverec.compareTrials`, `{"repo"?, "trials": [id, id]}`: answer with the page of both as Markdown and its URI.

    Raises UsageError: not two trials that are stored.
    """
    asked = object_of(arguments)
    repo = await session.choose_repo(str(asked.get("repo", "")))
    match asked.get("trials"):
        case [str() as one, str() as other]:
            uri = compared_address(one, other, repo.root)
        case _:
            raise UsageError(f'expected an object with "trials", a list of two ids, got {asked!r}')
    return {"uri": uri, "text": await content(session, uri)}


async def explain(session: Session, *arguments: Any) -> Document:
    """Handle `evolverec.explain`, `{"repo"?, "code"}`: answer with the page as Markdown and its URI.

    Clients that show documents of the server are asked to show it, but for the extension of VS Code, which renders it.
    """
    asked = await consent.chosen(session, object_of(arguments))
    repo = await session.choose_repo(str(asked.get("repo", "")))
    code = need(asked, "code")
    uri = docs_address(code, repo.root)
    text = await content(session, uri)
    client = session.client
    if client.shows_documents and client.content_documents and not session.changes.wanted:
        params = types.ShowDocumentParams(uri=uri, external=False, take_focus=True)
        with suppress(JsonRpcException):  # the answer has the text
            await session.server.window_show_document_async(params)
    return {"code": code, "uri": uri, "text": text}
