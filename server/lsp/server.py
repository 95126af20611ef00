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
from server.lsp.arrivals import Arrivals
from server.lsp.conversation import Conversation
from server.lsp.handshake import VERSION, Opening
from server.lsp.messages import REQUEST_FAILED
from server.lsp.outbox import Outbox
from server.lsp.protocol import FAULT, Protocol
from server.lsp.session import Session
from server.lsp.shown_texts import converter
from server.lsp.table import COMMANDS, FEATURES, VIEWS, Row, Where

logger = logging.getLogger("evolverec.lsp")


class EvolverecServer(LanguageServer):
    """A pygls server whose handlers share one session."""

    protocol: Protocol  # type: ignore[assignment] # pygls sets it once

    def __init__(self) -> None:
        super().__init__(
            "evolverec",
            VERSION,
            protocol_cls=Protocol,
            text_document_sync_kind=types.TextDocumentSyncKind.Full,  # as `Protocol` hands it on
            converter_factory=converter,
        )
        self.session = Session(self)
        for row in (*FEATURES, *VIEWS):
            self.feature(row.name, row.options)(_guarded(self.session, row))
        for row in COMMANDS:
            self.command(row.name)(_guarded(self.session, row))

    def hold(self, opening: Opening, arrivals: Arrivals, outbox: Outbox) -> bool:
        """Speak with a client whose `initialize` was answered, until it leaves. Returns whether it sent `shutdown`."""
        self.protocol.set_writer(outbox)
        self.session.opening = opening
        with asyncio.Runner() as runner:
            return runner.run(self._hold(opening, arrivals, outbox))

    async def _hold(self, opening: Opening, arrivals: Arrivals, outbox: Outbox) -> bool:
        conversation = Conversation(self, arrivals)
        outbox.on_lost = conversation.end
        self.protocol.begin(as_params(opening))
        await conversation.hold()
        if not self.session.closed:
            await self.session.close()
        return conversation.shut_down


def as_params(opening: Opening) -> types.InitializeParams:
    """What `initialize` said, as the library takes it; capabilities are read in server/lsp/client.py."""
    encodings = types.GeneralClientCapabilities(position_encodings=[opening.encoding])
    return types.InitializeParams(
        capabilities=types.ClientCapabilities(general=encodings),
        process_id=opening.process_id,
        root_uri=opening.root_uri or None,
        workspace_folders=[
            types.WorkspaceFolder(uri=uri, name=name) for uri, name in opening.folders.items()
        ],
        initialization_options=opening.options,
    )


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
    """An error reply: the message of an EvolverecError, or of the client's own error, as it is; any other error
    also prints its traceback to stderr.
    """
    if isinstance(error, JsonRpcException):
        return error
    if isinstance(error, EvolverecError):
        return JsonRpcException(str(error), code=REQUEST_FAILED)
    traceback.print_exception(error)
    return JsonRpcException(
        f"{name} failed by a fault of evolverec ({type(error).__name__}: {error}); {FAULT}",
        code=REQUEST_FAILED,
    )
