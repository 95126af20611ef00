"""`evolverec/gutter`: lines of one file with findings, and lines that differ from the code that was measured."""

from typing import Any

from diagnosis.encoding import unmarked
from diagnosis.linemap import changes
from evolution.base.errors import UsageError
from server.lsp.diagnostics import message
from server.lsp.marks import PlacedNote
from server.lsp.panels.asking import Document, text
from server.lsp.positions import lines_of
from server.lsp.repo import Repo
from server.lsp.session import Session
from server.shown.knowledge import Knowledge

SEVERITIES = ("error", "warning", "information")  # the worst first
NOTHING: Document = {"marks": [], "changed": []}


async def gutter(session: Session, params: Any = None) -> Document:
    """Answer `evolverec/gutter` for the file `uri`. Raises UsageError if none is named."""
    uri = text(params, "uri")
    if not uri:
        raise UsageError("expected the URI of a file under `uri`")
    seen = await session.view(uri)
    if seen is None:
        return NOTHING
    repo, view = seen
    measured = await session.background.store(_measured, repo, repo.knowledge, view.path)
    changed = await session.background.survey(_changed, measured, view.lines) if measured is not None else []
    return {"marks": _marks(view.marks), "changed": changed}


def _measured(repo: Repo, known: Knowledge, path: str) -> str | None:
    """The text of the file in the last trial's program; None where that has no such file. Runs on the store thread."""
    blob = known.program_files.get(path)
    return repo.text_of_blob(blob) if blob else None


def _changed(measured: str, now: tuple[str, ...]) -> list[Document]:
    """Lines from 0, both inclusive; where lines are gone, the line before."""
    before = lines_of(unmarked(measured))
    found = []
    for start, end, first, after in changes(before, now):
        gone = first == after
        last = max(0, first - 1) if gone else after - 1
        kind = "removed" if gone else "added" if start == end else "changed"
        found.append({"line": last if gone else first, "endLine": last, "kind": kind})
    return found


def _marks(notes: tuple[PlacedNote, ...]) -> list[Document]:
    """One mark a line: the worst of its findings that have not faded, and all of them in words."""
    lines: dict[int, list[PlacedNote]] = {}
    for found in notes:
        lines.setdefault(found.start, []).append(found)
    return [
        {
            "line": line,
            "severity": min(
                (one.note.severity.value for one in there if not one.stale), key=SEVERITIES.index, default=""
            ),
            "words": [f"{one.note.code}: {message(one)}" for one in there],
        }
        for line, there in sorted(lines.items())
    ]
