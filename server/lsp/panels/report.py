"""`evolverec/report`: the page of `evolverec report`, for the editor to show.

The command `evolverec.report` writes the page to a file, for editors that show no pages.
"""

from pathlib import Path
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from evolution.base.errors import UsageError
from evolution.domain.trial import Trial
from evolution.store.store import Store
from server.lsp.commands import object_of
from server.lsp.panels.asking import Document, repo_asked_for, text
from server.lsp.session import Session


async def report(session: Session, params: Any = None) -> Document:
    """Answer `evolverec/report`, `{"repo"?, "run"?}`, with `{"html"}`. Raises UsageError if there is no such run."""
    repo = await repo_asked_for(session, params)
    html = await session.background.store(_page, repo.root, repo.knowledge.trial, text(params, "run"))
    return {"html": html}


async def write(session: Session, *arguments: Any) -> Document:
    """Handle `evolverec.report`: write the page into `.evolverec`, and open it in
    a browser if the client can do that.

    Raises UsageError if the page cannot be written.
    """
    asked = object_of(arguments)
    repo = await session.choose_repo(text(asked, "repo"))
    page = await session.background.store(_written, repo.root, repo.knowledge.trial, text(asked, "run"))
    return {"page": str(page), "shown": await _show(session, page)}


async def _show(session: Session, page: Path) -> bool:
    if not session.client.shows_documents:
        return False
    params = types.ShowDocumentParams(uri=page.as_uri(), external=True)
    try:
        return (await session.server.window_show_document_async(params)).success
    except JsonRpcException:
        return False


def _written(root: Path, trial: Trial | None, run: str) -> Path:
    from server.report.repo_page import own_page

    html = _page(root, trial, run)
    try:
        page = own_page(root)
        page.write_text(html, encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"the report cannot be written to {error.filename}: {error.strerror}; "
            "name another file with `evolverec report --out`"
        ) from None
    return page


def _page(root: Path, trial: Trial | None, run: str) -> str:
    # These load jinja2, so they are imported only when a page is asked for.
    from server.report.document import report_document
    from server.report.repo_page import repo_page

    store = Store.open_existing(root)
    if store is None:
        return repo_page(report_document(root, None, None, run))
    with store:
        return repo_page(report_document(root, store, trial, run))
