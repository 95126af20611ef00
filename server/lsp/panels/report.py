"""`evolverec/report`: the page of `evolverec report`, for the editor to show."""

from pathlib import Path
from typing import Any

from evolution.store import Store
from evolution.trials.records import Trial
from server.lsp.panels.asking import Document, repo_asked_for, text
from server.lsp.session import Session


async def report(session: Session, params: Any = None) -> Document:
    """`{"repo"?, "run"?}` to `{"html"}`. Raises UsageError where there is no such run."""
    repo = await repo_asked_for(session, params)
    html = await session.background.store(_page, repo.root, repo.knowledge.trial, text(params, "run"))
    return {"html": html}


def _page(root: Path, trial: Trial | None, run: str) -> str:
    # jinja2 comes with the page: nobody pays for it who never looks at one
    from server.report.document import report_document
    from server.report.repo_page import repo_page

    store = Store.open_existing(root)
    if store is None:
        return repo_page(report_document(root, None, None, run))
    with store:
        return repo_page(report_document(root, store, trial, run))
