"""Code actions in evolverec.toml: what it names and no file has is replaced by what there is, or made."""

from dataclasses import dataclass
from pathlib import Path

from lsprotocol import types
from pygls.uris import from_fs_path

from evolution.base.errors import RepoError
from server.lsp.config_file import root_of
from server.lsp.config_wrong import Wrong, range_of, wrong_in
from server.lsp.positions import columns, lines_of
from server.lsp.session import Session

PICK_LOG = "evolverec.ui.pickLog"  # of the extension of VS Code
SKELETON = '''

def {name}(data, *, device, seed):
    """The recommender that evolverec trains; its README says what it needs: fit() and score(users, histories)."""
    raise NotImplementedError("fill in: return an object with fit() and score(users, histories); evolverec init drafts one")
'''


async def config_actions(session: Session, params: types.CodeActionParams) -> list[types.CodeAction]:
    """Answer textDocument/codeAction in evolverec.toml with the fixes of the faults in the range."""
    uri = params.text_document.uri
    text, root = session.text_of(uri), root_of(uri)
    only = params.context.only
    if text is None or root is None or not session.client.literals:
        return []
    if only is not None and not any("quickfix".startswith(str(kind)) for kind in only):
        return []
    found = await session.background.browse(wrong_in, root, text)
    first, last = params.range.start.line, params.range.end.line
    actions: list[types.CodeAction] = []
    for wrong in found:
        if first <= wrong.row <= last:
            diagnostics = [one for one in params.context.diagnostics if one.range.start.line == wrong.row]
            actions += _replacements(session, uri, text, wrong, diagnostics)
            actions += await _creation(session, root, wrong, diagnostics)
            actions += _picking(session, uri, text, wrong, diagnostics)
    return actions


def _replacements(
    session: Session, uri: str, text: str, wrong: Wrong, diagnostics: list[types.Diagnostic]
) -> list[types.CodeAction]:
    """One action for each key or value that may be meant, in the place of the wrong one."""
    if wrong.replaced is None:
        return []
    place = range_of(lines_of(text), wrong.row, wrong.replaced, session.client.encoding)
    actions = []
    for offer in wrong.offers:
        edit = types.TextEdit(range=place, new_text=offer.replace("\\", "\\\\").replace('"', '\\"'))
        actions.append(
            types.CodeAction(
                title=f"Did you mean `{offer}`?" if wrong.is_key else f"Use {offer}",
                kind=types.CodeActionKind.QuickFix,
                diagnostics=diagnostics or None,
                is_preferred=not actions,
                edit=types.WorkspaceEdit(changes={uri: [edit]}),
            )
        )
    return actions


def _picking(
    session: Session, uri: str, text: str, wrong: Wrong, diagnostics: list[types.Diagnostic]
) -> list[types.CodeAction]:
    """An action by which the extension of VS Code asks for the log; other editors have no such dialog."""
    if not (wrong.is_log and wrong.replaced is not None and session.changes.wanted):
        return []
    given = named_log(uri, text, wrong, session.client.encoding)
    title = "Pick the log…"
    return [
        types.CodeAction(
            title=title,
            kind=types.CodeActionKind.QuickFix,
            diagnostics=diagnostics or None,
            command=types.Command(title=title, command=PICK_LOG, arguments=[given]),
        )
    ]


def named_log(uri: str, text: str, wrong: Wrong, encoding: str) -> dict[str, str | int]:
    """Where the name of the log stands, and what it is there, as the extension of VS Code takes it: the button may be pressed late."""
    lines = lines_of(text)
    place = range_of(lines, wrong.row, wrong.replaced, encoding)
    start, end = wrong.replaced or (0, None)
    return {
        "uri": uri,
        "line": wrong.row,
        "start": place.start.character,
        "end": place.end.character,
        "text": lines[wrong.row][start:end],
    }


async def _creation(
    session: Session, root: Path, wrong: Wrong, diagnostics: list[types.Diagnostic]
) -> list[types.CodeAction]:
    """An action that makes the function, in a file that is made too where there is none."""
    creation = await creation_of(session, root, wrong)
    if creation is None:
        return []
    return [
        types.CodeAction(
            title=creation.title,
            kind=types.CodeActionKind.QuickFix,
            diagnostics=diagnostics or None,
            edit=creation.edit,
        )
    ]


@dataclass(frozen=True, kw_only=True)
class Creation:
    """How a function that evolverec.toml names is made. line: of its `def`, from 0."""

    title: str
    uri: str
    line: int
    edit: types.WorkspaceEdit


async def creation_of(session: Session, root: Path, wrong: Wrong) -> Creation | None:
    """The creation that mends a fault; None where it is about something else, or the client can make no file."""
    if wrong.missing is None:
        return None
    path, name = wrong.missing
    uri = from_fs_path(str(root / path))
    there = await session.background.browse(_text_at, root, path) if uri else None
    open_text = session.text_of(uri) if uri else None
    text = open_text if open_text is not None else there
    if uri is None or (
        text is None and not (session.client.creates_files and session.client.document_changes)
    ):
        return None
    lines = lines_of(text or "")
    end = (
        types.Position(line=len(lines) - 1, character=columns(lines[-1], session.client.encoding))
        if lines
        else types.Position(line=0, character=0)
    )
    body = SKELETON.format(name=name) if text else SKELETON.format(name=name).lstrip("\n")
    edit = types.TextEdit(range=types.Range(start=end, end=end), new_text=body)
    if text is not None:
        changed = types.WorkspaceEdit(changes={uri: [edit]})
    else:
        document = types.OptionalVersionedTextDocumentIdentifier(uri=uri, version=None)
        changed = types.WorkspaceEdit(
            document_changes=[
                types.CreateFile(uri=uri),
                types.TextDocumentEdit(text_document=document, edits=[edit]),
            ]
        )
    line = end.line + body[: body.index("def ")].count("\n")
    return Creation(title=f"Create {name}() in {path}", uri=uri, line=line, edit=changed)


def _text_at(root: Path, path: str) -> str | None:
    from evolution.repo.files import read_code

    try:
        return read_code(root, path)
    except RepoError:
        return ""
