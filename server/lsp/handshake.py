"""Answers `initialize` before pygls is imported.

Importing lsprotocol takes half a second. The server's capabilities do not depend on it, so the first message is
read and answered here as plain JSON. pygls is then given the same message, and its own answer is dropped.
server/lsp/table.py names the handler of each method; a test compares its methods with these capabilities.
"""

import io
import json
from typing import Any, BinaryIO, cast

COMMANDS = (
    "evolverec.train",
    "evolverec.diagnose",
    "evolverec.askUsers",
    "evolverec.propose",
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
    "evolverec.status",
)
CONTENT_SCHEME = "evolverec-proposal"
DOCS_SCHEME = "evolverec-docs"
# Characters that trigger completion, which only evolverec.toml has.
COMPLETES_AFTER = ("[", '"', "'", "=", "/", ":", "@", "*")
POSITION_ENCODINGS = ("utf-8", "utf-16", "utf-32")
VERSION = "0.1.0"


def answer_initialize(wire_in: BinaryIO, wire_out: BinaryIO) -> tuple[BinaryIO, BinaryIO]:
    """Read one message and, if it is `initialize`, answer it.

    Returns the streams for pygls: the reader replays that message, the writer drops the second answer to it. Any
    other first message is left to pygls, which refuses it as the protocol says.
    """
    raw, body = _read_message(wire_in)
    message = _parse(body)
    if message.get("method") != "initialize" or "id" not in message:
        return cast(BinaryIO, _Replay(raw, wire_in)), wire_out
    result = {
        "capabilities": capabilities(message.get("params", {}).get("capabilities") or {}),
        "serverInfo": {"name": "evolverec", "version": VERSION},
    }
    _write_message(wire_out, {"jsonrpc": "2.0", "id": message["id"], "result": result})
    return cast(BinaryIO, _Replay(raw, wire_in)), cast(BinaryIO, _WithoutAnswer(message["id"], wire_out))


def capabilities(client: dict[str, Any]) -> dict[str, Any]:
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


def pulls_diagnostics(client: dict[str, Any]) -> bool:
    """Whether to offer pull diagnostics.

    Findings change without the text changing, so the client must support being asked to pull again.
    """
    return _get(client, "textDocument", "diagnostic") is not None and bool(
        _get(client, "workspace", "diagnostics", "refreshSupport")
    )


def _position_encoding(client: dict[str, Any]) -> str:
    for encoding in _get(client, "general", "positionEncodings") or ():
        if encoding in POSITION_ENCODINGS:
            return encoding
    return "utf-16"


def _get(value: Any, *keys: str) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _parse(body: bytes) -> dict[str, Any]:
    try:
        message = json.loads(body)
    except ValueError:
        return {}
    return message if isinstance(message, dict) else {}


def _read_message(stream: BinaryIO) -> tuple[bytes, bytes]:
    """(all bytes of the message, its body). Both are truncated or empty if the client left in the middle."""
    raw, length = b"", 0
    while line := stream.readline():
        raw += line
        if not line.strip():
            break
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length" and value.strip().isdigit():
            length = int(value)
    body = stream.read(length) if length else b""
    return raw + body, body


def _write_message(stream: BinaryIO, message: dict[str, Any]) -> None:
    body = json.dumps(message).encode()
    stream.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
    stream.flush()


class _Replay:
    """A stream of the bytes already read, then of the rest; it has only the methods that pygls calls."""

    def __init__(self, first: bytes, rest: BinaryIO) -> None:
        self._first, self._rest = io.BytesIO(first), rest

    def readline(self) -> bytes:
        """Read a line of the replayed bytes, or of the rest once those are used up."""
        return self._first.readline() or self._rest.readline()

    def read(self, size: int) -> bytes:
        """Read at most `size` bytes of the replayed message, or of the rest once it is used up."""
        return self._first.read(size) or self._rest.read(size)


class _WithoutAnswer:
    """A stream that drops the answer to one request and passes everything else on.

    Each write holds one whole message.
    """

    def __init__(self, request: int | str, rest: BinaryIO) -> None:
        self._request: int | str | None = request
        self._rest = rest

    def write(self, data: bytes) -> int:
        """Write one message, unless it is the answer to be dropped. Returns the number of bytes taken."""
        if self._request is not None and self._answers(data):
            self._request = None
            return len(data)
        return self._rest.write(data)

    def _answers(self, data: bytes) -> bool:
        message = _parse(data.partition(b"\r\n\r\n")[2])
        return "method" not in message and message.get("id") == self._request

    def flush(self) -> None:
        """Flush the underlying stream."""
        self._rest.flush()

    def close(self) -> None:
        """Close the underlying stream."""
        self._rest.close()
