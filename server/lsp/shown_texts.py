"""What an editor shows of others' words leaves the server without characters that hide or reorder text."""

from typing import Any

from cattrs import Converter
from lsprotocol import types
from pygls.protocol import default_converter

from evolution.base.plain_text import plain_text

# Texts that an editor shows as they are; hovers are Markdown, see markdown.py, and edits are the user's own text.
SHOWN = (
    (types.Diagnostic, "message"),
    (types.DiagnosticRelatedInformation, "message"),
    (types.Command, "title"),
    (types.CodeAction, "title"),
    (types.ShowMessageParams, "message"),
    (types.ShowMessageRequestParams, "message"),
    (types.ApplyWorkspaceEditParams, "label"),
    (types.ChangeAnnotation, "label"),
    (types.ChangeAnnotation, "description"),
    (types.LogMessageParams, "message"),
    (types.WorkDoneProgressBegin, "title"),
    (types.WorkDoneProgressBegin, "message"),
    (types.WorkDoneProgressReport, "message"),
    (types.WorkDoneProgressEnd, "message"),
)


def converter() -> Converter:
    """pygls' converter, with our way of writing what is shown."""
    made = default_converter()
    for kind, name in SHOWN:
        _keep_plain(made, kind, name)
    return made


def _keep_plain(made: Converter, kind: type, name: str) -> None:
    inner = made.get_unstructure_hook(kind)

    def unstructured(value: Any) -> Any:
        document = inner(value)
        if isinstance(document.get(name), str):
            document[name] = plain_text(document[name])
        return document

    made.register_unstructure_hook(kind, unstructured)
