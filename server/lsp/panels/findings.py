"""`evolverec/findings`: findings and critiques, grouped by the part of the code that they are anchored in."""

from dataclasses import dataclass
from typing import Any

from diagnosis.findings import Role, Severity
from evolution.domain.proposal import Proposal, ProposalState, Verified
from evolution.store.documents import finding_document
from evolution.store.remarks import remarks
from server.lsp.marks import PlacedNote, mark, placer_of
from server.lsp.panels.asking import Document, repo_asked_for
from server.lsp.panels.snapshot import RepoSnapshot, as_place, places, role_name, worked_out
from server.lsp.session import Session
from server.lsp.view import find_entry, rule_notes
from server.shown.notes import Note
from server.shown.wording import held_against, with_interval

WHOLE = ""  # the cause of findings that are anchored in no part of the code
ORDER = tuple(Severity)  # worst first


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A note with the current places of its anchors, best first.

    faded: the code it is anchored in has changed or is gone
    """

    note: Note
    faded: bool
    places: list[Document]

    @property
    def cause(self) -> str:
        """The role of the code that the note is anchored in, such as "item table"; WHOLE for the entry or none."""
        anchors = self.note.anchors
        return role_name(anchors[0].role) if anchors and anchors[0].role is not Role.ENTRY else WHOLE


async def findings(session: Session, params: Any = None) -> Document:
    """Answer `evolverec/findings` with the findings by cause, and with remarks on the last trial."""
    repo = await repo_asked_for(session, params)
    causes = await worked_out(session, repo, by_cause)
    measured = repo.knowledge.history[:1]
    told = [remark for trial, _ in measured for remark in remarks(trial)]
    return {"repo": str(repo.root), "causes": causes, "remarks": told}


def by_cause(seen: RepoSnapshot) -> list[Document]:
    """Groups of findings, the group with the worst finding first."""
    groups: dict[str, list[Standing]] = {}
    for standing in sorted(everything(seen), key=lambda s: (s.faded, ORDER.index(s.note.severity))):
        groups.setdefault(standing.cause, []).append(standing)
    return [
        {
            "role": cause,
            "title": cause.capitalize() or "The model as a whole",
            "findings": [_finding(seen, standing) for standing in group],
        }
        for cause, group in groups.items()
    ]


def everything(seen: RepoSnapshot) -> list[Standing]:
    """The notes that were measured, and those of the static rules on the current text."""
    return [_stand(seen, note) for note in seen.knowledge.notes] + _by_rules(seen)


def _stand(seen: RepoSnapshot, note: Note) -> Standing:
    entry = seen.knowledge.entry
    if not note.anchors:
        line = find_entry(seen.read(entry.path) or "", entry.function) if entry.path else None
        there = [] if line is None else [as_place(seen, entry.path, line, line, Role.ENTRY)]
        return Standing(note=note, faded=False, places=there)
    path = note.anchors[0].path
    text = seen.read(path)
    found: PlacedNote | None = None
    if text is not None:
        found = mark(note, path, placer_of(text), None, seen.knowledge.sources)
    return Standing(note=note, faded=found is None or found.stale, places=places(seen, note.anchors))


def _by_rules(seen: RepoSnapshot) -> list[Standing]:
    """The static rules' notes on the measured program's files and on open files."""
    known = seen.knowledge
    paths = sorted(path for path in {*known.program_files, *seen.open} if path.endswith(".py"))
    texts = ((path, seen.read(path) or "") for path in paths)
    found = [note for path, text in texts for note in rule_notes(path, text, seen.rules.get(path))]
    return [
        Standing(note=note, faded=False, places=[_live_place(seen, note)])
        for note in found
        if note.id not in known.dismissed
    ]


def _live_place(seen: RepoSnapshot, note: Note) -> Document:
    anchor = note.anchors[0]
    return as_place(seen, anchor.path, anchor.start_line - 1, anchor.end_line - 1, anchor.role)


def _finding(seen: RepoSnapshot, standing: Standing) -> Document:
    note = standing.note
    measured = note.finding.measurement
    return {
        **finding_document(note.finding),
        "figure": with_interval(measured.value, measured.low, measured.high, measured.unit)
        if measured
        else "",
        "against": held_against(measured) if measured else "",
        "faded": standing.faded,
        "byLlm": bool(note.author),
        "places": standing.places,
        "fixes": [proposal.id for proposal in seen.knowledge.proposals if _fixes(proposal, note)],
    }


def _fixes(proposal: Proposal, note: Note) -> bool:
    verified = proposal.verified is not Verified.NO and proposal.state is ProposalState.OPEN
    return verified and note.id in proposal.idea.addresses
