"""The messages that a client sends, one after another, with one line in the log for each that is odd on the wire."""

import logging
from collections import deque
from typing import BinaryIO

from server.lsp.framing import Broken, Frames, Left
from server.lsp.messages import PARSE_ERROR, Message, Refusal, messages_of

logger = logging.getLogger("evolverec.wire")


class Arrivals:
    """The messages of one stream, in order. Not safe for more than one thread."""

    def __init__(self, stream: BinaryIO) -> None:
        self._frames = Frames(stream)
        self._read: deque[Message] = deque()

    def next(self) -> Message | Left:
        """Wait for the next message. After `Left` there is none."""
        while not self._read:
            frame = self._frames.next()
            if isinstance(frame, Left):
                if frame.reason:
                    logger.error("the session ends: %s", frame.reason)
                return frame
            if isinstance(frame, Broken):
                self._read.append(
                    Refusal(code=PARSE_ERROR, reason=f"{frame.reason}; skipped to the next header")
                )
                continue
            if frame.remark:
                logger.warning(frame.remark)
            self._read.extend(messages_of(frame.body))
        message = self._read.popleft()
        if isinstance(message, Refusal):
            logger.warning("refused a message (%s): %s", message.code, message.reason[:200])
        return message
