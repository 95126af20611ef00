"""The server as a process: what it holds, what it writes on its wire, and how it ends."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from lsprotocol import types

import evolverec_entry
from evolution.base.processes import identify
from server.lsp.handshake import COMMANDS, capabilities
from server.lsp.table import COMMANDS as COMMAND_ROWS
from server.lsp.table import FEATURES

ENTRY = [sys.executable, str(Path(evolverec_entry.__file__)), "lsp"]
HEAVY = ("torch", "openai", "polars", "numpy", "scipy", "libcst", "pandas")


class Wire:
    """Speaks LSP byte by byte, so that anything else on the wire is seen."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    def send(self, method, params=None, ident=None):
        message = {"jsonrpc": "2.0", "method": method, "params": params}
        if ident is not None:
            message["id"] = ident
        body = json.dumps(message).encode()
        self.writer.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.writer.flush()

    def read(self):
        length = None
        while (line := self.reader.readline()).strip():
            name, _, value = line.partition(b":")
            assert name in (b"Content-Length", b"Content-Type"), f"not a header of the protocol: {line!r}"
            length = int(value) if name == b"Content-Length" else length
        return json.loads(self.reader.read(length)) if length else None

    def reply(self, ident):
        while (message := self.read()) is not None:
            if message.get("id") == ident and "method" not in message:
                return message
        raise AssertionError("the server left without an answer")

    def begin(self, root: Path, process_id=None, client=None):
        folders = [{"uri": root.as_uri(), "name": "repo"}]
        params = {
            "processId": process_id,
            "rootUri": None,
            "capabilities": client or {},
            "workspaceFolders": folders,
        }
        self.send("initialize", params, 1)
        answer = self.reply(1)
        self.send("initialized", {})
        return answer


