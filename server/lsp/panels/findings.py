"""`evolverec/findings`: the verdict, and findings and critiques in groups: each cause with what it brings about."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from diagnosis.blame import groups
from diagnosis.findings import Finding, FoundBy, Nature, Role
from evolution.domain.proposal import Proposal, ProposalState, Verified
from evolution.domain.verdict import verdict_on
from evolution.store.documents import finding_document, verdict_document
from evolution.store.remarks import remarks
from server.lsp.marks import PlacedNote, mark, placer_of
from server.lsp.panels.asking import Document, repo_asked_for
from server.lsp.panels.snapshot import RepoSnapshot, as_place, places, role_name, worked_out
from server.lsp.session import Session
from server.lsp.view import beside, find_entry, rule_notes
from server.shown.notes import Note
from server.shown.rows import row
from server.shown.wording import held_against, with_interval

WHOLE = ""  # the cause of findings that are anchored in no part of the code


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
    measured = [repo.knowledge.diagnosed] if repo.knowledge.diagnosed else []
    told = [remark for trial, _ in measured for remark in remarks(trial)]
    dismissed = repo.knowledge.dismissed
    verdicts = [verdict_document(verdict_on(*both, dismissed)) for both in measured]
    return {
        "repo": str(repo.root),
        "verdict": verdicts[0] if verdicts else None,
        "causes": causes,
        "remarks": told,
    }


def by_cause(seen: RepoSnapshot) -> list[Document]:
    """Groups of findings, those with a finding that has not faded first, then the one with the worst finding.

    A cause has a group of its own, with what it explains below it. What has no cause shares one group, and so do advice
    and what users say.
    """
    standing = {s.note.id: s for s in reversed(everything(seen))}
    told = [standing[name].note.finding for name in standing]
    gathered: dict[tuple[str, str, str], list[Standing]] = {}
    for group in groups(reversed(told)):
        members = [standing[f.id] for f in (group.head, *group.members)]
        gathered.setdefault(_heading(standing[group.head.id]), []).extend(members)
    ranked = sorted(gathered.items(), key=lambda item: all(s.faded for s in item[1]))
    return [
        {
            "id": name,
            "role": role,
            "title": title,
            "findings": [_finding(seen, s, told) for s in sorted(members, key=_is_faded)],
        }
        for (name, role, title), members in ranked
    ]


def _is_faded(standing: Standing) -> bool:
    return standing.faded


def _heading(standing: Standing) -> tuple[str, str, str]:
    """The id, role and title of the group that a finding heads."""
    finding = standing.note.finding
    if finding.kind.found_by is FoundBy.USERS:
        return "users", WHOLE, "What users say"
    if finding.kind.nature is Nature.ADVICE:
        return "advice", WHOLE, "Advice"
    if finding.kind.nature is Nature.SYMPTOM:
        return "outcomes", WHOLE, "Unexplained"
    return finding.id, standing.cause, finding.kind.title


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
    found = [
        note
        for path, text in texts
        for note in rule_notes(path, text, seen.rules.get(path), beside(known.program_files, path, seen.read))
    ]
    return [
        Standing(note=note, faded=False, places=[_live_place(seen, note)])
        for note in found
        if note.id not in known.dismissed and not known.is_void(note)
    ]


def _live_place(seen: RepoSnapshot, note: Note) -> Document:
    anchor = note.anchors[0]
    return as_place(seen, anchor.path, anchor.start_line - 1, anchor.end_line - 1, anchor.role)


def _finding(seen: RepoSnapshot, standing: Standing, beside: Sequence[Finding]) -> Document:
    note = standing.note
    measured = note.finding.measurement
    return {
        **finding_document(note.finding, beside),
        "row": row(note.finding),
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
