"""Findings, critiques and failures as diagnostics, pushed, or pulled by clients that can be asked to pull again."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from lsprotocol import types

from diagnosis.findings import Anchor, Severity
from evolution.adopting.gaps import gaps_in
from evolution.base.places import CONFIG_NAME
from server.lsp import config_file
from server.lsp.marks import PlacedNote, placer_of
from server.lsp.panels.counting import Counted, count
from server.lsp.panels.snapshot import worked_out
from server.lsp.positions import code_range, lines_of
from server.lsp.repo import Repo
from server.lsp.session import Session
from server.lsp.view import FileView
from server.shown.notes import Note
from server.shown.rows import line
from server.shown.wording import LINE, headline

SOURCE = "evolverec"
SEVERITIES = {
    Severity.ERROR: types.DiagnosticSeverity.Error,
    Severity.WARNING: types.DiagnosticSeverity.Warning,
    Severity.INFORMATION: types.DiagnosticSeverity.Information,
}


@dataclass(frozen=True, kw_only=True)
class FileDiagnostics:
    """The diagnostics of one file.

    id: a hash of what they show, equal for equal diagnostics across sessions
    parts: each diagnostic and its digest, by the inputs it was made from; reused while `knowledge` is the same object
    """

    items: list[types.Diagnostic]
    id: str
    parts: dict[object, tuple[types.Diagnostic, str]] = field(default_factory=dict)
    knowledge: object = None


async def pull(session: Session, params: types.DocumentDiagnosticParams) -> types.DocumentDiagnosticReport:
    """Answer textDocument/diagnostic; "unchanged" if the client already holds the current result."""
    said = await diagnose(session, params.text_document.uri)
    if said.id == params.previous_result_id:
        return types.RelatedUnchangedDocumentDiagnosticReport(result_id=said.id)
    return types.RelatedFullDocumentDiagnosticReport(items=said.items, result_id=said.id)


async def pull_workspace(
    session: Session, params: types.WorkspaceDiagnosticParams
) -> types.WorkspaceDiagnosticReport:
    """Answer workspace/diagnostic: every file that has diagnostics, or that the client still shows some for."""
    await session.looked_around.wait()
    await _stop_pushing(session)
    shown = {known.uri: known.value for known in params.previous_result_ids}
    for repo in list(session.repos.values()):
        await worked_out(session, repo, count)
    uris = {uri for repo in list(session.repos.values()) for uri in noted_files(session, repo)}
    reports: list[types.WorkspaceDocumentDiagnosticReport] = []
    for uri in sorted({*uris, *shown}):
        said, version = await diagnose(session, uri), session.version_of(uri)
        if said.id == shown.get(uri):
            reports.append(
                types.WorkspaceUnchangedDocumentDiagnosticReport(uri=uri, version=version, result_id=said.id)
            )
        elif said.items or uri in shown:
            reports.append(
                types.WorkspaceFullDocumentDiagnosticReport(
                    uri=uri, version=version, items=said.items, result_id=said.id
                )
            )
    return types.WorkspaceDiagnosticReport(items=reports)


async def _stop_pushing(session: Session) -> None:
    """Withdraw pushed diagnostics, which a client that pulls all files would show twice."""
    if not session.pulls_workspace:
        session.pulls_workspace = True
        for uri in list(session.pushed):
            await publish(session, uri)


def noted_files(session: Session, repo: Repo) -> set[str]:
    """URIs of files that have diagnostics, and of all open files, since static rules may have hits in those; of files
    that are not open, those in which they had some when the repo's findings were last counted.
    """
    noted = {anchor.path for note in repo.knowledge.notes for anchor in note.anchors[:1]}
    if any(not note.anchors for note in repo.knowledge.notes) and repo.knowledge.entry.path:
        noted.add(repo.knowledge.entry.path)
    counted: tuple[object, Counted] | None = repo.worked_out.get(count)
    noted |= counted[1].paths if counted else frozenset()
    uris = {session.uri_of(repo, path) for path in (*noted, CONFIG_NAME)}
    return uris | set(session.open_documents(repo).values())


async def publish(session: Session, uri: str) -> None:
    """Send a file's diagnostics, unless the client pulls them."""
    pulled = session.client.pulls and (session.is_open(uri) or session.pulls_workspace)
    items = [] if pulled else (await diagnose(session, uri)).items
    if not items and uri not in session.pushed:
        return
    session.pushed.add(uri) if items else session.pushed.discard(uri)
    session.server.text_document_publish_diagnostics(
        types.PublishDiagnosticsParams(uri=uri, diagnostics=items, version=session.version_of(uri))
    )


async def diagnose(session: Session, uri: str) -> FileDiagnostics:
    """The diagnostics of a file's current text, computed once per state of the file."""
    if config_file.is_config(uri):
        return _said(await config_file.diagnose(session, uri))
    seen = await session.view(uri)
    if seen is None:
        return _said([])
    repo, view = seen
    known = session.said.get(uri)
    if known and known[0] is view:
        return known[1]
    await session.pages.prepare(repo.root, [found.note.finding for found in view.marks])
    before = known[1].parts if known and known[1].knowledge is repo.knowledge else {}
    parts = {}
    around = Around(session, repo)
    for found in view.marks:
        related = around.places(found.note)
        span = (found.start, found.end, *_ends(view.lines, found.start, found.end))
        key = (found.note.id, found.note.code, span, found.stale, related)
        if key in before:
            parts[key] = before[key]
        else:
            item = as_diagnostic(session, repo, view, found, around)
            parts[key] = (item, _digest(item))
    if view.unseen:
        item = _unseen(session, view)
        parts[view.unseen] = (item, _digest(item))
    for row, words in gaps_in(view.text):
        parts[(row, words)] = (gap := _gap(session, view, row, words), _digest(gap))
    said = FileDiagnostics(
        items=[item for item, _ in parts.values()],
        id=_id(digest for _, digest in parts.values()),
        parts=parts,
        knowledge=repo.knowledge,
    )
    session.said[uri] = (view, said)
    return said


