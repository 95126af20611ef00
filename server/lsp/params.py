"""What each method reads of its parameters. A method that is not here is one that the server does not have."""

from collections.abc import Callable, Mapping
from typing import Any

from cattrs import Converter
from lsprotocol import types

from server.lsp.shapes import (
    ABSENT,
    Shape,
    always,
    anything,
    integer,
    items,
    natural,
    optional,
    record,
    text,
    uri,
)
from server.lsp.table import VIEWS

PYTHON = types.LanguageKind.Python.value


def _token(value: Any, place: str) -> str | int:
    return value if isinstance(value, str) else integer(value, place)


def _trigger(value: Any, place: str) -> Any:
    """Why code actions are asked for; a reason that LSP does not have yet is none."""
    return value if value in (1, 2) and not isinstance(value, bool) else ABSENT


NOTHING = always(None)
DOCUMENT = record(uri=uri)
POSITION = record(line=natural, character=natural)
RANGE = record(start=POSITION, end=POSITION)
FOLDER = record(uri=uri, name=always(""))
IN_DOCUMENT = record(textDocument=DOCUMENT)
AT_POSITION = record(textDocument=DOCUMENT, position=POSITION)

PARAMS: Mapping[str, Shape] = {
    types.INITIALIZED: always({}),
    types.SHUTDOWN: NOTHING,
    types.EXIT: NOTHING,
    types.SET_TRACE: NOTHING,
    types.WINDOW_WORK_DONE_PROGRESS_CANCEL: record(token=_token),
    types.TEXT_DOCUMENT_DID_OPEN: record(
        textDocument=record(uri=uri, languageId=always(PYTHON), version=integer, text=text)
    ),
    types.TEXT_DOCUMENT_DID_CHANGE: record(
        textDocument=record(uri=uri, version=integer),
        contentChanges=items(record(range=optional(RANGE), text=text)),
    ),
    types.TEXT_DOCUMENT_DID_SAVE: IN_DOCUMENT,
    types.TEXT_DOCUMENT_DID_CLOSE: IN_DOCUMENT,
    types.WORKSPACE_DID_CHANGE_WATCHED_FILES: record(changes=items(record(uri=uri, type=always(2)))),
    types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS: record(
        event=record(added=items(FOLDER), removed=items(FOLDER))
    ),
    types.WORKSPACE_DID_CHANGE_CONFIGURATION: record(settings=anything),
    types.TEXT_DOCUMENT_DIAGNOSTIC: record(textDocument=DOCUMENT, previousResultId=optional(text)),
    types.WORKSPACE_DIAGNOSTIC: record(previousResultIds=items(record(uri=uri, value=text))),
    types.TEXT_DOCUMENT_CODE_ACTION: record(
        textDocument=DOCUMENT,
        range=RANGE,
        # Diagnostics of every server are here, as odd as these are; ours are known without them.
        context=record(diagnostics=always([]), only=optional(items(text)), triggerKind=_trigger),
    ),
    types.TEXT_DOCUMENT_CODE_LENS: IN_DOCUMENT,
    types.TEXT_DOCUMENT_HOVER: AT_POSITION,
    types.TEXT_DOCUMENT_INLAY_HINT: record(textDocument=DOCUMENT, range=RANGE),
    types.TEXT_DOCUMENT_COMPLETION: AT_POSITION,
    types.TEXT_DOCUMENT_DOCUMENT_LINK: IN_DOCUMENT,
    types.WORKSPACE_TEXT_DOCUMENT_CONTENT: record(uri=uri),
    types.WORKSPACE_EXECUTE_COMMAND: record(command=text, arguments=optional(items(anything))),
}
# Their parameters stay plain JSON: the views are beyond LSP, and an action is sent back with all that it came with.
PLAIN: Mapping[str, Shape] = {
    types.CANCEL_REQUEST: record(id=anything),
    types.CODE_ACTION_RESOLVE: anything,
    **{row.name: anything for row in VIEWS},
}
# Made without lsprotocol's converter, which goes through the JSON of any depth that these carry.
MADE: Mapping[str, Callable[..., Any]] = {
    types.WORKSPACE_EXECUTE_COMMAND: types.ExecuteCommandParams,
    types.WORKSPACE_DID_CHANGE_CONFIGURATION: types.DidChangeConfigurationParams,
}
NOTIFICATIONS = frozenset(
    method
    for method in (*PARAMS, *PLAIN)
    if method in types.METHOD_TO_TYPES and not types.METHOD_TO_TYPES[method][1]
) - {types.SHUTDOWN}
REQUESTS = frozenset((*PARAMS, *PLAIN)) - NOTIFICATIONS


def read_params(converter: Converter, method: str, given: Any) -> Any:
    """The parameters of a known method, as the value that its handler takes.

    Raises Unfit if they lack what the handler reads.
    """
    if method in PLAIN:
        return PLAIN[method](given, "")
    kept = PARAMS[method](given, "")
    if method in MADE:
        return MADE[method](**kept)
    kind = types.METHOD_TO_TYPES[method][2]
    return None if kept is None or kind is None else converter.structure(kept, kind)
