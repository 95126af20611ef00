"""Detects from the text that a patch was applied (by the editor, by hand or by git) or undone again."""

from dataclasses import dataclass

from evolution.base.errors import EditError
from evolution.domain.proposal import Proposal, ProposalState, Verified
from evolution.repo.applying import is_applied, workspace_edits
from server.lsp.repo import Repo
from server.lsp.session import Session
from server.lsp.taking import Taken, all_hunks, rest_of
from server.shown.edited import Read


@dataclass(frozen=True, kw_only=True)
class Noticed:
    """A proposal with the state that the text implies.

    whole: every edit of the patch is in the text
    """

    proposal: Proposal
    state: ProposalState
    whole: bool


async def notice(session: Session, repo: Repo) -> bool:
    """Update the stored states of proposals to match the text. Returns whether any state changed."""
    proposals = [proposal for proposal in repo.knowledge.proposals if proposal.verified is not Verified.NO]
    taken = frozenset(repo.taken)
    noticed = await session.background.think(_look, proposals, taken, session.reader(repo))
    for found in noticed:
        if found.whole:
            repo.taken |= all_hunks(found.proposal)
    changed = [found for found in noticed if found.state is not found.proposal.state]
    for found in changed:
        await session.background.store(repo.store.set_proposal_state, found.proposal.id, found.state)
    return bool(changed)


def _look(proposals: list[Proposal], taken: Taken, read: Read) -> list[Noticed]:
    found = []
    for proposal in proposals:
        whole = is_applied(proposal.patch.edits, read)
        state = ProposalState.APPLIED if whole else _state(proposal, taken, read)
        found.append(Noticed(proposal=proposal, state=state, whole=whole))
    return found


def _state(proposal: Proposal, taken: Taken, read: Read) -> ProposalState:
    """State of a proposal that is only partly in the text: OPEN if its remaining
    edits still apply, otherwise unchanged.
    """
    if proposal.state is ProposalState.OPEN:
        return ProposalState.OPEN
    try:
        workspace_edits(rest_of(proposal, taken, read), read)
    except EditError:
        return proposal.state
    return ProposalState.OPEN
