"""Code actions in evolverec.toml: what it names and no file has is replaced by what there is, or made."""

from pathlib import Path
from typing import TYPE_CHECKING

from lsprotocol import types
from pygls.uris import from_fs_path

from evolution.base.errors import RepoError
from server.lsp.config_file import root_of
from server.lsp.config_text import scan, strings
from server.lsp.positions import columns, lines_of
from server.lsp.session import Session

if TYPE_CHECKING:
    from server.shown.config_faults import ConfigFault

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
    faults = await session.background.browse(_faults, root, text)
    first, last = params.range.start.line, params.range.end.line
    found: list[types.CodeAction] = []
    for fault in faults:
        if first <= fault.line - 1 <= last:
            diagnostics = [
                one for one in params.context.diagnostics if one.range.start.line == fault.line - 1
            ]
            found += _replacements(session, uri, text, fault, diagnostics)
            found += await _creation(session, root, fault, diagnostics)
    return found


def _faults(root: Path, text: str) -> "list[ConfigFault]":
    """The first call loads pydantic, hence the late import."""
    from server.shown.config_faults import config_faults

    return config_faults(root, text)


def _replacements(
    session: Session, uri: str, text: str, fault: "ConfigFault", diagnostics: list[types.Diagnostic]
) -> list[types.CodeAction]:
    """One action for each value that exists, in the place of the one that does not."""
    lines = lines_of(text)
    row = fault.line - 1
    spans = strings(scan(lines)[row])
    if not spans:
        return []
    start, end = (columns(lines[row][:at], session.client.encoding) for at in spans[0])
    place = types.Range(
        start=types.Position(line=row, character=start), end=types.Position(line=row, character=end)
    )
    actions = []
    for offer in fault.offers:
        edit = types.TextEdit(range=place, new_text=offer.replace("\\", "\\\\").replace('"', '\\"'))
        actions.append(
            types.CodeAction(
                title=f"Use {offer}",
                kind=types.CodeActionKind.QuickFix,
                diagnostics=diagnostics or None,
                is_preferred=not actions,
                edit=types.WorkspaceEdit(changes={uri: [edit]}),
            )
        )
    return actions


async def _creation(
    session: Session, root: Path, fault: "ConfigFault", diagnostics: list[types.Diagnostic]
) -> list[types.CodeAction]:
    """An action that makes the function, in a file that is made too where there is none."""
    if fault.missing is None:
        return []
    path, name = fault.missing
    uri = from_fs_path(str(root / path))
    there = await session.background.browse(_text_at, root, path) if uri else None
    open_text = session.text_of(uri) if uri else None
    text = open_text if open_text is not None else there
    if uri is None or (
        text is None and not (session.client.creates_files and session.client.document_changes)
    ):
        return []
    lines = lines_of(text or "")
    end = (
        types.Position(line=len(lines) - 1, character=columns(lines[-1], session.client.encoding))
        if lines
        else types.Position(line=0, character=0)
    )
    body = SKELETON.format(name=name)
    edit = types.TextEdit(range=types.Range(start=end, end=end), new_text=body if text else body.lstrip("\n"))
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
    title = f"Create {name}() in {path}"
    return [
        types.CodeAction(
            title=title, kind=types.CodeActionKind.QuickFix, diagnostics=diagnostics or None, edit=changed
        )
    ]


def _text_at(root: Path, path: str) -> str | None:
    from evolution.repo.files import read_code

    try:
        return read_code(root, path)
    except RepoError:
        return ""
