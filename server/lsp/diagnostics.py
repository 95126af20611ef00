"""Findings, critiques and failures as diagnostics: pushed, and pulled by clients that can be told to pull again."""

from lsprotocol import types

from diagnosis.findings import Anchor, Severity
from server.lsp import config_file
from server.lsp.marks import Mark, place
from server.lsp.positions import code_range, lines_of
from server.lsp.repo import Repo
from server.lsp.session import Session
from server.lsp.view import Read, View
from server.lsp.wording import measured

SOURCE = "evolverec"
SEVERITIES = {
    Severity.ERROR: types.DiagnosticSeverity.Error,
    Severity.WARNING: types.DiagnosticSeverity.Warning,
    Severity.INFORMATION: types.DiagnosticSeverity.Information,
}


async def pull(session: Session, params: types.DocumentDiagnosticParams) -> types.DocumentDiagnosticReport:
    items = await diagnose(session, params.text_document.uri)
    return types.RelatedFullDocumentDiagnosticReport(items=items)


async def publish(session: Session, uri: str) -> None:
    """Send a file's diagnostics, unless the client pulls them for files it has open."""
    pulled = session.client.pulls and session.is_open(uri)
    items = [] if pulled else await diagnose(session, uri)
    if not items and uri not in session.pushed:
        return
    session.pushed.add(uri) if items else session.pushed.discard(uri)
    session.server.text_document_publish_diagnostics(
        types.PublishDiagnosticsParams(uri=uri, diagnostics=items, version=session.version_of(uri))
    )


async def diagnose(session: Session, uri: str) -> list[types.Diagnostic]:
    if config_file.is_config(uri):
        return await config_file.diagnose(session, uri)
    seen = await session.view(uri)
    if seen is None:
        return []
    repo, view = seen
    return [as_diagnostic(session, repo, view, found) for found in view.marks]


def as_diagnostic(session: Session, repo: Repo, view: View, found: Mark) -> types.Diagnostic:
    note = found.note
    return types.Diagnostic(
        range=code_range(view.lines, found.start, found.end, session.client.encoding),
        severity=types.DiagnosticSeverity.Hint if found.stale else SEVERITIES[note.severity],
        code=note.code,
        source=SOURCE,
        message=message(found),
        tags=[types.DiagnosticTag.Unnecessary] if found.stale and session.client.diagnostic_tags else None,
        related_information=_related(session, repo, found) if session.client.related_information else None,
        data={"id": note.id, "repo": str(repo.root)} if session.client.diagnostic_data else None,
    )


def message(found: Mark) -> str:
    """The sentence, why it matters, and the figure with its interval against the reference."""
    note = found.note
    said = [f"measured on an earlier version: {note.sentence}" if found.stale else note.sentence, note.why]
    figure = measured(note)
    return "\n".join([" ".join(filter(None, said)), *([figure] if figure else [])])


def _related(session: Session, repo: Repo, found: Mark) -> list[types.DiagnosticRelatedInformation] | None:
    """Further lines that take part. Those whose code is gone are left out."""
    anchors = found.note.anchors[1:]
    read = session.reader(repo) if anchors else None
    related = [
        types.DiagnosticRelatedInformation(location=location, message=anchor.role.value.replace("_", " "))
        for anchor in anchors
        if read and (location := _location(session, repo, anchor, read)) is not None
    ]
    return related or None


def _location(session: Session, repo: Repo, anchor: Anchor, read: Read) -> types.Location | None:
    text = read(anchor.path)
    placed = place(anchor, text, repo.knowledge.sources) if text is not None else None
    if text is None or placed is None:
        return None
    start, end, _ = placed
    span = code_range(lines_of(text), start, end, session.client.encoding)
    return types.Location(uri=session.uri_of(repo, anchor.path), range=span)
