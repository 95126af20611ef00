"""An editor for the server to talk to: pytest-lsp's client, with buffers and the few verbs that users know."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Union

from lsprotocol import types
from pygls.protocol import JsonRPCResponseMessage
from pytest_lsp import LanguageClient, make_test_lsp_client

from server.lsp.panels.changes import CHANGED
from server.lsp.telling import TOLD
from tests.server.typed import typed_change


class Editor:
    """A client with a few verbs of an editor, kept in step with its own buffers."""

    def __init__(self, client: LanguageClient, repo: Path) -> None:
        self.client, self.repo = client, repo
        self.encoding = "utf-16"
        self.versions: dict[str, int] = {}
        self.texts: dict[str, str] = {}
        self.carries_out = False
        self.applied: list[types.ApplyWorkspaceEditParams] = []
        self.answers: dict[str, str] = {}
        self.asked: list[str] = []
        self.lens_refreshes = 0
        self.told: list[Any] = []  # what the extension is told of jobs: message, proposal, mends
        self.changed: list[
            tuple[float, str]
        ] = []  # when (monotonic seconds) views of which repo were told so

    def uri(self, path: str) -> str:
        return (self.repo / path).as_uri()

    def open(self, path: str, text: str | None = None) -> str:
        uri = self.uri(path)
        self.versions[uri] = 1
        content = text if text is not None else (self.repo / path).read_bytes().decode()
        self.texts[uri] = content
        self.client.text_document_did_open(
            types.DidOpenTextDocumentParams(
                types.TextDocumentItem(uri=uri, language_id="python", version=1, text=content)
            )
        )
        return uri

    def change(self, uri: str, text: str) -> None:
        """Sent as the range that has changed, as editors do."""
        self.versions[uri] += 1
        typed = typed_change(self.texts[uri], text, self.encoding)
        self.texts[uri] = text
        self.client.text_document_did_change(
            types.DidChangeTextDocumentParams(
                types.VersionedTextDocumentIdentifier(version=self.versions[uri], uri=uri),
                [typed],
            )
        )

    def carry_out(self, edit: types.WorkspaceEdit) -> str:
        """Apply to the open buffers, all or nothing, as VS Code does; why not, "" where it did."""
        documents = [change for change in edit.document_changes if isinstance(change, types.TextDocumentEdit)]
        named = [document.text_document for document in documents]
        if any(document.version != self.versions.get(document.uri) for document in named):
            return "a document has changed in the meantime"
        for uri in [document.uri for document in named]:
            self.change(uri, self.text_after(edit, uri, self.texts[uri]))
        return ""

    def shown(self, uri: str) -> list[types.Diagnostic]:
        return list(self.client.diagnostics.get(uri, []))

    async def wait(self, what: Callable[[], Any], timeout_s: float = 20.0) -> Any:
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            if found := what():
                return found
            await asyncio.sleep(0.02)
        raise AssertionError(f"timed out; messages: {[m.message for m in self.client.messages]}")

    async def actions(self, uri: str, line: int, only: list[str] | None = None) -> list[Any]:
        span = types.Range(types.Position(line, 0), types.Position(line, 0))
        context = types.CodeActionContext(diagnostics=[], only=only)
        reply = await self.client.text_document_code_action_async(
            types.CodeActionParams(types.TextDocumentIdentifier(uri), span, context)
        )
        return list(reply or [])

    async def lenses(self, uri: str) -> list[types.CodeLens]:
        reply = await self.client.text_document_code_lens_async(
            types.CodeLensParams(types.TextDocumentIdentifier(uri))
        )
        return list(reply or [])

    async def hover(self, uri: str, line: int, character: int = 4) -> types.Hover | None:
        return await self.client.text_document_hover_async(
            types.HoverParams(types.TextDocumentIdentifier(uri), types.Position(line, character))
        )

    async def ask(self, view: str, **params: Any) -> Any:
        """What a view of the editor is told, as plain JSON."""
        asked = params or {"repo": str(self.repo)}
        return await self.client.protocol.send_request_async(f"evolverec/{view}", asked)

    async def until(self, view: str, holds: Callable[[Any], Any], timeout_s: float = 20.0) -> Any:
        """What the view is told once that holds."""
        end = time.monotonic() + timeout_s
        while not holds(told := await self.ask(view)):
            assert time.monotonic() < end, f"timed out; last told {told}"
            await asyncio.sleep(0.05)
        return told

    async def command(self, name: str, **argument: Any) -> Any:
        return await self.client.workspace_execute_command_async(
            types.ExecuteCommandParams(
                command=f"evolverec.{name}", arguments=[{"repo": str(self.repo), **argument}]
            )
        )

    def file_changed(self, path: str) -> types.DidChangeWatchedFilesParams:
        """What an editor that watches files says of one that changed."""
        change = types.FileEvent(uri=self.uri(path), type=types.FileChangeType.Changed)
        return types.DidChangeWatchedFilesParams(changes=[change])

    def text_after(self, edit: types.WorkspaceEdit, uri: str, text: str) -> str:
        """The text of one file after a workspace edit, as an editor would have it."""
        if edit.document_changes:
            documents = [
                change for change in edit.document_changes if isinstance(change, types.TextDocumentEdit)
            ]
            (edits,) = [document.edits for document in documents if document.text_document.uri == uri]
        else:
            edits = edit.changes[uri]
        lines = text.split("\n")
        for change in sorted(edits, key=lambda found: -found.range.start.line):
            assert not isinstance(change, types.SnippetTextEdit)
            start, end = change.range.start, change.range.end
            before, _ = _cut(lines[start.line], start.character)
            _, after = _cut(lines[end.line], end.character)
            lines[start.line : end.line + 1] = (before + change.new_text + after).split("\n")
        return "\n".join(lines)


def _cut(line: str, units: int) -> tuple[str, str]:
    """A line in two, so many UTF-16 units from its start."""
    encoded = line.encode("utf-16-le")
    assert 2 * units <= len(encoded), "an edit points outside its line"
    return encoded[: 2 * units].decode("utf-16-le"), encoded[2 * units :].decode("utf-16-le")


def new_editor(repo: Path) -> Editor:
    client = make_test_lsp_client()
    _tell_actions_from_commands(client)
    editor = Editor(client, repo)
    _extend(client, editor)
    return editor


async def introduce(
    editor: Editor,
    capabilities: types.ClientCapabilities,
    roots: list[Path],
    *,
    trusted: bool = False,
    python: str = "",
    options: dict[str, Any] | None = None,
    views: bool = False,
) -> None:
    """The handshake, with the editor's settings."""
    folders = [types.WorkspaceFolder(uri=root.as_uri(), name=root.name) for root in roots]
    answer = await editor.client.initialize_session(
        types.InitializeParams(
            capabilities=capabilities,
            workspace_folders=folders,
            initialization_options={**(options or {}), "trusted": trusted, "python": python, "views": views},
        )
    )
    editor.encoding = str(answer.capabilities.position_encoding)


