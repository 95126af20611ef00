"""Two overrides of pygls' protocol: incremental text changes by LSP's line ends, and
dropping futures pygls never frees.
"""

from collections.abc import Callable, Generator
from typing import Any

from lsprotocol import types
from pygls.protocol import LanguageServerProtocol, lsp_method

from server.lsp.positions import offset_of


class Protocol(LanguageServerProtocol):
    """pygls' protocol with its incremental update of texts replaced, because that also ends lines at form feeds.

    Each change is applied here, by the line ends and columns of LSP, and pygls is given the whole text.
    """

    def _execute_handler(
        self,
        msg_id: str | int,
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

    @lsp_method(types.TEXT_DOCUMENT_DID_CHANGE)
    def lsp_text_document__did_change(
        self, params: types.DidChangeTextDocumentParams
    ) -> Generator[Any, Any, None]:
        """Apply the changes of textDocument/didChange, and hand the whole text on to pygls."""
        text = self.workspace.get_text_document(params.text_document.uri).source
        encoding = self.workspace.position_encoding or "utf-16"
        for change in params.content_changes:
            text = changed(text, change, encoding)
        whole = types.TextDocumentContentChangeWholeDocument(text=text)
        yield from super().lsp_text_document__did_change(
            types.DidChangeTextDocumentParams(text_document=params.text_document, content_changes=[whole])
        )


def changed(text: str, change: types.TextDocumentContentChangeEvent, encoding: str) -> str:
    """The text after one change of textDocument/didChange, which replaces a range or the whole text."""
    if isinstance(change, types.TextDocumentContentChangeWholeDocument):
        return change.text
    start = offset_of(text, change.range.start, encoding)
    end = max(start, offset_of(text, change.range.end, encoding))
    return "".join((text[:start], change.text, text[end:]))
