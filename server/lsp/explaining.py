"""`evolverec.explain`: all that is known of a finding as a page, with what an LLM was asked about it."""

from contextlib import suppress
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from server.lsp.commands import Document, need, object_of
from server.lsp.pages import content, docs_address
from server.lsp.session import Session


async def explain(session: Session, *arguments: Any) -> Document:
    """Handle `evolverec.explain`, `{"repo"?, "code"}`: answer with the page as Markdown and its URI.

    Clients that show documents of the server are asked to show it, but for the extension of VS Code, which renders it.
    """
    asked = object_of(arguments)
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
