"""What an editor shows of others' words holds no character that hides or reorders text; edits stay as they are."""

import json

from lsprotocol import types

from server.lsp.messages import error_document
from server.lsp.shown_texts import converter

NASTY, PLAIN = "a\x1b[2J\u202eb", "a\ufffd[2J\ufffdb"
RANGE = types.Range(start=types.Position(line=0, character=0), end=types.Position(line=0, character=1))
DIAGNOSTIC = types.Diagnostic(range=RANGE, message=NASTY)


def test_messages_and_titles_are_plain_wherever_they_stand():
    documents = [
        types.PublishDiagnosticsParams(uri="file:///x", diagnostics=[DIAGNOSTIC]),
        types.RelatedFullDocumentDiagnosticReport(items=[DIAGNOSTIC]),
        types.CodeLens(range=RANGE, command=types.Command(title=NASTY, command="x")),
        types.CodeActionResponse(id=1, result=[types.CodeAction(title=NASTY, diagnostics=[DIAGNOSTIC])]),
        types.ProgressParams(token=1, value=types.WorkDoneProgressBegin(title=NASTY, message=NASTY)),
        types.ShowMessageParams(type=types.MessageType.Info, message=NASTY),
        types.ShowMessageRequestParams(type=types.MessageType.Info, message=NASTY),
        types.ApplyWorkspaceEditParams(edit=types.WorkspaceEdit(), label=NASTY),
        types.ChangeAnnotation(label=NASTY, description=NASTY),
    ]
    for document in documents:
        written = json.dumps(converter().unstructure(document), ensure_ascii=False)
        assert PLAIN in written, written
        assert "\\u001b" not in written and "\u202e" not in written


def test_the_reason_of_a_refused_request_is_plain():
    assert error_document(1, -32803, NASTY)["error"]["message"] == PLAIN


def test_an_edit_is_the_users_own_text():
    edit = types.TextEdit(range=RANGE, new_text=NASTY)
    assert converter().unstructure(edit)["newText"] == NASTY