@pytest.fixture
def server(repo):
    with subprocess.Popen(
        ENTRY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        yield process, Wire(process.stdout, process.stdin)
        process.kill()


def test_what_the_handshake_promises_has_a_row_and_what_has_a_row_is_promised():
    assert [row.name for row in COMMAND_ROWS] == list(COMMANDS)
    client = {
        "textDocument": {"diagnostic": {}},
        "workspace": {"diagnostics": {"refreshSupport": True}, "textDocumentContent": {}},
    }
    offered = capabilities(client)
    promised = {
        types.TEXT_DOCUMENT_HOVER: offered["hoverProvider"],
        types.TEXT_DOCUMENT_CODE_LENS: offered["codeLensProvider"],
        types.TEXT_DOCUMENT_COMPLETION: offered["completionProvider"],
        types.TEXT_DOCUMENT_DOCUMENT_LINK: offered["documentLinkProvider"],
        types.TEXT_DOCUMENT_INLAY_HINT: offered["inlayHintProvider"],
        types.TEXT_DOCUMENT_CODE_ACTION: offered["codeActionProvider"],
        types.CODE_ACTION_RESOLVE: offered["codeActionProvider"]["resolveProvider"],
        types.TEXT_DOCUMENT_DIAGNOSTIC: offered["diagnosticProvider"],
        types.WORKSPACE_DIAGNOSTIC: offered["diagnosticProvider"]["workspaceDiagnostics"],
        types.WORKSPACE_TEXT_DOCUMENT_CONTENT: offered["workspace"]["textDocumentContent"],
        types.TEXT_DOCUMENT_DID_OPEN: offered["textDocumentSync"]["openClose"],
        types.TEXT_DOCUMENT_DID_CLOSE: offered["textDocumentSync"]["openClose"],
        types.TEXT_DOCUMENT_DID_CHANGE: offered["textDocumentSync"]["change"],
        types.TEXT_DOCUMENT_DID_SAVE: offered["textDocumentSync"]["save"],
        types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS: offered["workspace"]["workspaceFolders"],
    }
    session = {types.INITIALIZE, types.INITIALIZED, types.SHUTDOWN}
    session |= {types.WORKSPACE_DID_CHANGE_WATCHED_FILES, types.WORKSPACE_DID_CHANGE_CONFIGURATION}
    assert all(promised.values())
    assert {row.name for row in FEATURES} == set(promised) | session


def test_changes_are_asked_for_as_ranges():
    """Where a whole text came with each key, a long file could not be typed in."""
    assert capabilities({})["textDocumentSync"]["change"] == types.TextDocumentSyncKind.Incremental.value


def test_the_library_agrees_with_the_handshake(repo, monkeypatch):
    """Both choose the position encoding; were they to differ, every column would be wrong."""
    from pygls.capabilities import ServerCapabilitiesBuilder

    for encodings in (None, [], ["utf-8"], ["utf-32", "utf-8"], ["latin-1", "utf-8"], ["latin-1"]):
        wire = {"general": {"positionEncodings": encodings}} if encodings is not None else {}
        general = types.GeneralClientCapabilities(position_encodings=encodings)
        chosen = ServerCapabilitiesBuilder.choose_position_encoding(types.ClientCapabilities(general=general))
        assert capabilities(wire)["positionEncoding"] == chosen


@pytest.mark.process
def test_initialize_is_answered_once(server, repo):
    _, wire = server
    assert wire.begin(repo)["result"]["serverInfo"]["name"] == "evolverec"
    wire.send(
        "textDocument/hover",
        {"textDocument": {"uri": "file:///x"}, "position": {"line": 0, "character": 0}},
        2,
    )
    messages = []
    while not messages or messages[-1].get("id") != 2:
        messages.append(wire.read())
    assert not [message for message in messages if message.get("id") == 1]


@pytest.mark.process
def test_a_working_server_holds_nothing_heavy(server, repo, records, sample):
    """Which libraries a process has loaded shows in its memory map, whoever imported them."""
    records.trial()
    records.feedback(records.finding(), simulation=records.simulation())
    records.proposal("p1", sample.patched)
    process, wire = server
    wire.begin(repo)
    uri = (repo / "model.py").as_uri()
    item = {"uri": uri, "languageId": "python", "version": 1, "text": sample.model}
    wire.send("textDocument/didOpen", {"textDocument": item})
    wire.send("textDocument/codeLens", {"textDocument": {"uri": uri}}, 2)
    assert wire.reply(2)["result"][0]["command"]["title"].startswith("NDCG@10")
    for number, view in enumerate(("overview", "findings", "users", "proposals", "runs"), start=3):
        wire.send(f"evolverec/{view}", {"repo": str(repo)}, number)
        assert "result" in wire.reply(number)
    mapped = Path(f"/proc/{process.pid}/maps").read_text()
    assert "_sqlite3" in mapped  # compiled libraries do show
    assert [name for name in HEAVY if f"/{name}/" in mapped] == []


@pytest.mark.process
def test_help_in_the_config_and_hints_load_nothing_heavy_either(server, repo, records, sample):
    records.trial()
    records.feedback(records.finding())
    process, wire = server
    wire.begin(repo)
    documents = {"evolverec.toml": '[objective]\nexpression = ""\n', "model.py": sample.model}
    for name, text in documents.items():
        item = {"uri": (repo / name).as_uri(), "languageId": "x", "version": 1, "text": text}
        wire.send("textDocument/didOpen", {"textDocument": item})
    config = {"textDocument": {"uri": (repo / "evolverec.toml").as_uri()}}
    wire.send(
        "textDocument/completion", {**config, "position": {"line": 1, "character": len('expression = "')}}, 2
    )
    assert "NDCG@10" in [item["label"] for item in wire.reply(2)["result"]["items"]]
    wire.send("textDocument/documentLink", config, 3)
    wire.reply(3)
    mapped = Path(f"/proc/{process.pid}/maps").read_text()
    assert "pydantic_core" in mapped
    assert [name for name in HEAVY if f"/{name}/" in mapped] == []


def test_importing_every_feature_loads_nothing_heavy():
    code = (
        "import sys, server.lsp.main, server.lsp.server; print([n for n in sys.argv[1:] if n in sys.modules])"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code, *HEAVY, "pydantic", "git"], capture_output=True, text=True
    )
    assert shown.stdout.strip() == "[]", shown.stderr


