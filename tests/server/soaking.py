"""A fuzzed client at a real server, which holds the server to what it owes: life, one answer each, a clean wire and log."""

import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from lsprotocol import types

from evolution.repo.programs import Programs
from evolution.store.store import Store
from tests.server.fuzzing import REPLIES, Places, Traffic
from tests.server.raw import PATIENCE_S, RawServer, call, frame
from tests.server.records import CONFIG, MODEL, Records, Sample

ANSWERED_S = 0.5  # after which what waits for a person is cancelled
CAPABILITIES = {
    "window": {"workDoneProgress": True, "showDocument": {"support": True}},
    "workspace": {
        "configuration": True,
        "codeLens": {"refreshSupport": True},
        "inlayHint": {"refreshSupport": True},
        "diagnostics": {"refreshSupport": True},
        "textDocumentContent": {},
    },
    "textDocument": {
        "publishDiagnostics": {
            "relatedInformation": True,
            "dataSupport": True,
            "codeDescriptionSupport": True,
        },
        "diagnostic": {},
        "hover": {"contentFormat": ["markdown"]},
        "codeAction": {
            "codeActionLiteralSupport": {"codeActionKind": {"valueSet": ["quickfix"]}},
            "resolveSupport": {"properties": ["edit"]},
            "dataSupport": True,
        },
    },
}


def fuzzed_repo(folder: Path) -> Places:
    """A repo with findings, users' words and a patch, so that requests have something to answer with."""
    root = folder / "shop repo"
    root.mkdir(parents=True)
    (root / "model.py").write_text(MODEL, encoding="utf-8")
    (root / "other.py").write_text("import torch\n", encoding="utf-8")
    (root / "evolverec.toml").write_text(CONFIG, encoding="utf-8")
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    with Store.open(root) as store:
        records = Records(repo=root, store=store, programs=Programs.open(root))
        records.trial()
        records.feedback(records.finding(), simulation=records.simulation())
        records.proposal("p1", Sample().patched)
    return Places(repo=root)


@dataclass(kw_only=True)
class Tally:
    """What was sent and what came of it.

    faults: sentences on what the server owed and did not give
    waits_ms: of answers to single requests, with nothing else on the wire; burst_ms: of those sent at once with others
    """

    messages: int = 0
    requests: int = 0
    answers: int = 0
    refused: int = 0
    deaths: int = 0
    tracebacks: int = 0
    faults: list[str] = field(default_factory=list)
    waits_ms: list[float] = field(default_factory=list)
    burst_ms: list[float] = field(default_factory=list)


