"""Writes messages on a thread of its own, so that a client that reads slowly does not hold up the event loop."""

import sys
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, BinaryIO

from server.lsp.framing import written

MAX_UNREAD_BYTES = 64 << 20
CLOSING_S = 5.0  # to write what is left once the session has ended


class Outbox:
    """The messages that the client has yet to read, written in order.

    Above MAX_UNREAD_BYTES the sender waits: then the server takes no more messages until the client reads again.
    on_lost: called on the writing thread once, when the client has closed its end
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._waiting: deque[bytes] = deque()
        self._bytes = 0
        self._closing = self._lost = False
        self._changed = threading.Condition()
        self.on_lost: Callable[[], None] = lambda: None
        self._thread = threading.Thread(target=self._write_all, name="evolverec-outbox", daemon=True)
        self._thread.start()

    def send(self, message: dict[str, Any]) -> None:
        """Write one message."""
        self.write(written(message))

    def write(self, data: bytes) -> None:
        """Write the bytes of one whole message. What is written after the client has gone is dropped."""
        with self._changed:
            self._changed.wait_for(lambda: self._bytes <= MAX_UNREAD_BYTES or self._lost)
            if not self._lost:
                self._waiting.append(data)
                self._bytes += len(data)
                self._changed.notify_all()

    def close(self) -> None:
        """Write what is left, for at most CLOSING_S, and end."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join(CLOSING_S)

    def _write_all(self) -> None:
        while (frame := self._next()) is not None:
            try:
                self._stream.write(frame)
                self._stream.flush()
            except (OSError, ValueError) as error:
                self._lose(error)
                return
            with self._changed:
                self._bytes -= len(frame)
                self._changed.notify_all()

    def _next(self) -> bytes | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closing)
            return self._waiting.popleft() if self._waiting else None

    def _lose(self, error: Exception) -> None:
        with self._changed:
            self._lost, self._bytes = True, 0
            self._waiting.clear()
            self._changed.notify_all()
        print(f"evolverec: the client reads no more ({error})", file=sys.stderr, flush=True)
        self.on_lost()
