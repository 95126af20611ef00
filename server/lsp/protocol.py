"""The protocol library's protocol, where ours differs: text as it is typed, and what is held of each message."""

from collections.abc import Callable, Generator
from typing import Any

from lsprotocol import types
from pygls.protocol import LanguageServerProtocol, lsp_method

from server.lsp.positions import offset_of


class Protocol(LanguageServerProtocol):
    """Each change is laid into the text here, by the line ends and columns of LSP; the library is handed whole texts, for its
    own update of a part ends lines at form feeds too."""

    def _execute_handler(
        self,
        msg_id: str | int,
        handler: Callable[..., Any],
        callback: Any,
        args: Any = None,
        kwargs: Any = None,
    ) -> None:
        """The library keeps what came of a notification for good: a kilobyte for each key typed."""
        super()._execute_handler(msg_id, handler, callback, args, kwargs)
        future = self._request_futures.get(msg_id)
        if future is not None:
            future.add_done_callback(lambda _: self._request_futures.pop(msg_id, None))

    @lsp_method(types.TEXT_DOCUMENT_DID_CHANGE)
    def lsp_text_document__did_change(
        self, params: types.DidChangeTextDocumentParams
    ) -> Generator[Any, Any, None]:
        text = self.workspace.get_text_document(params.text_document.uri).source
        encoding = self.workspace.position_encoding or "utf-16"
        for change in params.content_changes:
            text = changed(text, change, encoding)
        whole = types.TextDocumentContentChangeWholeDocument(text=text)
        yield from super().lsp_text_document__did_change(
            types.DidChangeTextDocumentParams(text_document=params.text_document, content_changes=[whole])
        )


def changed(text: str, change: types.TextDocumentContentChangeEvent, encoding: str) -> str:
    """The text after one change, which replaces a range or all of it."""
    if isinstance(change, types.TextDocumentContentChangeWholeDocument):
        return change.text
    start = offset_of(text, change.range.start, encoding)
    end = max(start, offset_of(text, change.range.end, encoding))
    return "".join((text[:start], change.text, text[end:]))
