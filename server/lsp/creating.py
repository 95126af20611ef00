"""`evolverec.createEntry`: makes the function that evolverec.toml names and no file has, and shows it."""

from contextlib import suppress
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from evolution.base.errors import UsageError
from evolution.base.places import CONFIG_NAME
from server.lsp.commands import Document, have_applied, object_of
from server.lsp.config_actions import creation_of
from server.lsp.config_wrong import wrong_in
from server.lsp.session import Session


async def create_entry(session: Session, *arguments: Any) -> Document:
    """Handle `evolverec.createEntry`: have the editor make the function as a skeleton, and answer where it stands, `{"uri", "line"}`.

    Raises UsageError: nothing is missing, or the client can make no file. EditError: the editor did not apply it.
    """
    repo = await session.choose_repo(str(object_of(arguments).get("repo", "")))
    text = session.text_of(session.uri_of(repo, CONFIG_NAME)) or ""
    for wrong in await session.background.browse(wrong_in, repo.root, text):
        creation = await creation_of(session, repo.root, wrong)
        if creation is not None:
            break
    else:
        raise UsageError(
            f"{CONFIG_NAME} of {repo.root} names no function that is missing, or this editor can make no file"
        )
    await have_applied(session, creation.edit, creation.title)
    if session.client.shows_documents:
        at = types.Position(line=creation.line, character=0)
        shown = types.ShowDocumentParams(
            uri=creation.uri, take_focus=True, selection=types.Range(start=at, end=at)
        )
        with suppress(JsonRpcException):  # it is made, and the answer says where
            await session.server.window_show_document_async(shown)
    return {"uri": creation.uri, "line": creation.line}
