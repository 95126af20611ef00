"""The wire: JSON lines on the process's real stdin and stdout, which candidate code no longer reaches by name.

Arrays travel as `.npy` files in a scratch folder; nothing is ever pickled on the wire.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
from collections.abc import Iterator
from typing import Any


class Channel:
    """Requests in, replies out. A reader thread notices the parent's death even while candidate code runs."""

    def __init__(self) -> None:
        self._in = os.fdopen(os.dup(0), "rb")
        self._out = os.fdopen(os.dup(1), "wb")
        empty = os.open(os.devnull, os.O_RDONLY)
        os.dup2(empty, 0)
        os.close(empty)
        os.dup2(2, 1)  # prints go to the log
        sys.stdin = open(0, closefd=False)  # noqa: SIM115
        sys.stdout = open(1, "w", buffering=1, closefd=False)  # noqa: SIM115
        self._requests: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._asked = 0
        threading.Thread(target=self._read, name="wire", daemon=True).start()

    def _read(self) -> None:
        for line in self._in:
            self._requests.put(line)
        die()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        while True:
            request = json.loads(self._requests.get())
            self._asked = request["id"]
            yield request

    def reply(self, document: dict[str, Any]) -> None:
        self.send(self.line(document))

    def line(self, document: dict[str, Any]) -> bytes:
        """The document as it is sent, with the number of its question: a forked child that answers too is found out.

        Raises TypeError, ValueError or RecursionError where the candidate has put something into it that is no JSON.
        """
        return json.dumps({"id": self._asked, **document}).encode() + b"\n"

    def reply(self, document: dict[str, Any]) -> None:
        """Send a document that holds nothing of a candidate's."""
        self.send(self.line(document))

    def send(self, line: bytes) -> None:
        """Send what `line` returned."""
        self._out.write(line)
        self._out.flush()


def die() -> None:
    """End this process and its group, now: nobody is left to answer to."""
    if os.getpgid(0) == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)