@pytest.mark.process
def test_what_libraries_print_does_not_reach_the_wire(repo):
    code = (
        "import os, sys, threading; from server.lsp import main; import subprocess\n"
        "answer = main.answer_initialize\n"
        "def noisy(*streams):\n"
        "    print('python print'); os.write(1, b'descriptor one\\n'); subprocess.run(['echo', 'child'])\n"
        "    assert sys.stdin.read() == ''\n"
        "    return answer(*streams)\n"
        "main.answer_initialize = noisy; main.serve_stdio()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        wire = Wire(process.stdout, process.stdin)
        assert "capabilities" in wire.begin(repo)["result"]
        wire.send("shutdown", None, 2)
        wire.reply(2)
        wire.send("exit")
        assert process.stdout.read() == b""
        said = process.stderr.read().decode()
    assert all(words in said for words in ("python print", "descriptor one", "child"))


@pytest.mark.process
def test_shutdown_with_commands_in_flight_ends_the_process(server, repo):
    process, wire = server
    wire.begin(repo)
    uri = (repo / "model.py").as_uri()
    wire.send("textDocument/codeLens", {"textDocument": {"uri": uri}}, 2)
    wire.reply(2)
    for ident in range(10, 20):  # each waits for the user's consent, which never comes
        wire.send("workspace/executeCommand", {"command": "evolverec.train", "arguments": []}, ident)
    wire.send("shutdown", None, 3)
    assert wire.reply(3)["result"] is None
    wire.send("exit")
    assert process.wait(timeout=10) == 0


@pytest.mark.process
def test_a_client_that_closes_the_pipe_ends_the_server(server, repo):
    process, wire = server
    wire.begin(repo)
    wire.send("textDocument/codeLens", {"textDocument": {"uri": (repo / "model.py").as_uri()}}, 2)
    wire.reply(2)
    process.stdin.close()
    assert process.wait(timeout=10) == 1


@pytest.mark.process
def test_a_client_that_is_killed_ends_the_server_though_the_pipe_stays_open(server, repo):
    process, wire = server
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as client:
        wire.begin(repo, process_id=client.pid)
        wire.send("textDocument/codeLens", {"textDocument": {"uri": (repo / "model.py").as_uri()}}, 2)
        wire.reply(2)
        os.kill(client.pid, signal.SIGKILL)
        client.wait()
        assert process.wait(timeout=10) == 1


@pytest.mark.process
def test_tcp_speaks_the_same(repo):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [*ENTRY, "--tcp", f"127.0.0.1:{port}"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert b"listens on 127.0.0.1" in process.stderr.readline()
        with socket.create_connection(("127.0.0.1", port)) as connection:
            wire = Wire(connection.makefile("rb"), connection.makefile("wb"))
            assert "capabilities" in wire.begin(repo)["result"]
            wire.send("shutdown", None, 2)
            wire.reply(2)
            wire.send("exit")
            assert process.wait(timeout=10) == 0
        assert process.stdout.read() == b""


@pytest.mark.process
def test_an_error_in_a_handler_is_a_reply_and_the_server_goes_on(server, repo):
    _, wire = server
    wire.begin(repo)
    wire.send(
        "workspace/executeCommand", {"command": "evolverec.apply", "arguments": [{"repo": str(repo)}]}, 2
    )
    assert "expected an object" in wire.reply(2)["error"]["message"]
    wire.send("codeAction/resolve", {"title": "x", "data": {"proposal": "gone", "repo": str(repo)}}, 3)
    assert "proposal 'gone' is not among those" in wire.reply(3)["error"]["message"]
    wire.send("textDocument/codeLens", {"textDocument": {"uri": (repo / "model.py").as_uri()}}, 4)
    assert wire.reply(4)["result"]


@pytest.mark.process
def test_a_killed_server_leaves_its_job_and_the_next_one_finds_it(server, repo, records):
    process, wire = server
    with subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True
    ) as work:
        job = records.running_job(process=identify(work.pid))
        wire.begin(repo)
        process.kill()
        process.wait()
        assert work.poll() is None
        client = {"window": {"workDoneProgress": True}}
        with subprocess.Popen(ENTRY, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as second:
            wire = Wire(second.stdout, second.stdin)
            wire.begin(repo, client=client)
            asked = wire.read()
            assert (asked["method"], asked["params"]["token"]) == (
                "window/workDoneProgress/create",
                f"evolverec-{job.id}",
            )
            second.kill()
        work.kill()
