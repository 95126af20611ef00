"""A server process spoken to byte by byte, by a client that may send anything and holds the server to the protocol.

Starting one costs a second; `answer` returns as soon as the answer is there.
"""

import contextlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import evolverec_entry

EVOLVEREC = (sys.executable, str(Path(evolverec_entry.__file__)), "lsp")
HEADERS = (b"content-length", b"content-type")
PATIENCE_S = 60.0  # on a loaded machine


def frame(message: Any) -> bytes:
    """A message, or any other JSON, as a correct frame."""
    body = json.dumps(message).encode()
    return b"Content-Length: %d\r\n\r\n" % len(body) + body


def call(method: str, params: Any = None, ident: Any = None) -> dict[str, Any]:
    message = {"jsonrpc": "2.0", "method": method, "params": params}
    return message if ident is None else {**message, "id": ident}


class RawServer:
    """A language server process.

    answers: id -> every answer to it, as it came; the ids of other types than text and numbers are None
    told: notifications and requests of the server's
    noise: what came on stdout and is not of the protocol
    reply: makes the answer to a request of the server's; None leaves it without one
    """

    def __init__(self, command: Sequence[str] = EVOLVEREC, *, cwd: Path, log: Path) -> None:
        self.answers: dict[Any, list[dict[str, Any]]] = {}
        self.arrived: dict[Any, float] = {}
        self.told: list[dict[str, Any]] = []
        self.noise: list[bytes] = []
        self.reply: Callable[[dict[str, Any]], dict[str, Any] | None] = lambda asked: {"result": None}
        self.log_path = log
        self._log = log.open("wb")
        self._changed = threading.Condition()
        self._writing = threading.Lock()
        self._serial = 0
        self.process = subprocess.Popen(
            command, cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log
        )
        self._reader = threading.Thread(target=self._read_all, daemon=True)
        self._reader.start()

    def __enter__(self) -> "RawServer":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join(5.0)
        for stream in (self.process.stdin, self.process.stdout):
            if stream:
                with contextlib.suppress(OSError):
                    stream.close()
        self._log.close()

    def write(self, data: bytes) -> bool:
        """Write bytes; whether the server was still there to take them."""
        try:
            with self._writing:
                assert self.process.stdin
                self.process.stdin.write(data)
                self.process.stdin.flush()
        except (OSError, ValueError):
            return False
        return True

    def send(self, *messages: Any) -> bool:
        return self.write(b"".join(map(frame, messages)))

    def ask(self, method: str, params: Any = None) -> dict[str, Any]:
        """The answer to a request of the test's own."""
        self._serial += 1
        ident = f"test-{self._serial}"
        self.send(call(method, params, ident))
        return self.answer(ident)

    def answer(self, ident: Any, timeout_s: float = PATIENCE_S) -> dict[str, Any]:
        """The first answer to an id. Fails if none comes."""
        assert self.wait(lambda: ident in self.answers, timeout_s), (
            f"no answer to {ident!r} in {timeout_s:.0f} s; exit code {self.process.poll()}; log: {self.log()[-2000:]}"
        )
        return self.answers[ident][0]

    def wait(self, holds: Callable[[], Any], timeout_s: float = PATIENCE_S) -> bool:
        """Wait until that holds, or the server has left. Returns whether it holds."""
        with self._changed:
            self._changed.wait_for(lambda: holds() or not self._reader.is_alive(), timeout_s)
            return bool(holds())

    def close_input(self) -> int:
        """Close the server's stdin. Returns its exit code."""
        assert self.process.stdin
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        return self.process.wait(PATIENCE_S)

    def begin(self, root: Path | None, capabilities: Any = None, **more: Any) -> dict[str, Any]:
        """A correct start of a session; the answer to `initialize`."""
        folders = [{"uri": root.as_uri(), "name": root.name}] if root else None
        params = {
            "processId": None,
            "rootUri": None,
            "capabilities": capabilities or {},
            "workspaceFolders": folders,
        }
        answer = self.ask("initialize", {**params, **more})
        self.send(call("initialized", {}))
        return answer

    def end(self) -> int:
        """A correct end of a session. Returns the exit code."""
        self.ask("shutdown")
        self.send(call("exit"))
        return self.process.wait(PATIENCE_S)

    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    def tracebacks(self) -> int:
        return self.log().count("Traceback (most recent call last)")

    def popups(self) -> list[str]:
        names = ("window/showMessage", "window/showMessageRequest")
        return [str(told["params"]["message"]) for told in list(self.told) if told["method"] in names]

    def _read_all(self) -> None:
        assert self.process.stdout
        try:
            while (message := self._read(self.process.stdout)) is not None:
                self._take(message)
        except (OSError, ValueError) as error:
            self.noise.append(repr(error).encode())
        finally:
            with self._changed:
                self._changed.notify_all()

    def _read(self, stream: Any) -> dict[str, Any] | None:
        length = 0
        while (line := stream.readline()).strip():
            name, _, value = line.partition(b":")
            if name.strip().lower() not in HEADERS:
                self.noise.append(line)
            elif name.strip().lower() == b"content-length":
                length = int(value)
        return json.loads(stream.read(length)) if length else None

    def _take(self, message: dict[str, Any]) -> None:
        if "method" in message and "id" in message and (answer := self.reply(message)) is not None:
            self.send({"jsonrpc": "2.0", "id": message["id"], **answer})
        with self._changed:
            if "method" in message:
                self.told.append(message)
            else:
                ident = message.get("id")
                self.answers.setdefault(ident, []).append(message)
                self.arrived[ident] = time.perf_counter()
            self._changed.notify_all()


def error_code(answer: dict[str, Any]) -> int | None:
    return answer["error"]["code"] if "error" in answer else None
