"""One client's session after `initialize`: each message is answered, dealt with, or refused, and the work is bounded."""

import asyncio
import logging
import traceback
import uuid
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

from lsprotocol import types

from server.lsp.arrivals import Arrivals
from server.lsp.framing import Left
from server.lsp.messages import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    REQUEST_FAILED,
    Id,
    Message,
    Notification,
    Refusal,
    Request,
    Response,
)
from server.lsp.params import NOTIFICATIONS, REQUESTS
from server.lsp.protocol import FAULT
from server.lsp.shapes import Unfit

if TYPE_CHECKING:
    from server.lsp.server import EvolverecServer

logger = logging.getLogger("evolverec.lsp")

MAX_PENDING = 1000  # requests that are being answered
MAX_COMMANDS = 64  # of these, commands, which may wait for a person
MAX_HANDLED = 200  # notifications that are being handled; more are read only after these
LEAVING_S = 2.0  # for requests to be answered once the client has left


class Conversation:
    """Takes a client's messages from the wire, until it leaves.

    shut_down: the client has sent `shutdown`, after which it may only leave
    """

    def __init__(self, server: "EvolverecServer", arrivals: Arrivals) -> None:
        self.shut_down = False
        self._protocol, self._arrivals = server.protocol, arrivals
        self._introduced = False
        self._open: dict[Id, str] = {}  # id -> method of the requests that have yet to be answered
        self._handled = 0  # notifications that are being handled
        self._room = asyncio.Event()
        self._over = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    async def hold(self) -> None:
        """Deal with each message until the client leaves. Requests that are still open then are answered."""
        reader = ThreadPoolExecutor(max_workers=1, thread_name_prefix="evolverec-reader")
        over = asyncio.ensure_future(self._over.wait())
        try:
            while not self._over.is_set():
                coming = self._loop.run_in_executor(reader, self._arrivals.next)
                await asyncio.wait({coming, over}, return_when=asyncio.FIRST_COMPLETED)
                if not coming.done() or isinstance(message := coming.result(), Left):
                    break
                self._take(message)
                await self._make_room()
        finally:
            over.cancel()
            reader.shutdown(wait=False)
        await self._leave()

    def end(self) -> None:
        """End the session, from any thread."""
        self._loop.call_soon_threadsafe(self._over.set)

    def _take(self, message: Message) -> None:
        try:
            match message:
                case Request():
                    self._answer(message)
                case Notification():
                    self._note(message)
                case Response():
                    self._protocol.take_response(message)
                case Refusal():
                    self._protocol.refuse(message.id, message.code, message.reason)
        except Exception as error:  # noqa: BLE001  whatever our fault is, it is this message's alone
            traceback.print_exception(error)
            if isinstance(message, Request):
                self._protocol.refuse(message.id, INTERNAL_ERROR, f"a fault of evolverec: {FAULT}")

    def _answer(self, request: Request) -> None:
        refusal = self._refusal(request)
        if refusal is not None:
            logger.info("refused %s: %s", *map(_shown, (request.method, refusal[1])))
            self._protocol.refuse(request.id, *refusal)
            return
        try:
            params = self._protocol.read_params(request.method, request.params)
        except Unfit as error:
            logger.warning("refused %s: %s", *map(_shown, (request.method, error)))
            self._protocol.refuse(request.id, INVALID_PARAMS, f"{request.method}: {error}")
            return
        if request.method == types.SHUTDOWN:
            self.shut_down = True
        elif not self._introduced:  # a client that forgot `initialized`, before which no repo is known
            self._note(Notification(method=types.INITIALIZED))
        self._open[request.id] = request.method
        self._protocol.run(request.id, request.method, params, partial(self._answered, request.id))

    def _answered(self, ident: Id, future: Future[Any]) -> None:
        del self._open[ident]
        self._protocol.answer_with(ident, future)

    def _refusal(self, request: Request) -> tuple[int, str] | None:
        """(code, reason) for a request that is not answered now; None for one that is."""
        if self.shut_down:
            return INVALID_REQUEST, f"{request.method} came after shutdown"
        if request.method == types.INITIALIZE:
            return INVALID_REQUEST, "this session is initialized already"
        if request.method not in REQUESTS:
            return METHOD_NOT_FOUND, f"there is no request {request.method!r}"
        if request.id in self._open:
            return INVALID_REQUEST, f"a request with the id {request.id!r} has yet to be answered"
        return self._overload(request.method)

    def _overload(self, method: str) -> tuple[int, str] | None:
        if method == types.SHUTDOWN:
            return None
        if len(self._open) >= MAX_PENDING:
            return REQUEST_FAILED, f"{MAX_PENDING} requests have yet to be answered; ask again later"
        commands = sum(found == types.WORKSPACE_EXECUTE_COMMAND for found in self._open.values())
        if method == types.WORKSPACE_EXECUTE_COMMAND and commands >= MAX_COMMANDS:
            return (
                REQUEST_FAILED,
                f"{MAX_COMMANDS} commands wait for an answer of yours; give it, or cancel them",
            )
        return None

    def _note(self, notification: Notification) -> None:
        method = notification.method
        if method == types.EXIT:
            self._over.set()
        elif self.shut_down or method not in NOTIFICATIONS or method == types.SET_TRACE:
            logger.info("ignored the notification %s", _shown(method))
        elif not (method == types.INITIALIZED and self._introduced):
            self._introduced = self._introduced or method == types.INITIALIZED
            self._deal_with(method, notification.params)

    def _deal_with(self, method: str, given: Any) -> None:
        try:
            params = self._protocol.read_params(method, given)
        except Unfit as error:
            logger.warning("ignored %s: %s", *map(_shown, (method, error)))
            return
        if method == types.CANCEL_REQUEST:
            self._cancel(params["id"])
            return
        self._handled += 1
        self._protocol.run(f"notification {uuid.uuid4()}", method, params, self._dealt_with)

    def _dealt_with(self, future: Future[Any]) -> None:
        self._handled -= 1
        self._room.set()
        self._protocol.note_failure(future)

    def _cancel(self, ident: Any) -> None:
        if isinstance(ident, str | int | float) and self._open.get(ident, types.SHUTDOWN) != types.SHUTDOWN:
            self._protocol.cancel(ident)

    async def _make_room(self) -> None:
        """Read on only once few notifications are being handled. They wait for no answer of the client."""
        while self._handled > MAX_HANDLED:
            self._room.clear()
            await self._room.wait()

    async def _leave(self) -> None:
        """Answer what is open: what takes longer than LEAVING_S or waits for the client is cancelled."""
        await self._wait_for_answers(LEAVING_S)
        for ident in list(self._open):
            self._protocol.cancel(ident)
        await self._wait_for_answers(LEAVING_S)

    async def _wait_for_answers(self, patience_s: float) -> None:
        deadline = self._loop.time() + patience_s
        while self._open and self._loop.time() < deadline:
            await asyncio.sleep(0.01)


def _shown(value: object) -> str:
    """A client's text as part of one line of the log."""
    return ascii(str(value))[:300]
