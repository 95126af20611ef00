"""`evolverec.applyHunks`: apply some hunks of a proposal through the editor, with the
same checks as for the whole patch.
"""

import asyncio
from typing import Any

from evolution.base.amounts import count
from evolution.base.errors import EditError, UsageError
from evolution.domain.edits import Edit
from evolution.domain.proposal import Proposal
from evolution.repo.applying import is_applied
from server.lsp import applied, refresh
from server.lsp.actions import find_proposal
from server.lsp.commands import Document, have_applied, need, object_of
from server.lsp.edits import part_of
from server.lsp.repo import Repo
from server.lsp.session import Session
from server.lsp.taking import check_taking, edits_of, hunks_of, paths_of, with_edits

SEEN_WITHIN_S, LOOK_S = 1.0, 0.02  # an editor may send didChange only after it answered applyEdit


async def apply_hunks(session: Session, *arguments: Any) -> Document:
    """Handle `evolverec.applyHunks`: `proposal`, `path`, and `hunks`, the hunks' indices in that file.

    Raises UsageError for wrong arguments, EditError if a hunk does not fit or is
    already applied; then nothing changes.
    """
    asked = object_of(arguments)
    repo = await session.choose_repo(str(asked.get("repo", "")))
    proposal = find_proposal(repo, need(asked, "proposal"))
    path, wanted = _wanted(proposal, asked)
    read = session.reader(repo)
    hunks = await session.background.think(hunks_of, proposal, path, frozenset(repo.taken), read)
    for index in wanted:
        if hunks[index].taken:
            raise EditError(f"hunk {index} of {path} is in the text already")
        if hunks[index].unfit:
            raise EditError(hunks[index].unfit)
    edits = [edits_of(proposal, path)[index] for index in wanted]
    await session.background.think(check_taking, edits, read)
    title = f"{count(len(wanted), 'hunk')} of {proposal.idea.title}"
    await have_applied(session, await part_of(session, repo, with_edits(proposal, edits), title), title)
    return await _conclude(session, repo, proposal, path, wanted, edits)


def _wanted(proposal: Proposal, asked: Document) -> tuple[str, list[int]]:
    path, hunks = need(asked, "path"), asked.get("hunks")
    if path not in paths_of(proposal):
        raise UsageError(
            f"proposal {proposal.id} does not change {path}; it changes {', '.join(paths_of(proposal))}"
        )
    most = len(edits_of(proposal, path)) - 1
    numbers = hunks if isinstance(hunks, list) else []
    if not numbers or not all(type(index) is int and 0 <= index <= most for index in numbers):
        raise UsageError(f"hunks is {hunks!r}; expected a list of numbers from 0 to {most}")
    return path, sorted(set(numbers))


async def _conclude(
    session: Session, repo: Repo, proposal: Proposal, path: str, wanted: list[int], edits: list[Edit]
) -> Document:
    repo.taken |= {(proposal.id, path, index) for index in wanted}
    there = await _stand(session, repo, edits)
    repo.buffer_changes += 1
    if await applied.notice(session, repo):
        await refresh.renew(session, repo)
    else:
        session.changes.of(repo)
    whole = is_applied(proposal.patch.edits, session.reader(repo))
    return {
        "proposal": proposal.id,
        "path": path,
        "hunks": wanted,
        "whole": whole,
        "message": _message(proposal, wanted, _taken(repo, proposal), whole=whole, there=there),
    }


async def _stand(session: Session, repo: Repo, edits: list[Edit]) -> bool:
    """Whether the edits are in the text within SEEN_WITHIN_S of the editor's answer."""
    for _ in range(round(SEEN_WITHIN_S / LOOK_S)):
        if is_applied(edits, session.reader(repo)):
            return True
        await asyncio.sleep(LOOK_S)
    return False


def _taken(repo: Repo, proposal: Proposal) -> int:
    """How many changes of the patch were taken in this session."""
    return sum(name == proposal.id for name, _, _ in repo.taken)


def _message(proposal: Proposal, wanted: list[int], taken: int, *, whole: bool, there: bool) -> str:
    name = proposal.idea.title
    if not there:
        return f"The editor says that it took {count(len(wanted), 'change')} of {name!r}, but the text does not show it."
    if whole:
        return f"All of {name!r} is in the text now."
    return f"{taken} of {count(len(proposal.patch.edits), 'change')} taken; this mix is unmeasured until you train."