def _tell_actions_from_commands(client: LanguageClient) -> None:
    """lsprotocol takes a code action that carries a command for a bare command."""
    converter = client.protocol._converter

    def structure(value: Any, _: Any) -> types.Command | types.CodeAction:
        return converter.structure(
            value, types.Command if isinstance(value.get("command"), str) else types.CodeAction
        )

    converter.register_structure_hook(types.Command | types.CodeAction, structure)
    converter.register_structure_hook(Union[types.Command, types.CodeAction], structure)  # noqa: UP007


def _plain_response(message: dict[str, Any], _: type) -> JsonRPCResponseMessage:
    return JsonRPCResponseMessage(id=message["id"], jsonrpc=message["jsonrpc"], result=message.get("result"))


def _extend(client: LanguageClient, editor: Editor) -> None:
    """What pytest-lsp's client does not do itself."""
    client.protocol._converter.register_structure_hook(JsonRPCResponseMessage, _plain_response)

    @client.feature(CHANGED)
    def views_changed(params: Any) -> None:
        editor.changed.append((time.monotonic(), params.repo))

    @client.feature(TOLD)
    def told(params: Any) -> None:
        editor.told.append(params)

    @client.feature(types.WORKSPACE_APPLY_EDIT)
    def apply_edit(params: types.ApplyWorkspaceEditParams) -> types.ApplyWorkspaceEditResult:
        editor.applied.append(params)
        reason = editor.carry_out(params.edit) if editor.carries_out else ""
        return types.ApplyWorkspaceEditResult(applied=not reason, failure_reason=reason or None)

    @client.feature(types.WINDOW_SHOW_MESSAGE_REQUEST)
    def ask(params: types.ShowMessageRequestParams) -> types.MessageActionItem | None:
        editor.asked.append(params.message)
        for words, answer in editor.answers.items():
            if words in params.message:
                return types.MessageActionItem(title=answer)
        return None

    @client.feature(types.CLIENT_REGISTER_CAPABILITY)
    def register(params: types.RegistrationParams) -> None:
        return None

    @client.feature(types.WORKSPACE_CODE_LENS_REFRESH)
    def refresh_lenses(params: None) -> None:
        editor.lens_refreshes += 1
