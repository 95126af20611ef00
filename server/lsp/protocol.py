"""pygls' protocol with its own parts replaced where a client's oddities would stop it.

- Texts are changed by LSP's line ends and columns (`texts.py`), and only those of open documents.
- Requests of the client's and of ours are kept apart, so that an answer nobody asked for reaches no request.
- What an editor should not show is logged, and nothing is held of a message once it has been dealt with.
"""

import asyncio
import json
import logging
import traceback
from collections.abc import Callable, Generator
from concurrent.futures import Future
from typing import Any
from urllib.parse import unquote

from lsprotocol import types
from pygls.exceptions import JsonRpcException, JsonRpcInvalidParams
from pygls.protocol import JsonRPCRequestMessage, LanguageServerProtocol, lsp_method

from evolution.base.errors import EvolverecError
from server.lsp.messages import CANCELLED, INTERNAL_ERROR, REQUEST_FAILED, Id, Response, error_document
from server.lsp.params import read_params
from server.lsp.texts import changed

logger = logging.getLogger("evolverec.lsp")

MAX_ASKED = 1000  # requests of ours that the client has yet to answer
MAX_OPEN = 4000  # documents
MAX_TEXT = 256 << 20  # characters of all open documents together
LONG_TEXT = 1 << 20  # characters that may be added without counting those that are there
FAULT = "the traceback is in the server's log"


