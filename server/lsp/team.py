"""Commands for a team: a patch as the text of a pull request, as a new branch, and findings that everybody accepts."""

from typing import Any

from evolution.base.places import BASELINE_NAME
from evolution.repo.baseline import Accepted, accept
from evolution.repo.branches import commit_to_branch
from server.lsp import refresh
from server.lsp.actions import find_proposal
from server.lsp.commands import Document, need, object_of
from server.lsp.session import Session
from server.shown.accepting import check_code, codes_found
from server.shown.knowledge import Knowledge
from server.shown.pull_request import codes_in, pull_request_text


async def pull_request(session: Session, *arguments: Any) -> Document:
    """Handle `evolverec.pullRequest`, `{"repo"?, "proposal"}`: answer with the text, whose first line is the title."""
    asked = object_of(arguments)
    repo = await session.choose_repo(str(asked.get("repo", "")))
    proposal = find_proposal(repo, need(asked, "proposal"))
    codes = codes_in(feedback for _, feedback in repo.knowledge.history)
    return {"proposal": proposal.id, "text": pull_request_text(proposal, codes)}


async def branch(session: Session, *arguments: Any) -> Document:
    """Handle `evolverec.branch`, `{"repo"?, "proposal", "branch"}`: commit the patch to a new branch, on top of the last commit.

    Raises UsageError, RepoError, EditError: nothing was made then. What is checked out, the index and the files stay as they are.
    """
    asked = object_of(arguments)
    repo = await session.choose_repo(str(asked.get("repo", "")))
    proposal, name = find_proposal(repo, need(asked, "proposal")), need(asked, "branch")
    files = await session.background.survey(commit_to_branch, repo.root, proposal, name)
    return {"proposal": proposal.id, "branch": name, "files": files}


async def accept_finding(session: Session, *arguments: Any) -> Document:
    """Handle `evolverec.accept`, `{"repo"?, "code", "reason", "path"?}`: add the finding to the repo's baseline.

    A finding that stands on no line of its own is shown at the entry, which is no file that it could be accepted in.
    Raises UsageError: no finding that is shown, or that rules find, has the code.
    """
    asked = object_of(arguments)
    repo = await session.choose_repo(str(asked.get("repo", "")))
    code, path = need(asked, "code"), str(asked.get("path", ""))
    notes = [note for note in repo.knowledge.notes if note.code == code]
    if notes and not any(note.anchors for note in notes):
        path = ""
    entry = Accepted(code=code, reason=need(asked, "reason"), path=path)
    check_code(code, await session.background.survey(_known_codes, repo.knowledge))
    is_new = await session.background.survey(accept, repo.root, entry)
    repo.disk_changes += 1
    await refresh.renew(session, repo)
    return {"file": BASELINE_NAME, "uri": session.uri_of(repo, BASELINE_NAME), "added": is_new}


def _known_codes(known: Knowledge) -> set[str]:
    """The codes of what an editor shows: what was found here, and what rules find while one types. The catalogue of all checks would
    load numpy.
    """
    from diagnosis.rules.check import RULES

    said = codes_found(feedback for _, feedback in known.history)
    return said | {note.code for note in known.notes} | {kind.code for rule in RULES for kind in rule.kinds}
