"""Notices that a patch is in the user's text, however it got there, and that an undo took it out again."""

from evolution.applying import is_applied, workspace_edits
from evolution.errors import EditError
from evolution.proposals import Proposal, ProposalState, Verified
from server.lsp.repo import Repo
from server.lsp.session import Session
from server.lsp.view import Read


async def notice(session: Session, repo: Repo) -> bool:
    """Bring the stored states in line with the text; whether any changed."""
    proposals = [proposal for proposal in repo.knowledge.proposals if proposal.verified is not Verified.NO]
    changed = await session.background.think(_changed_states, proposals, session.reader(repo))
    for proposal, state in changed:
        await session.background.store(
            lambda name=proposal, to=state: repo.store.set_proposal_state(name, to)
        )
    return bool(changed)


def _changed_states(proposals: list[Proposal], read: Read) -> list[tuple[str, ProposalState]]:
    states = ((proposal, _state(proposal, read)) for proposal in proposals)
    return [(proposal.id, state) for proposal, state in states if state is not proposal.state]


def _state(proposal: Proposal, read: Read) -> ProposalState:
    """Applied while all of it stands in the text; open again when it fits again."""
    if is_applied(proposal.patch.edits, read):
        return ProposalState.APPLIED
    if proposal.state is ProposalState.OPEN:
        return ProposalState.OPEN
    try:
        workspace_edits(proposal, read)
    except EditError:
        return proposal.state
    return ProposalState.OPEN
