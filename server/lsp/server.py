"""The pygls server: registers every row of server/lsp/table.py behind one error handler."""

import asyncio
import logging
import traceback
from collections.abc import Callable
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException, JsonRpcRequestCancelled
from pygls.lsp.server import LanguageServer

from evolution.base.errors import EvolverecError
from server.lsp.handshake import VERSION
from server.lsp.protocol import Protocol
from server.lsp.session import Session
from server.lsp.table import COMMANDS, FEATURES, VIEWS, Row, Where
from server.lsp.wire import converter

REQUEST_FAILED = -32803  # LSP: the request was understood, but could not be done


class EvolverecServer(LanguageServer):
    """A pygls server whose handlers share one session."""

    def __init__(self) -> None:
        super().__init__(
            "evolverec",
            VERSION,
            protocol_cls=Protocol,
            text_document_sync_kind=types.TextDocumentSyncKind.Full,  # as `Protocol` hands it on
            converter_factory=converter,
            max_workers=2,
        )
        logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
        self.session = Session(self)
        for row in (*FEATURES, *VIEWS):
            self.feature(row.name, row.options)(_guarded(self.session, row))
        for row in COMMANDS:
            self.command(row.name)(_guarded(self.session, row))

    @property
    def left_orderly(self) -> bool:
        """Whether the client sent `shutdown` before it left."""
        return self.session.closed


def _guarded(session: Session, row: Row) -> Callable[..., Any]:
    """The row's handler, given the session as its first argument; any exception becomes an error reply."""
    if row.where is Where.LOOP:

        def answer(*arguments: Any) -> Any:
            try:
                return row.answer(session, *arguments)
            except Exception as error:
                raise _as_reply(row.name, error) from error

        return answer

    async def answer_later(*arguments: Any) -> Any:
        try:
            with session.answering():
                return await row.answer(session, *arguments)
        except asyncio.CancelledError:
            raise JsonRpcRequestCancelled(f"{row.name} was cancelled") from None
        except Exception as error:
            raise _as_reply(row.name, error) from error

    return answer_later


def _as_reply(name: str, error: Exception) -> JsonRpcException:
    """An error reply: the message of an EvolverecError as it is; any other error
    also prints its traceback to stderr.
    """
    if isinstance(error, EvolverecError):
        return JsonRpcException(str(error), code=REQUEST_FAILED)
    traceback.print_exception(error)
    return JsonRpcException(
        f"{name} failed by a fault of evolverec ({type(error).__name__}: {error}); the traceback is in the server's log",
        code=REQUEST_FAILED,
    )
