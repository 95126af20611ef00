"""Broken sessions at three language servers: evolverec, ruff and pyright. Which answer, which go on, which are silent?

python tests/bench/wire_peers.py     about 10 minutes; writes docs/results/wire-peers.json

Each case is a session of its own at a new process: a start, the broken thing, and then a correct hover (or, where the start
is the broken thing, a correct start). `answer` is what the broken thing got: an error's code, "result", or "none" within
WAIT_S; `goes_on` says whether the correct request behind it was answered, `exit` the code of a server that left.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

from figures import record

from tests.adversarial.test_wire import BROKEN, ODD_DIAGNOSTICS, ODD_FRAMES, RANGE, WRONG_PARAMS
from tests.server.raw import EVOLVEREC, RawServer, call, error_code, frame

WAIT_S = 5.0
BIN = Path(sys.executable).parent
SERVERS = {
    "evolverec": EVOLVEREC,
    "ruff": (str(BIN / "ruff"), "server"),
    "pyright": (sys.executable, "-m", "pyright.langserver", "--stdio"),
}
STARTS: dict[str, bytes] = {
    "a request before initialize": frame(call("textDocument/hover", {}, "broken")),
    "initialize with null": frame(call("initialize", None, "broken")),
    "initialize with a list": frame(call("initialize", [], "broken")),
    "position encodings as a number": frame(
        call("initialize", {"capabilities": {"general": {"positionEncodings": 5}}}, "broken")
    ),
    "a shell's greeting": b"Welcome!\r\nLast login: today\r\n",
}


def main() -> None:
    cases: dict[str, tuple[str, Callable[[str], bytes]]] = {}
    for name, (sent, _) in BROKEN.items():
        cases[f"bytes: {name}"] = ("middle", lambda uri, sent=sent: sent)
    for name, framed in ODD_FRAMES.items():
        cases[f"frame: {name}"] = (
            "middle",
            lambda uri, framed=framed: framed(frame(_hover(uri)).split(b"\r\n\r\n", 1)[1]),
        )
    for name, odd in ODD_DIAGNOSTICS.items():
        cases[f"diagnostic: {name}"] = ("middle", lambda uri, odd=odd: frame(_action(uri, odd)))
    for name, (method, params) in WRONG_PARAMS.items():
        cases[f"params: {name}"] = ("middle", lambda uri, both=(method, params): frame(call(*both, "broken")))
    cases["a second initialize"] = (
        "middle",
        lambda uri: frame(call("initialize", {"capabilities": {}}, "broken")),
    )
    cases["after shutdown"] = ("middle", lambda uri: frame(call("shutdown", None, "s")) + frame(_hover(uri)))
    for name, sent in STARTS.items():
        cases[f"start: {name}"] = ("start", lambda uri, sent=sent: sent)
    record("wire-peers", {"wait_s": WAIT_S, **_table(cases)})


def _table(cases: dict[str, tuple[str, Callable[[str], bytes]]]) -> dict[str, Any]:
    rows = {
        name: {server: _try(command, where, sent) for server, command in SERVERS.items()}
        for name, (where, sent) in cases.items()
    }
    counted = {
        server: {
            "cases": len(rows),
            "goes_on": sum(row[server]["goes_on"] for row in rows.values()),
            "left": sum(row[server]["exit"] is not None for row in rows.values()),
            "silent": sum(row[server]["answer"] == "none" for row in rows.values()),
            "popups": sum(row[server]["popups"] for row in rows.values()),
        }
        for server in SERVERS
    }
    return {"counted": counted, "cases": rows}


def _try(command: tuple[str, ...], where: str, sent: Callable[[str], bytes]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as named:
        folder = Path(named)
        model = folder / "model.py"
        model.write_text("x = 1\n")
        with RawServer(command, cwd=folder, log=folder / "log") as server:
            if where == "middle":
                _start(server, folder, model)
            server.told.clear()
            server.write(sent(model.as_uri()))
            if where == "middle":
                server.send({**_hover(model.as_uri()), "id": "next"})
            else:
                server.wait(lambda: server.answers, WAIT_S)
                server.send(
                    call("initialize", {"processId": None, "rootUri": None, "capabilities": {}}, "next")
                )
            went_on = server.wait(lambda: "next" in server.answers, WAIT_S)
            server.wait(lambda: "broken" in server.answers or None in server.answers, 0.5 if went_on else 0.1)
            time.sleep(0.1)
            return {
                "answer": _answered(server),
                "goes_on": went_on,
                "exit": server.process.poll(),
                "popups": len(server.popups()),
            }


def _start(server: RawServer, folder: Path, model: Path) -> None:
    server.begin(folder)
    item = {"uri": model.as_uri(), "languageId": "python", "version": 1, "text": model.read_text()}
    server.send(call("textDocument/didOpen", {"textDocument": item}))
    server.send({**_hover(model.as_uri()), "id": "first"})
    server.wait(lambda: "first" in server.answers, 4 * WAIT_S)


def _answered(server: RawServer) -> Any:
    came = server.answers.get("broken") or server.answers.get(None)
    if not came:
        return "none"
    return error_code(came[0]) if "error" in came[0] else "result"


def _hover(uri: str) -> dict[str, Any]:
    return call(
        "textDocument/hover",
        {"textDocument": {"uri": uri}, "position": {"line": 0, "character": 0}},
        "broken",
    )


def _action(uri: str, odd: dict[str, Any]) -> dict[str, Any]:
    diagnostic = {"range": RANGE, "message": "theirs", **odd}
    params = {"textDocument": {"uri": uri}, "range": RANGE, "context": {"diagnostics": [diagnostic]}}
    return call("textDocument/codeAction", params, "broken")


if __name__ == "__main__":
    main()
