"""Proposed files as read-only documents, so that an editor can show a diff without touching the user's buffer.

`evolverec-proposal:/PROPOSAL/path/of/file.py?ROOT` is the whole patched file.
`evolverec-proposal:/PROPOSAL.diff?ROOT` is the unified diff.
"""

from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from lsprotocol import types

from evolution.base.errors import UsageError
from evolution.domain.proposal import Proposal
from evolution.domain.unified_diffs import unified_diff
from evolution.repo.applying import changed_files
from server.lsp import pages
from server.lsp.actions import find_proposal
from server.lsp.handshake import CONTENT_SCHEME, DOCS_SCHEME
from server.lsp.repo import Repo
from server.lsp.session import Session
from server.lsp.taking import paths_of, rest_of
from server.shown.edited import Read
from server.shown.wording import comparison, proposal_title


async def content(
    session: Session, params: types.TextDocumentContentParams
) -> types.TextDocumentContentResult:
    """Answer workspace/textDocumentContent with a patched file, a diff, or a page about a code.

    Raises UsageError for an unknown address, EditError if the patch no longer fits.
    """
    address = urlsplit(params.uri)
    if address.scheme == DOCS_SCHEME:
        return types.TextDocumentContentResult(text=await pages.content(session, params.uri))
    name, _, path = unquote(address.path).lstrip("/").partition("/")
    repo = await session.choose_repo(unquote(address.query))
    proposal = find_proposal(repo, name.removesuffix(".diff"))
    read = session.reader(repo)
    left = rest_of(proposal, repo.taken, read)
    if not path:
        return types.TextDocumentContentResult(text=await session.background.think(diff, left, read))
    if path not in paths_of(proposal):
        raise UsageError(
            f"proposal {proposal.id} does not change {path}; it changes {', '.join(paths_of(proposal))}"
        )
    files = await session.background.think(changed_files, left.patch.edits, read)
    return types.TextDocumentContentResult(text=files[path] if path in files else read(path) or "")


def address(root: Path, proposal: Proposal, path: str) -> str:
    """The URI of one patched file."""
    return f"{CONTENT_SCHEME}:/{quote(proposal.id)}/{quote(path)}?{quote(str(root))}"


def diff_address(repo: Repo, proposal: Proposal) -> str:
    """The URI of the proposal's unified diff."""
    return f"{CONTENT_SCHEME}:/{quote(proposal.id)}.diff?{quote(str(repo.root))}"


def diff(proposal: Proposal, read: Read) -> str:
    """Unified diff from the current text to the patched text, below what was measured of the patch and how, which `git apply` skips.

    Raises EditError if the patch does not fit.
    """
    after = changed_files(proposal.patch.edits, read)
    before = {path: text for path in after if (text := read(path)) is not None}
    told = (" ".join(line.split()) for line in (proposal_title(proposal), comparison(proposal)))
    return "".join(f"{line}\n" for line in told if line) + unified_diff(before, after)