def _gap(session: Session, view: FileView, line: int, words: str) -> types.Diagnostic:
    """A line that `evolverec init` left to be filled in; it has the words whole itself."""
    return types.Diagnostic(
        range=code_range(view.lines, line - 1, line - 1, session.client.encoding),
        severity=types.DiagnosticSeverity.Error,
        source=SOURCE,
        message=headline(words),
    )


def _unseen(session: Session, view: FileView) -> types.Diagnostic:
    """Says on the first line that no static rule has looked at the file, and why."""
    return types.Diagnostic(
        range=code_range(view.lines, 0, 0, session.client.encoding),
        severity=types.DiagnosticSeverity.Information,
        source=SOURCE,
        message=f"No static rule has looked at this file: it {view.unseen}.",
    )


def _said(items: list[types.Diagnostic]) -> FileDiagnostics:
    return FileDiagnostics(items=items, id=_id(map(_digest, items)))


def _id(digests: Iterable[str]) -> str:
    return hashlib.sha256("".join(digests).encode()).hexdigest()[:16]


def _digest(item: types.Diagnostic) -> str:
    shown = (item.range, item.severity, item.code, item.message, item.related_information)
    return hashlib.sha256(repr(shown).encode()).hexdigest()


def as_diagnostic(
    session: Session, repo: Repo, view: FileView, found: PlacedNote, around: "Around | None" = None
) -> types.Diagnostic:
    """A placed note as an LSP diagnostic. Callers that make many pass one `around` to share its cache."""
    note = found.note
    around = around or Around(session, repo)
    return types.Diagnostic(
        range=code_range(view.lines, found.start, found.end, session.client.encoding),
        severity=types.DiagnosticSeverity.Hint if found.stale else SEVERITIES[note.severity],
        code=note.code,
        code_description=link_to(session, note.code, repo.root),
        source=SOURCE,
        message=message(found),
        related_information=around.information(note),
        data={"id": note.id, "repo": str(repo.root)} if session.client.diagnostic_data else None,
    )


def link_to(session: Session, code: str, root: Path) -> types.CodeDescription | None:
    """The link to the page that explains the code; None if the client shows no such links."""
    address = session.pages.address(code, root)
    return types.CodeDescription(href=address) if address else None


def message(found: PlacedNote) -> str:
    """One line with the figure in it, at most `LINE` characters; all else is in the hover."""
    before = "earlier version: " if found.stale else ""
    return before + line(found.note.finding, LINE - len(before))


Related = tuple[
    str, str, int, int, str, str
]  # what is there, path, first line, last line, and the text of both


class Around:
    """Places notes' further anchors in the repo's files as they are at one moment; caches what it places."""

    def __init__(self, session: Session, repo: Repo) -> None:
        self._session, self._repo = session, repo
        self._read = session.reader(repo)
        self._uris: dict[str, str] = {}
        self._places: dict[str, tuple[Related, ...]] = {}

    def places(self, note: Note) -> tuple[Related, ...]:
        """A note's further anchors in the current text, and those of what it explains and is explained by; anchors whose
        code is gone are left out.
        """
        if not self._session.client.related_information:
            return ()
        if note.id not in self._places:
            self._places[note.id] = tuple(self._place(note))
        return self._places[note.id]

    def _place(self, note: Note) -> Iterator[Related]:
        sources = self._repo.knowledge.sources
        for words, anchor in (*_further(note), *self._kin(note)):
            text = self._read(anchor.path)
            placed = placer_of(text).place(anchor, sources) if text is not None else None
            if text is not None and placed is not None:
                start, end, _ = placed
                yield (words, anchor.path, start, end, *_ends(lines_of(text), start, end))

    def _kin(self, note: Note) -> Iterator[tuple[str, Anchor]]:
        """The first anchors of the findings that explain the note, and of those that it explains."""
        for other in self._repo.knowledge.notes:
            for anchor in other.anchors[:1]:
                if other.id in note.finding.explained_by:
                    yield f"explained by {other.code}", anchor
                elif note.id in other.finding.explained_by:
                    yield f"explains {other.code}", anchor

    def information(self, note: Note) -> list[types.DiagnosticRelatedInformation] | None:
        """A note's further anchors as LSP related information; None if there are none."""
        found = [self._inform(*place) for place in self.places(note)]
        return found or None

    def _inform(
        self, words: str, path: str, start: int, end: int, *_: str
    ) -> types.DiagnosticRelatedInformation:
        if path not in self._uris:
            self._uris[path] = self._session.uri_of(self._repo, path)
        span = code_range(lines_of(self._read(path) or ""), start, end, self._session.client.encoding)
        location = types.Location(uri=self._uris[path], range=span)
        return types.DiagnosticRelatedInformation(location=location, message=words)


def _further(note: Note) -> list[tuple[str, Anchor]]:
    return [(anchor.role.value.replace("_", " "), anchor) for anchor in note.anchors[1:]]


def _ends(lines: tuple[str, ...], start: int, end: int) -> tuple[str, str]:
    """The text of the first and the last line; rows outside of the file are clamped, as in `code_range`."""
    last = len(lines) - 1
    return lines[max(0, min(start, last))], lines[max(0, min(end, last))]
