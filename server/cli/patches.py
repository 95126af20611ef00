"""Applies a proposal from a terminal, to the files or as a commit on a new branch of the user's git."""

from pathlib import Path
from typing import Any

from evolution.base.errors import UsageError
from evolution.domain.proposal import Proposal, ProposalState
from evolution.repo.applying import apply_to_files
from evolution.repo.branches import commit_to_branch
from evolution.store.store import Store


def find_proposal(repo: Path, wanted: str) -> Proposal:
    """The proposal with this id, or the only one whose id begins so. Raises UsageError, which lists the known ids."""
    with Store.open(repo) as store:
        found = store.proposal(wanted)
        known = [proposal.id for proposal in store.proposals()]
    if found is None:
        listed = ", ".join(known) if known else "none yet: run `evolverec propose` first"
        raise UsageError(f"no single proposal {wanted!r} in {repo}; there are {listed}")
    return found


def apply_proposal(repo: Path, wanted: str, *, branch: str) -> dict[str, Any]:
    """Apply the patch; the document of `evolverec apply`.

    branch: name of a new branch to commit to, "" to write the files
    Raises EditError if the patch does not fit exactly; then nothing is written.
    """
    proposal = find_proposal(repo, wanted)
    files = commit_to_branch(repo, proposal, branch) if branch else apply_to_files(repo, proposal)
    if not branch:
        with Store.open(repo) as store:
            store.set_proposal_state(proposal.id, ProposalState.APPLIED)
    return {"proposal": proposal.id, "title": proposal.idea.title, "files": files, "branch": branch or None}
