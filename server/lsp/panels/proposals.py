"""`evolverec/proposals`: every patch for the code as last measured, with its figures and its hunks."""

from typing import Any

from evolution.base import serial
from evolution.base.amounts import number
from evolution.domain.proposal import PROMISING, Proposal, ProposalState, Verified
from server.lsp.panels.asking import Document, repo_asked_for
from server.lsp.panels.figures import of_effect
from server.lsp.panels.snapshot import RepoSnapshot, worked_out
from server.lsp.proposal_documents import address
from server.lsp.session import Session
from server.lsp.taking import Hunk, hunks_of, misfit, paths_of
from server.shown.rows import patch_row
from server.shown.wording import comparison, relative


async def proposals(session: Session, params: Any = None) -> Document:
    """Answer `evolverec/proposals`."""
    repo = await repo_asked_for(session, params)
    found = await worked_out(session, repo, every_proposal)
    return {"repo": str(repo.root), "proposals": found}


def every_proposal(seen: RepoSnapshot) -> list[Document]:
    """The known proposals as the view's JSON, best first."""
    codes = {note.id: note.code for note in seen.knowledge.notes}
    return [_proposal(seen, proposal, codes) for proposal in seen.knowledge.proposals]


def _proposal(seen: RepoSnapshot, proposal: Proposal, codes: dict[str, str]) -> Document:
    idea = proposal.idea
    document = {
        "id": proposal.id,
        "title": idea.title,
        "row": patch_row(proposal),
        "terms": str(proposal.details.get("terms", "")),
        "compared": comparison(proposal),
        "rationale": " ".join(filter(None, (idea.rationale, comparison(proposal)))),
        "verified": proposal.verified.value,
        "promising": _is_promising(seen, proposal),
        "whyNot": proposal.why_not,
        "gain": of_effect(proposal.effect, proposal.corrected),
        "metrics": [
            {
                "name": name,
                "before": number(effect.before),
                "after": number(effect.after),
                "change": relative(effect),
            }
            for name, effect in proposal.effects.items()
        ],
        "addresses": [{"id": note, "code": codes.get(note, note)} for note in idea.addresses],
        "fixed": list(proposal.fixed),
        "restsOn": list(idea.rests_on),
        "byLlm": idea.by_llm,
        "proposer": idea.proposer,
        "seeds": len(proposal.trials),
        "state": "applied" if proposal.state is ProposalState.APPLIED else "open",
        "unfit": misfit(proposal, seen.taken, seen.read),
        "files": [
            {
                "path": path,
                "uri": seen.uri(path),
                "proposed": address(seen.root, proposal, path),
                "hunks": list(map(_hunk, hunks_of(proposal, path, seen.taken, seen.read))),
            }
            for path in paths_of(proposal)
        ],
    }
    return serial.finite(document)


def _is_promising(seen: RepoSnapshot, proposal: Proposal) -> bool:
    """Whether further seeds are to decide; of a job that was stopped none ever will."""
    decided = proposal.verified is not Verified.NO or not seen.knowledge.running
    return bool(proposal.details.get(PROMISING)) and not decided


def _hunk(hunk: Hunk) -> Document:
    return {
        "startLine": hunk.start,
        "endLine": hunk.end,
        "old": hunk.old,
        "new": hunk.new,
        "taken": hunk.taken,
        "unfit": hunk.unfit,
    }