class Protocol(LanguageServerProtocol):
    """The protocol of one session; server/lsp/conversation.py hands it messages whose parameters fit."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._asked: dict[Id, tuple[Future[Any], Any]] = {}  # requests of ours, with the type of the answer
        self._serial = 0

    def begin(self, params: types.InitializeParams) -> None:
        """Start the session by what `initialize` said; server/lsp/handshake.py has answered it."""
        ended: list[Future[Any]] = []
        self._execute_handler("", self.lsp_initialize, ended.append, (params,))
        ended[0].result()

    def read_params(self, method: str, given: Any) -> Any:
        """The parameters as the method's handler takes them. Raises Unfit if they lack what it reads."""
        return read_params(self._converter, method, given)

    def run(self, ident: Id, method: str, params: Any, done: Callable[[Future[Any]], None]) -> None:
        """Start the method's handler; `done` is called with its future. The method must be one that the server has."""
        handler = self.fm.builtin_features.get(method) or self.fm.features[method]
        self._execute_handler(ident, handler, done, (params,))

    def request_refresh(self, method: str) -> None:
        """Ask the client to ask again. Its answer says nothing, so nothing is kept of the request."""
        self._serial += 1
        kind = self.get_message_type(method) or JsonRPCRequestMessage
        self._send_data(kind(id=f"refresh-{self._serial}", method=method, params=None, jsonrpc=self.VERSION))

    def cancel(self, ident: Id) -> None:
        """Cancel the handler that runs under this id, if there is one."""
        future = self._request_futures.get(ident)  # type: ignore[call-overload] # a client's id may be a float
        if future is not None:
            future.cancel()

    def refuse(self, ident: Id | None, code: int, reason: str) -> None:
        """Answer a request with an error."""
        self._write(error_document(ident, code, reason))

    def take_response(self, response: Response) -> None:
        """Give an answer of the client to what asked for it; one that nobody waits for is dropped."""
        asked = self._asked.pop(response.id, None)
        if asked is None:
            logger.info("the client answered %r, which nobody asked", response.id)
            return
        future, kind = asked
        if future.set_running_or_notify_cancel():
            self._settle(future, kind, response)

    def _settle(self, future: Future[Any], kind: Any, response: Response) -> None:
        if response.error is not None:
            said = response.error if isinstance(response.error, dict) else {}
            future.set_exception(JsonRpcException(str(said.get("message") or "the client did not say why")))
            return
        try:
            plain = {"id": "", "jsonrpc": "2.0", "result": response.result}
            future.set_result(self._converter.structure(plain, kind).result if kind else response.result)
        except Exception as error:  # noqa: BLE001  cattrs raises whatever the types' own checks raise
            logger.warning("the client's answer does not fit: %s", _line(error))
            future.set_exception(JsonRpcException("the client's answer is not what LSP expects there"))

    def send_request(
        self,
        method: str,
        params: Any = None,
        callback: Callable[[Any], None] | None = None,
        msg_id: str | int | None = None,
    ) -> Future[Any]:
        """Ask the client. Of requests without end, the oldest that are not answered fail."""
        future: Future[Any] = Future()
        if callback is not None:
            future.add_done_callback(lambda done: callback(done.result()))
        self._serial += 1
        ident = msg_id if msg_id is not None else f"evolverec-{self._serial}"
        kind = self.get_message_type(method) or JsonRPCRequestMessage
        self._asked[ident] = (future, self.get_result_type(method))
        future.add_done_callback(lambda _: self._asked.pop(ident, None))
        if len(self._asked) > MAX_ASKED:
            oldest, _ = self._asked.pop(next(iter(self._asked)))
            if oldest.set_running_or_notify_cancel():
                oldest.set_exception(JsonRpcException("the client did not answer"))
        self._send_data(kind(id=ident, method=method, params=params, jsonrpc=self.VERSION))
        return future

    def _execute_handler(
        self,
        msg_id: Any,
        handler: Callable[..., Any],
        callback: Any,
        args: Any = None,
        kwargs: Any = None,
    ) -> None:
        """Forget the future of a notification once it is done: pygls keeps it forever, a kilobyte per keystroke."""
        super()._execute_handler(msg_id, handler, callback, args, kwargs)
        future = self._request_futures.get(msg_id)
        if future is not None:
            future.add_done_callback(lambda _: self._request_futures.pop(msg_id, None))

    def _run_generator(self, future: Any, *, gen: Any, result_future: Future[Any]) -> None:
        """End with the step that was cancelled, which pygls would wait for without end."""
        if future is not None and future.cancelled():
            gen.close()
            result_future.cancel()
        else:
            super()._run_generator(future, gen=gen, result_future=result_future)

    def answer_with(self, ident: Id, future: Future[Any]) -> None:
        """Answer a request by how its handler ended. Only a fault of ours leaves a traceback in the log."""
        if future.cancelled():
            self.refuse(ident, CANCELLED, "the request was cancelled")
        elif (error := future.exception()) is not None:
            self.refuse(ident, *_told(error))
        else:
            self._answer(ident, future.result())

    def _answer(self, ident: Id, result: Any) -> None:
        try:
            self._write({"jsonrpc": self.VERSION, "id": ident, "result": result})
        except (TypeError, ValueError, RecursionError) as error:
            self.refuse(ident, *_told(error))

    def note_failure(self, future: Future[Any]) -> None:
        """Log why a notification could not be dealt with."""
        if not future.cancelled() and (error := future.exception()) is not None:
            _told(error)

    def _write(self, message: dict[str, Any]) -> None:
        body = json.dumps(message, default=self._serialize_message)
        if self.writer is not None:
            self.writer.write(f"Content-Length: {len(body)}\r\n\r\n{body}".encode())

    def _send_data(self, data: Any) -> None:
        """Write a request or notification of ours."""
        self._write(self._converter.unstructure(data))

    @lsp_method(types.SHUTDOWN)
    async def lsp_shutdown(self, params: None) -> None:  # type: ignore[override]
        """End what the session does. pygls' own version looks for its id where only pygls' loop puts it."""
        await self.fm.features[types.SHUTDOWN](params)

    @lsp_method(types.TEXT_DOCUMENT_DID_OPEN)
    def lsp_text_document__did_open(
        self, params: types.DidOpenTextDocumentParams
    ) -> Generator[Any, Any, None]:
        """Hold the document's text, unless a client that never closes one holds too many open."""
        document = params.text_document
        if len(self.workspace.text_documents) >= MAX_OPEN or not self._has_room(len(document.text)):
            logger.error("%s was not opened: too many or too long documents are open", _named(document.uri))
            return
        yield from super().lsp_text_document__did_open(params)

    def _has_room(self, more: int) -> bool:
        held = self.workspace.text_documents.values() if more > LONG_TEXT else ()
        return more + sum(len(document.source) for document in held) <= MAX_TEXT

    @lsp_method(types.TEXT_DOCUMENT_DID_CHANGE)
    def lsp_text_document__did_change(
        self, params: types.DidChangeTextDocumentParams
    ) -> Generator[Any, Any, None]:
        """Apply the changes of textDocument/didChange, and hand the whole text on to pygls."""
        uri = params.text_document.uri
        document = self.workspace.text_documents.get(unquote(uri))
        if document is None:
            logger.warning("a change of %s, which is not open, was dropped", _named(uri))
            return
        text, encoding = document.source, self.workspace.position_encoding or "utf-16"
        for change in params.content_changes:
            text = changed(text, change, encoding)
        if not self._has_room(len(text) - len(document.source)):
            logger.error("%s is held no more: its text is too long", _named(uri))
            self.workspace.remove_text_document(uri)
            return
        whole = types.TextDocumentContentChangeWholeDocument(text=text)
        yield from super().lsp_text_document__did_change(
            types.DidChangeTextDocumentParams(text_document=params.text_document, content_changes=[whole])
        )

    @lsp_method(types.WORKSPACE_EXECUTE_COMMAND)
    async def lsp_workspace__execute_command(self, params: types.ExecuteCommandParams) -> Any:  # type: ignore[override]
        """Run a command. As a coroutine it ends when it is cancelled, where pygls' own version goes on."""
        handler = self.fm.commands.get(params.command)
        if handler is None:
            raise JsonRpcInvalidParams(f"there is no command {params.command!r}")
        answer = handler(*(params.arguments or ()))
        return await answer if asyncio.iscoroutine(answer) else answer


def _told(error: BaseException) -> tuple[int, str]:
    """(code, message) of the answer to a request that failed, after it was logged at the level it deserves."""
    if isinstance(error, JsonRpcException):
        level = logging.INFO if error.code in (REQUEST_FAILED, CANCELLED) else logging.WARNING
        logger.log(level, "a request failed: %s", _line(error))
        return error.code, error.message
    if isinstance(error, EvolverecError):
        logger.info("a request failed: %s", _line(error))
        return REQUEST_FAILED, str(error)
    traceback.print_exception(error)
    return INTERNAL_ERROR, f"a fault of evolverec ({type(error).__name__}: {error}); {FAULT}"


def _line(error: BaseException) -> str:
    return ascii(str(error))[:300]


def _named(uri: str) -> str:
    return ascii(uri[:200])
