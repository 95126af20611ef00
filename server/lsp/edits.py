"""A proposal's patch as a workspace edit on the text as it is now, in the richest form the client understands."""

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
from server.lsp.view import Read
from server.shown.wording import proposal_title

ANNOTATION = "evolverec"


async def workspace_edit(session: Session, repo: Repo, proposal: Proposal) -> types.WorkspaceEdit:
    """What the user has not taken of it yet.

    Raises EditError where that does not fit the text exactly, or the client cannot carry it out.
    """
    left = rest_of(proposal, repo.taken, session.reader(repo))
    return await part_of(session, repo, left, proposal_title(proposal))


async def part_of(session: Session, repo: Repo, proposal: Proposal, label: str) -> types.WorkspaceEdit:
    """All edits of this (part of a) proposal. Raises EditError as above."""
    read = session.reader(repo)
    uris = {path: session.uri_of(repo, path) for path in paths_of(proposal)}
    # Of the text that is read, not of what is typed while the edit is made.
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
    """versions: of open buffers, None for files on disk. label: of the annotation. Raises EditError if a file would have to be made and
    the client cannot."""
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
    """An edit past the last line feed reaches to the end of the file."""
    lines = lines_of(text)
    end = edit.end_line0 if edit.end_line0 <= text.count("\n") else len(lines)
    return types.TextEdit(range=lines_range(lines, edit.start_line0, end, encoding), new_text=edit.new_text)


def _annotated(client: Client, edit: types.TextEdit) -> types.TextEdit | types.AnnotatedTextEdit:
    if not client.annotations:
        return edit
    return types.AnnotatedTextEdit(range=edit.range, new_text=edit.new_text, annotation_id=ANNOTATION)
