"""Answers `initialize` before pygls is imported.

Importing lsprotocol takes half a second. The server's capabilities do not depend on it, so messages up to `initialize`
are read and answered here as plain JSON, and the session gets what `initialize` said.
server/lsp/table.py names the handler of each method; a test compares its methods with these capabilities.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from server.lsp.arrivals import Arrivals
from server.lsp.framing import Left
from server.lsp.messages import INVALID_PARAMS, NOT_INITIALIZED, Message, Notification, Refusal, Request
from server.lsp.outbox import Outbox
from server.lsp.places import is_place

COMMANDS = (
    "evolverec.train",
    "evolverec.diagnose",
    "evolverec.askUsers",
    "evolverec.followUser",
    "evolverec.propose",
    "evolverec.improve",
    "evolverec.tune",
    "evolverec.evolve",
    "evolverec.verify",
    "evolverec.cancel",
    "evolverec.apply",
    "evolverec.applyHunks",
    "evolverec.dismiss",
    "evolverec.keepProbe",
    "evolverec.preview",
    "evolverec.report",
    "evolverec.newRepo",
    "evolverec.init",
    "evolverec.completeAdapter",
    "evolverec.createEntry",
    "evolverec.explain",
    "evolverec.askLlm",
    "evolverec.pullRequest",
    "evolverec.branch",
    "evolverec.accept",
    "evolverec.compareTrials",
    "evolverec.status",
)
CONTENT_SCHEME = "evolverec-proposal"
DOCS_SCHEME = "evolverec-docs"
# Characters that trigger completion, which only evolverec.toml has.
COMPLETES_AFTER = ("[", '"', "'", "=", "/", ":", "@", "*")
POSITION_ENCODINGS = ("utf-8", "utf-16", "utf-32")
VERSION = "0.1.0"
MAX_PID = 1 << 22  # on Linux; a larger number is no process


@dataclass(frozen=True, kw_only=True)
class Opening:
    """What `initialize` said, as plain JSON. Of what does not fit, nothing is kept: a client is free to declare more.

    encoding: the position encoding that was chosen
    process_id: the client's process, None if it named none
    folders: URI -> name of the workspace folders
    """

    encoding: str
    capabilities: Mapping[str, Any]
    options: Any
    process_id: int | None
    root_uri: str
    folders: Mapping[str, str]


def answer_initialize(arrivals: Arrivals, outbox: Outbox) -> Opening | None:
    """Read messages up to `initialize`, and answer them. Returns None if the client leaves before it."""
    while not isinstance(message := arrivals.next(), Left):
        if isinstance(message, Notification) and message.method == "exit":
            return None
        answer = _answer(message)
        if answer is not None:
            outbox.send(answer)
            if "result" in answer and isinstance(message, Request):
                return opening(message.params)
    return None


def _answer(message: Message) -> dict[str, Any] | None:
    """The answer to a message before the session; None to one that gets none."""
    if isinstance(message, Refusal):
        return message.document()
    if not isinstance(message, Request):
        return None
    if message.method != "initialize":
        reason = f"{message.method} came before initialize"
        return Refusal(id=message.id, code=NOT_INITIALIZED, reason=reason).document()
    if not isinstance(message.params, dict):
        reason = (
            f"initialize has params of {message.params!r}; expected an object with the client's capabilities"
        )
        return Refusal(id=message.id, code=INVALID_PARAMS, reason=reason).document()
    offered = capabilities(_object(message.params.get("capabilities")))
    server = {"name": "evolverec", "version": VERSION}
    return {"jsonrpc": "2.0", "id": message.id, "result": {"capabilities": offered, "serverInfo": server}}


def opening(params: dict[str, Any]) -> Opening:
    """What the parameters of `initialize` say."""
    declared = _object(params.get("capabilities"))
    pid, root, folders = params.get("processId"), params.get("rootUri"), params.get("workspaceFolders")
    if not isinstance(root, str) and isinstance(params.get("rootPath"), str):
        root = Path(params["rootPath"]).as_uri() if is_place(params["rootPath"]) else ""
    return Opening(
        encoding=_position_encoding(declared),
        capabilities=declared,
        options=params.get("initializationOptions"),
        process_id=pid if type(pid) is int and 0 < pid < MAX_PID else None,
        root_uri=root if isinstance(root, str) else "",
        folders=_folders(folders if isinstance(folders, list) else []),
    )


def _folders(given: list[Any]) -> dict[str, str]:
    named = (_object(folder) for folder in given)
    return {
        folder["uri"]: str(folder.get("name", "")) for folder in named if isinstance(folder.get("uri"), str)
    }


def capabilities(client: Mapping[str, Any]) -> dict[str, Any]:
    """The server's capabilities for a client with these capabilities, both as plain JSON."""
    offered: dict[str, Any] = {
        "positionEncoding": _position_encoding(client),
        "textDocumentSync": {"openClose": True, "change": 2, "save": {"includeText": False}},
        "hoverProvider": True,
        "codeLensProvider": {"resolveProvider": False},
        "completionProvider": {"triggerCharacters": list(COMPLETES_AFTER), "resolveProvider": False},
        "inlayHintProvider": {"resolveProvider": False},
        "documentLinkProvider": {"resolveProvider": False},
        "codeActionProvider": {
            "codeActionKinds": ["quickfix", "quickfix.evolverec", "refactor.rewrite", "source.evolverec"],
            "resolveProvider": True,
        },
        "executeCommandProvider": {"commands": list(COMMANDS)},
        "workspace": {"workspaceFolders": {"supported": True, "changeNotifications": True}},
    }
    if pulls_diagnostics(client):
        offered["diagnosticProvider"] = {
            "identifier": "evolverec",
            "interFileDependencies": True,
            "workspaceDiagnostics": True,
        }
    if _get(client, "workspace", "textDocumentContent") is not None:
        offered["workspace"]["textDocumentContent"] = {"schemes": [CONTENT_SCHEME, DOCS_SCHEME]}
    return offered


def pulls_diagnostics(client: Mapping[str, Any]) -> bool:
    """Whether to offer pull diagnostics.

    Findings change without the text changing, so the client must support being asked to pull again.
    """
    return _get(client, "textDocument", "diagnostic") is not None and bool(
        _get(client, "workspace", "diagnostics", "refreshSupport")
    )


def _position_encoding(client: Mapping[str, Any]) -> str:
    offered = _get(client, "general", "positionEncodings")
    for encoding in offered if isinstance(offered, list) else ():
        if encoding in POSITION_ENCODINGS:
            return encoding
    return "utf-16"


def _get(value: Any, *keys: str) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
