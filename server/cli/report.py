"""`evolverec report`: writes one HTML page from stored results."""

from pathlib import Path
from typing import Any

from evolution.base.errors import UsageError
from evolution.store.store import Store
from server.report.document import report_document
from server.report.repo_page import own_page, repo_page
from server.shown.knowledge import read_knowledge
from server.shown.stored_files import StoredFiles


def write_report(repo: Path, *, out: Path | None, run: str) -> dict[str, Any]:
    """Write the page. Returns the report's document with `page`, the path; raises UsageError if it cannot be written.

    Without `out`, the page goes to `.evolverec`, since a new file in the repo would make it another program.
    """
    document = stored_document(repo, run)
    html = repo_page(document)
    try:
        page = out or own_page(repo)
        page.write_text(html, encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"the report cannot be written to {error.filename or out}: {error.strerror}; name another file with --out"
        ) from None
    return {**document, "page": str(page)}


def stored_document(repo: Path, run: str) -> dict[str, Any]:
    """The report's document, read from the store. Raises UsageError if no run has the id `run`."""
    store = Store.open_existing(repo)
    if store is None:
        return report_document(repo, None, None, run)
    with store:
        trial = read_knowledge(repo, store, StoredFiles(repo)).trial
        return report_document(repo, store, trial, run)
