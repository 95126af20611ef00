"""A proposal's patch as a WorkspaceEdit on the current text, in the richest form that the client understands."""

from collections.abc import Mapping

from lsprotocol import types

from evolution.base.errors import EditError
from evolution.domain.proposal import Proposal
from evolution.repo.applying import LineEdit, workspace_edits
from server.lsp.client import Client
from server.lsp.positions import lines_of, lines_range
from server.lsp.repo import Repo
from server.lsp.session import Session
from server.lsp.taking import paths_of, rest_of
from server.shown.edited import Read
from server.shown.wording import proposal_title

ANNOTATION = "evolverec"


async def workspace_edit(session: Session, repo: Repo, proposal: Proposal) -> types.WorkspaceEdit:
    """The edits of the proposal that the user has not taken yet.

    Raises EditError if these do not match the text exactly, or if the client cannot apply them.
    """
    left = rest_of(proposal, repo.taken, session.reader(repo))
    return await part_of(session, repo, left, proposal_title(proposal))


async def part_of(session: Session, repo: Repo, proposal: Proposal, label: str) -> types.WorkspaceEdit:
    """All edits of this proposal, which may be a part of a stored one. Raises EditError like `workspace_edit`."""
    read = session.reader(repo)
    uris = {path: session.uri_of(repo, path) for path in paths_of(proposal)}
    # The versions must belong to the text that `read` holds, so they are taken before the await.
    versions = {path: session.version_of(uri) for path, uri in uris.items()}
    edits = await session.background.think(workspace_edits, proposal, read)
    return as_workspace_edit(session.client, proposal, edits, uris, versions, read, label)


def as_workspace_edit(
    client: Client,
    proposal: Proposal,
    edits: list[LineEdit],
    uris: Mapping[str, str],
    versions: Mapping[str, int | None],
    read: Read,
    label: str,
) -> types.WorkspaceEdit:
    """Line edits as a WorkspaceEdit.

    versions: version of each open buffer, None for files on disk
    label: label of the change annotation
    Raises EditError if a file must be created and the client cannot do that.
    """
    if any(edit.creates for edit in edits) and not client.creates_files:
        raise EditError(
            "this patch makes a new file, which your editor cannot do for a server; "
            f"run `evolverec apply . {proposal.id}`"
        )
    changes: dict[str, list[types.TextEdit]] = {}
    for edit in edits:
        changes.setdefault(edit.path, []).append(text_edit(edit, read(edit.path) or "", client.encoding))
    if not client.document_changes:
        return types.WorkspaceEdit(changes={uris[path]: found for path, found in changes.items()})
    created = [types.CreateFile(uri=uris[edit.path]) for edit in edits if edit.creates]
    documents = [
        types.TextDocumentEdit(
            text_document=types.OptionalVersionedTextDocumentIdentifier(
                uri=uris[path], version=versions[path]
            ),
            edits=[_annotated(client, edit) for edit in found],
        )
        for path, found in changes.items()
    ]
    annotation = types.ChangeAnnotation(
        label=label, description=proposal.idea.rationale or None, needs_confirmation=False
    )
    return types.WorkspaceEdit(
        document_changes=[*created, *documents],
        change_annotations={ANNOTATION: annotation} if client.annotations else None,
    )


def text_edit(edit: LineEdit, text: str, encoding: str) -> types.TextEdit:
    """A line edit as a TextEdit. An edit past the last line feed reaches to the end of the file."""
    lines = lines_of(text)
    end = edit.end_line0 if edit.end_line0 <= text.count("\n") else len(lines)
    return types.TextEdit(range=lines_range(lines, edit.start_line0, end, encoding), new_text=edit.new_text)


def _annotated(client: Client, edit: types.TextEdit) -> types.TextEdit | types.AnnotatedTextEdit:
    if not client.annotations:
        return edit
    return types.AnnotatedTextEdit(range=edit.range, new_text=edit.new_text, annotation_id=ANNOTATION)