class FuzzedClient:
    """One long session of a client that sends anything."""

    def __init__(self, places: Places, folder: Path, tally: Tally) -> None:
        self.places, self.tally = places, tally
        self.server = RawServer(cwd=folder, log=folder / f"server-{time.monotonic_ns()}.log")
        self._serial = self._tracebacks = 0
        self.server.begin(
            places.repo, CAPABILITIES, initializationOptions={"views": True, "inlayHints": True}
        )
        self._single()

    def close(self) -> None:
        self.server.__exit__()

    def resident_mb(self) -> float:
        return psutil.Process(self.server.process.pid).memory_info().rss / 2**20

    def exchange(self, traffic: Traffic) -> None:
        """Send it, and check all that is owed for it. What is wrong goes into the tally."""
        reply = REPLIES[traffic.reply]
        self.server.reply = lambda asked: reply
        methods: dict[str | int, str] = {}
        begun = time.perf_counter()
        alive = self.server.write(b"".join(self._frames(traffic, methods)))
        self._single()
        waits = alive and not self._answered(methods, PATIENCE_S if reply is not None else ANSWERED_S)
        if waits:
            self.server.send(*(call("$/cancelRequest", {"id": ident}) for ident in methods))
            self._answered(methods, PATIENCE_S)
        self._check(traffic, methods, begun)

    def _frames(self, traffic: Traffic, methods: dict[str | int, str]) -> Iterator[bytes]:
        for part in traffic.parts:
            if isinstance(part, bytes):
                yield part
            elif isinstance(part, int):
                idents = list(methods)
                yield frame(call("$/cancelRequest", {"id": idents[part % len(idents)] if idents else part}))
            else:
                yield frame(self._numbered(part, methods))
            self.tally.messages += 1

    def _numbered(self, message: dict[str, Any], methods: dict[str | int, str]) -> dict[str, Any]:
        if message.get("id") is not True:
            return message
        self._serial += 1
        ident = self._serial if self._serial % 2 else f"f{self._serial}"
        methods[ident] = message["method"]
        return {**message, "id": ident}

    def _answered(self, methods: dict[str | int, str], patience_s: float) -> bool:
        return self.server.wait(lambda: methods.keys() <= self.server.answers.keys(), patience_s)

    def _single(self) -> None:
        """One correct request, with nothing else on the wire than what is still being worked on."""
        self._serial += 1
        ident = f"single{self._serial}"
        document = {"textDocument": {"uri": self.places.uris[0]}, "position": {"line": 3, "character": 0}}
        begun = time.perf_counter()
        self.server.send(call(types.TEXT_DOCUMENT_HOVER, document, ident))
        self.tally.messages += 1
        self.tally.requests += 1
        if self.server.wait(lambda: ident in self.server.answers):
            self.tally.answers += 1
            self.tally.waits_ms.append(1000 * (self.server.arrived[ident] - begun))
        else:
            self._fault("no answer to a plain hover")

    def _check(self, traffic: Traffic, methods: dict[str | int, str], begun: float) -> None:
        server, tally = self.server, self.tally
        tally.requests += len(methods)
        for ident, method in methods.items():
            came = server.answers.get(ident, [])
            tally.answers += len(came)
            tally.refused += sum("error" in answer for answer in came)
            if len(came) != 1:
                self._fault(f"{len(came)} answers to {method}", traffic)
            elif method != types.WORKSPACE_EXECUTE_COMMAND:
                tally.burst_ms.append(1000 * (server.arrived[ident] - begun))
        if server.process.poll() is not None:
            tally.deaths += 1
            self._fault(f"the server left with {server.process.returncode}", traffic)
        if server.noise:
            self._fault(f"on stdout beside the protocol: {server.noise[0][:200]!r}", traffic)
        if (found := server.tracebacks()) > self._tracebacks:
            tally.tracebacks += found - self._tracebacks
            self._tracebacks = found
            self._fault(f"a traceback in the log: {server.log()[-1500:]}", traffic)
        for held in (server.answers, server.arrived, server.told, server.noise):
            held.clear()

    def _fault(self, said: str, traffic: Traffic | None = None) -> None:
        self.tally.faults.append(f"{said}\nafter {traffic}" if traffic else said)


def whole_session(messages: list[dict[str, Any]], folder: Path, tally: Tally) -> None:
    """A session of its own, from its start to the end of its stream, at a server of its own."""
    idents: list[int] = []
    with RawServer(cwd=folder, log=folder / f"whole-{time.monotonic_ns()}.log") as server:
        server.reply = lambda asked: None
        left = False
        for message in messages:
            left = left or message["method"] == "exit"
            if message.get("id") is True:
                message = {**message, "id": len(idents) + 1}
                idents += [] if left else [len(idents) + 1]
            server.send(message)
        code = server.close_input()
        server.wait(lambda: False)
        tally.messages += len(messages)
        tally.requests += len(idents)
        tally.answers += sum(len(server.answers.get(ident, [])) for ident in idents)
        wrong = [ident for ident in idents if len(server.answers.get(ident, [])) != 1]
        if wrong or code not in (0, 1) or server.noise or server.tracebacks():
            tally.tracebacks += server.tracebacks()
            tally.faults.append(
                f"exit code {code}, not answered once: {wrong}, {server.noise[:1]}, {server.log()[-1500:]}\nafter {messages}"
            )
