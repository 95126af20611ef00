"""Shared by the benches: a language server of its own process, spoken to byte by byte. Running it alone does nothing."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import evolverec_entry

CAPABILITIES = {
    "window": {"workDoneProgress": True},
    "workspace": {"codeLens": {"refreshSupport": True}},
    "textDocument": {
        "codeAction": {
            "codeActionLiteralSupport": {"codeActionKind": {"valueSet": ["quickfix"]}},
            "resolveSupport": {"properties": ["edit"]},
            "dataSupport": True,
        },
    },
}


class Connection:
    def __init__(self) -> None:
        self.started = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, evolverec_entry.__file__, "lsp"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.last = 0
        self.heard: Callable[[str, dict[str, Any]], None] = lambda method, params: None

    def ask(self, method: str, params: object) -> tuple[float, dict[str, Any]]:
        """(milliseconds, answer). What the server asks meanwhile is answered with nothing, as an editor would; what it tells is heard."""
        self.last += 1
        begun = time.perf_counter()
        self.tell(method, params, id=self.last)
        while (message := self._read()).get("id") != self.last or "method" in message:
            if "method" in message and "id" in message:
                self._write({"id": message["id"], "result": None})
            elif "method" in message:
                self.heard(message["method"], message.get("params") or {})
        return 1000 * (time.perf_counter() - begun), message

    def tell(self, method: str, params: object, **more: Any) -> None:
        self._write({"method": method, "params": params, **more})

    def _write(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self.process.stdin
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.process.stdin.flush()

    def _read(self) -> dict[str, Any]:
        assert self.process.stdout
        length = 0
        while (line := self.process.stdout.readline()).strip():
            name, _, value = line.partition(b":")
            length = int(value) if name == b"Content-Length" else length
        return json.loads(self.process.stdout.read(length))

    def open(
        self,
        root: Path,
        file: Path,
        capabilities: dict[str, Any] = CAPABILITIES,
        options: dict[str, Any] | None = None,
    ) -> float:
        """Milliseconds from process start to the answer to `initialize`; then the file is opened."""
        folders = [{"uri": root.as_uri(), "name": "repo"}]
        params = {
            "processId": os.getpid(),
            "rootUri": None,
            "capabilities": capabilities,
            "workspaceFolders": folders,
            "initializationOptions": options,
        }
        self.ask("initialize", params)
        elapsed_ms = 1000 * (time.perf_counter() - self.started)
        self.tell("initialized", {})
        item = {"uri": file.as_uri(), "languageId": "python", "version": 1, "text": file.read_text()}
        self.tell("textDocument/didOpen", {"textDocument": item})
        return elapsed_ms

    def resident_mb(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024

    def close(self) -> None:
        self.ask("shutdown", None)
        self.tell("exit", None)
        self.process.wait()
