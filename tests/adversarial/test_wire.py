"""Broken sessions: what a client gets wrong concerns one message, is answered by its code, and ends nothing else.

What it costs: a server's start, a second, for the cases that leave it alive, which share one; another for each that ends it.
"""

import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.server.raw import RawServer, call, error_code, frame
from tests.server.records import MODEL
from tests.server.soaking import CAPABILITIES, fuzzed_repo

pytestmark = pytest.mark.wire

PARSE, REQUEST, METHOD, PARAMS, EARLY, CANCELLED, FAILED = (
    -32700,
    -32600,
    -32601,
    -32602,
    -32002,
    -32800,
    -32803,
)
WRONG_EXIT = 1


class Session:
    """A server with a repo, initialized once for all cases that leave it alive."""

    def __init__(self, folder: Path) -> None:
        self.places = fuzzed_repo(folder)
        self.model = self.places.uris[0]
        self.server = RawServer(cwd=folder, log=folder / "server.log")
        self.server.begin(self.places.repo, CAPABILITIES)
        self.open()

    def open(self) -> None:
        item = {"uri": self.model, "languageId": "python", "version": 1, "text": MODEL}
        self.server.send(call("textDocument/didOpen", {"textDocument": item}))

    def hover(self, line: int = 7, uri: str | None = None) -> dict[str, Any]:
        document = {
            "textDocument": {"uri": self.model if uri is None else uri},
            "position": {"line": line, "character": 0},
        }
        return self.server.ask("textDocument/hover", document)

    def check(self) -> None:
        """The server lives, answers, and has said nothing that it should not."""
        assert "embedding-collapse" in json.dumps(self.hover()), "the session is not what it was"
        assert self.server.noise == []
        assert self.server.popups() == []
        assert self.server.tracebacks() == 0, self.server.log()[-3000:]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    folder = tmp_path_factory.mktemp("wire")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EVOLVEREC_CONFIG_HOME", str(folder / "config"))
        session = Session(folder)
    yield session
    session.server.__exit__()


@pytest.fixture
def session(shared: Session) -> Iterator[Session]:
    yield shared
    shared.check()


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[RawServer]:
    with RawServer(cwd=tmp_path, log=tmp_path / "server.log") as server:
        yield server
        assert server.noise == []
        assert server.popups() == []
        assert server.tracebacks() == 0, server.log()


ODD_DIAGNOSTICS: dict[str, Any] = {
    "severity 0": {"severity": 0},
    "unknown severity": {"severity": 9},
    "severity as text": {"severity": "error"},
    "unknown tags": {"tags": [7, "x"]},
    "tags as a number": {"tags": 1},
    "null lines": {"range": {"start": {"line": None, "character": None}, "end": {}}},
    "no range": {"range": None},
    "no message": {"message": None},
    "message as markup": {"message": {"kind": "markdown", "value": "x"}},
    "code as an object": {"code": {"value": "E1", "target": "https://x"}},
    "code as a list": {"code": [1]},
    "source as a number": {"source": 3},
    "code description without href": {"codeDescription": {}},
    "related information as text": {"relatedInformation": "x"},
    "data of any kind": {"data": [[None, {"a": 1e308}], "\ud800"]},
}
RANGE = {"start": {"line": 7, "character": 0}, "end": {"line": 7, "character": 0}}


@pytest.mark.parametrize("odd", ODD_DIAGNOSTICS.values(), ids=ODD_DIAGNOSTICS.keys())
def test_what_other_servers_diagnose_does_not_matter(session: Session, odd: dict[str, Any]):
    diagnostic = {"range": RANGE, "message": "theirs", **odd}
    diagnostic = {name: value for name, value in diagnostic.items() if value is not None}
    params = {
        "textDocument": {"uri": session.model},
        "range": RANGE,
        "context": {"diagnostics": [diagnostic, None]},
    }
    titles = [action["title"] for action in session.server.ask("textDocument/codeAction", params)["result"]]
    assert any("Full softmax" in title for title in titles)


def test_an_odd_action_is_resolved_and_comes_back_whole(session: Session):
    action = {
        "title": "x",
        "kind": 5,
        "diagnostics": [{"severity": 0}],
        "data": {"proposal": "p1"},
        "more": [1],
    }
    resolved = session.server.ask("codeAction/resolve", action)["result"]
    assert resolved.pop("edit")["changes"]
    assert resolved == action


WRONG_PARAMS: dict[str, tuple[str, Any]] = {
    "hover, null": ("textDocument/hover", None),
    "hover, a list": ("textDocument/hover", []),
    "hover, text": ("textDocument/hover", "x"),
    "hover, no position": ("textDocument/hover", {"textDocument": {"uri": "file:///x"}}),
    "hover, document as text": (
        "textDocument/hover",
        {"textDocument": "x", "position": {"line": 0, "character": 0}},
    ),
    "hover, uri as a number": (
        "textDocument/hover",
        {"textDocument": {"uri": 3}, "position": {"line": 0, "character": 0}},
    ),
    "hover, uri of a megabyte": (
        "textDocument/hover",
        {"textDocument": {"uri": "file:///" + "a" * 2**20}, "position": {"line": 0, "character": 0}},
    ),
    "hover, uri that does not parse": (
        "textDocument/hover",
        {"textDocument": {"uri": "file://[x"}, "position": {"line": 0, "character": 0}},
    ),
    "completion, a negative line": (
        "textDocument/completion",
        {"textDocument": {"uri": "file:///x"}, "position": {"line": -1, "character": 0}},
    ),
    "completion, half a line": (
        "textDocument/completion",
        {"textDocument": {"uri": "file:///x"}, "position": {"line": 0.5, "character": 0}},
    ),
    "code action, no context": (
        "textDocument/codeAction",
        {"textDocument": {"uri": "file:///x"}, "range": RANGE},
    ),
    "code action, kinds as a number": (
        "textDocument/codeAction",
        {"textDocument": {"uri": "file:///x"}, "range": RANGE, "context": {"diagnostics": [], "only": 5}},
    ),
    "lens, a list for the document": ("textDocument/codeLens", {"textDocument": [1]}),
    "pulled diagnostics, ids as an object": ("workspace/diagnostic", {"previousResultIds": {}}),
    "command, none": ("workspace/executeCommand", {}),
    "command, unknown": ("workspace/executeCommand", {"command": "rm"}),
    "command, arguments as an object": (
        "workspace/executeCommand",
        {"command": "evolverec.status", "arguments": {}},
    ),
    "content, null": ("workspace/textDocumentContent", {"uri": None}),
}


@pytest.mark.parametrize(("method", "params"), WRONG_PARAMS.values(), ids=WRONG_PARAMS.keys())
def test_parameters_that_do_not_fit_are_named(session: Session, method: str, params: Any):
    answer = session.server.ask(method, params)
    assert error_code(answer) == PARAMS
    assert len(answer["error"]["message"]) < 500


REFUSED: dict[str, tuple[str, Any]] = {
    "resolve, null": ("codeAction/resolve", None),
    "a view of a repo that is a number": ("evolverec/findings", {"repo": 5}),
    "a view of a repo with a name of 5,000 characters": ("evolverec/findings", {"repo": "/" + "n" * 5000}),
    "a command with a list": ("workspace/executeCommand", {"command": "evolverec.apply", "arguments": [[1]]}),
    "a command about a half of a character": (
        "workspace/executeCommand",
        {"command": "evolverec.apply", "arguments": [{"proposal": "\ud800", "repo": "\x00"}]},
    ),
    "a job by a path": (
        "workspace/executeCommand",
        {"command": "evolverec.cancel", "arguments": [{"repo": "/proc"}]},
    ),
    "content of a repo that is none": (
        "workspace/textDocumentContent",
        {"uri": "evolverec-proposal:/p1/x?%00"},
    ),
    "a recommender in no folder": (
        "workspace/executeCommand",
        {"command": "evolverec.newRepo", "arguments": [{"folder": "a\x00b"}]},
    ),
}


@pytest.mark.parametrize(("method", "params"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_done_is_refused_in_a_line(session: Session, method: str, params: Any):
    answer = session.server.ask(method, params)
    assert error_code(answer) == FAILED
    assert "fault of evolverec" not in answer["error"]["message"]


ODD_URIS = {
    "no file": "http://example.org/model.py",
    "untitled": "untitled:Untitled-1",
    "no absolute path": "file:model.py",
    "another machine's": "file://host/model.py",
    "broken percent encoding": "file:///%zz/%e9%",
    "a null byte": "file:///a%00b.py",
    "half of a character": "file:///\ud800.py",
    "a name of 4,000 characters": "file:///" + "n" * 4000,
    "4,000 folders": "file:///" + "a/" * 4000,
    "nothing": "",
}


@pytest.mark.parametrize("uri", ODD_URIS.values(), ids=ODD_URIS.keys())
def test_a_document_that_is_no_file_has_nothing_to_say(session: Session, uri: str):
    document = {"textDocument": {"uri": uri}}
    session.server.send(
        call(
            "textDocument/didOpen",
            {"textDocument": {"uri": uri, "languageId": "x", "version": 1, "text": MODEL}},
        ),
        call("textDocument/didSave", document),
    )
    assert session.hover(uri=uri)["result"] is None
    assert session.server.ask("textDocument/codeLens", document)["result"] in ([], None)
    config = {"textDocument": {"uri": uri + "/evolverec.toml"}, "position": {"line": 0, "character": 0}}
    assert "error" not in session.server.ask("textDocument/completion", config)
    session.server.send(call("textDocument/didClose", document))


BROKEN: dict[str, tuple[bytes, int | None]] = {
    "a negative length": (b"Content-Length: -5\r\n\r\n{}", PARSE),
    "a length that is no number": (b"Content-Length: five\r\n\r\n{}", PARSE),
    "no length": (b"Content-Type: application/json\r\n\r\n{}", PARSE),
    "no header": (b'{"jsonrpc": "2.0", "id": 1, "method": "shutdown"}\n', PARSE),
    "an empty length": (b"Content-Length:\r\n\r\n{}", PARSE),
    "two lengths that differ": (b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", PARSE),
    "a huge length": (b"Content-Length: 99999999999999999999999999999999999\r\n\r\n{}", PARSE),
    "a length of terabytes": (b"Content-Length: 1099511627776\r\n\r\n{}", PARSE),
    "a length that is too small": (b"Content-Length: 5\r\n\r\n" + frame(call("x", None, 1)).split(b"\r\n\r\n")[1], PARSE),
    "a length that is too large": (b'Content-Length: 5000\r\n\r\n{"jsonrpc"', PARSE),
    "a length of 0": (b"Content-Length: 0\r\n\r\n", PARSE),
    "no JSON": (b"Content-Length: 5\r\n\r\n{...}", PARSE),
    "no UTF-8": (b'Content-Length: 4\r\n\r\n"\xff\xfe"', PARSE),
    "no number of JSON": (b"Content-Length: 3\r\n\r\nNaN", PARSE),
    "100,000 lists in each other": (b"Content-Length: 100000\r\n\r\n" + b"[" * 100_000, PARSE),
    "300 lists in each other": (b"Content-Length: 600\r\n\r\n" + b"[" * 300 + b"]" * 300, REQUEST),
    "a number": (b"Content-Length: 1\r\n\r\n7", REQUEST),
    "an empty batch": (b"Content-Length: 2\r\n\r\n[]", REQUEST),
    "an object without anything": (b"Content-Length: 2\r\n\r\n{}", REQUEST),
    "an id of null": (frame({"jsonrpc": "2.0", "id": None, "method": "shutdown"}), REQUEST),
    "an id of a list": (frame({"jsonrpc": "2.0", "id": [1], "method": "shutdown"}), REQUEST),
    "another version": (frame({"jsonrpc": "1.0", "method": "x"}), REQUEST),
    "junk of a shell": (b"Last login: today\r\nbash: no job control\r\n", None),
}  # fmt: skip


@pytest.mark.parametrize(("sent", "code"), BROKEN.values(), ids=BROKEN.keys())
def test_broken_bytes_are_answered_and_the_next_message_is_read(
    session: Session, sent: bytes, code: int | None
):
    session.server.answers.pop(None, None)
    session.server.write(sent)
    session.check()
    refused = [error_code(answer) for answer in session.server.answers.get(None, [])]
    assert refused == ([] if code is None else [code])


ODD_FRAMES: dict[str, Callable[[bytes], bytes]] = {
    "lower case": lambda body: b"content-length: %d\r\n\r\n" % len(body) + body,
    "upper case and no space": lambda body: b"CONTENT-LENGTH:%d\r\n\r\n" % len(body) + body,
    "line feeds alone": lambda body: b"Content-Length: %d\n\n" % len(body) + body,
    "a type after": lambda body: (
        b"Content-Length: %d\r\nContent-Type: a/b; charset=utf8\r\n\r\n" % len(body) + body
    ),
    "a type before": lambda body: b"Content-Type: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body,
    "an unknown header": lambda body: b"X-Trace: 1\r\nContent-Length: %d\r\n\r\n" % len(body) + body,
    "the length twice": lambda body: b"Content-Length: %d\r\n" % len(body) * 2 + b"\r\n" + body,
    "leading zeros": lambda body: b"Content-Length: %012d\r\n\r\n" % len(body) + body,
    "a length too large before another message": lambda body: b"Content-Length: 9999\r\n\r\n" + body,
    "UTF-16": lambda body: (
        b"Content-Length: %d\r\n\r\n" % (2 * len(body)) + body.decode().encode("utf-16-le")
    ),
}


@pytest.mark.parametrize("framed", ODD_FRAMES.values(), ids=ODD_FRAMES.keys())
def test_an_unusual_frame_is_read(session: Session, framed: Callable[[bytes], bytes]):
    session.server.answers.pop("framed", None)
    body = json.dumps(call("evolverec/choices", None, "framed")).encode()
    session.server.write(framed(body))
    session.check()
    assert "seeds" in session.server.answer("framed")["result"]


@pytest.mark.parametrize(
    "ident", [0, -7, 2**60, 1.5, "", "\ud800", "x" * 9000], ids=lambda ident: repr(ident)[:12]
)
def test_an_id_comes_back_as_it_is(session: Session, ident: Any):
    session.server.send(call("textDocument/codeLens", {"textDocument": {"uri": session.model}}, ident))
    assert session.server.answer(ident)["result"]
    session.server.answers.pop(ident)


def test_a_batch_is_refused_as_one_and_for_each_request_in_it(session: Session):
    session.server.answers.pop(None, None)
    session.server.send([call("shutdown", None, "b1"), call("exit"), call("textDocument/hover", {}, "b2")])
    assert [error_code(session.server.answer(ident)) for ident in (None, "b1", "b2")] == [REQUEST] * 3


def test_methods_that_are_not_ours_are_refused_or_ignored(session: Session):
    for number, method in enumerate(
        ("textDocument/rename", "$/unknown", "", "a\x1b[31m", "textDocument/didOpen")
    ):
        session.server.send(call(method, {}, f"unknown{number}"))
        assert error_code(session.server.answer(f"unknown{number}")) == METHOD
        session.server.send(call(method, {}))
    session.server.send(call("$/setTrace", {"value": "loud"}), call("textDocument/hover", {}))


def test_a_second_initialize_is_refused(session: Session):
    assert error_code(session.server.ask("initialize", {"capabilities": {}})) == REQUEST
    session.server.send(call("initialized", {}), call("initialized", None))


def test_answers_that_nobody_asked_for_change_nothing(session: Session):
    for ident in (1, "x", "evolverec-1", 1.5):
        session.server.send({"jsonrpc": "2.0", "id": ident, "result": {"a": 1}})
        session.server.send({"jsonrpc": "2.0", "id": ident, "error": {"code": "no"}})
    session.server.send(call("textDocument/codeLens", {"textDocument": {"uri": session.model}}, 777))
    session.server.send({"jsonrpc": "2.0", "id": 777, "result": "stolen"})
    assert isinstance(session.server.answer(777)["result"], list)


def test_a_request_is_cancelled_before_while_and_after(session: Session):
    """The command waits for a person's consent, who says nothing."""
    session.server.reply = lambda asked: None
    session.server.send(call("$/cancelRequest", {"id": "wait"}))
    session.server.send(
        call("workspace/executeCommand", {"command": "evolverec.train", "arguments": []}, "wait")
    )
    assert session.server.wait(lambda: any("trust" in said for said in session.server.popups()))
    session.server.send(call("workspace/executeCommand", {"command": "evolverec.status"}, "wait"))
    assert error_code(session.server.answer("wait")) == REQUEST, "the id is in use"
    session.server.send(
        *[call("$/cancelRequest", params) for params in ({"id": "wait"}, {"id": "wait"}, {"id": {}}, None)]
    )
    assert session.server.wait(lambda: len(session.server.answers["wait"]) == 2)
    assert error_code(session.server.answers["wait"][1]) == CANCELLED
    session.server.told.clear()
    session.server.reply = lambda asked: {"result": None}


def test_ten_thousand_requests_at_once_are_answered_or_refused(session: Session):
    lens = {"textDocument": {"uri": session.model}}
    idents = [f"burst{number}" for number in range(10_000)]
    session.server.send(*(call("textDocument/codeLens", lens, ident) for ident in idents))
    assert session.server.wait(lambda: len(session.server.answers.keys() & set(idents)) == len(idents))
    assert all(len(session.server.answers[ident]) == 1 for ident in idents)


def test_commands_that_wait_for_a_person_are_few_and_the_rest_is_answered(session: Session):
    session.server.reply = lambda asked: None
    idents = [f"crowd{number}" for number in range(200)]
    train = {"command": "evolverec.train", "arguments": [{"repo": str(session.places.repo)}]}
    session.server.send(*(call("workspace/executeCommand", train, ident) for ident in idents))
    session.hover()
    refused = [ident for ident in idents if ident in session.server.answers]
    assert 100 < len(refused) < 200
    assert {error_code(session.server.answers[ident][0]) for ident in refused} == {FAILED}
    session.server.send(*(call("$/cancelRequest", {"id": ident}) for ident in idents))
    assert session.server.wait(lambda: set(idents) <= session.server.answers.keys())
    session.server.told.clear()
    session.server.reply = lambda asked: {"result": None}


def test_a_client_that_reads_nothing_is_waited_for(session: Session):
    """It sends 2,000 requests before it reads the first answer, as a script does."""
    lens = {"textDocument": {"uri": session.model}}
    with session.server._changed:  # its reader waits here
        for number in range(2000):
            session.server.send(call("textDocument/codeLens", lens, f"unread{number}"))
    assert session.server.wait(lambda: "unread1999" in session.server.answers)


def edit(start: tuple[int, int], end: tuple[int, int], text: str) -> dict[str, Any]:
    (row, column), (last, until) = start, end
    span = {"start": {"line": row, "character": column}, "end": {"line": last, "character": until}}
    return {"range": span, "text": text}


EDITS: dict[str, list[Any]] = {
    "a range out of the text": [edit((9999, 9), (2**40, 2**40), "# end\n")],
    "a range that ends before it starts": [edit((5, 3), (2, 0), "")],
    "between the halves of a character": [
        edit((7, 70), (7, 71), "x"),
        edit((0, 0), (0, 0), "😀"),
        edit((0, 1), (0, 1), "y"),
    ],
    "half a character": [edit((0, 0), (0, 0), "\ud83d"), edit((0, 1), (0, 1), "\ude00")],
    "a negative line": [edit((-1, 0), (0, 0), "x")],
    "null for a change": [None],
    "no text": [{"range": None}],
    "text as a number": [{"text": 5}],
    "many at once": [edit((0, 0), (0, 0), "#") for _ in range(500)],
}


@pytest.mark.parametrize("changes", EDITS.values(), ids=EDITS.keys())
@pytest.mark.parametrize("version", [2, -5, 10**20, "x"], ids=str)
def test_an_odd_edit_ends_nothing(session: Session, changes: list[Any], version: Any):
    document = {"uri": session.model, "version": version}
    session.server.send(call("textDocument/didChange", {"textDocument": document, "contentChanges": changes}))
    assert "error" not in session.hover(line=0)
    session.open()  # a second time, without a close


def test_notifications_about_documents_that_are_not_open_are_dropped(session: Session):
    absent = {"uri": session.places.uris[2], "version": 1}
    params = {"textDocument": absent, "contentChanges": [{"text": "x"}]}
    session.server.send(
        call("textDocument/didChange", params),
        call("textDocument/didSave", {"textDocument": absent}),
        call("textDocument/didClose", {"textDocument": absent}),
        call("textDocument/didClose", {"textDocument": absent}),
        call("notebookDocument/didChange", {"notebookDocument": {"uri": "x"}}),
        call("workspace/didChangeConfiguration", 5),
        call(
            "workspace/didChangeWatchedFiles",
            {"changes": [{"uri": session.model, "type": 9}, {"uri": "file:///%00"}]},
        ),
        call(
            "workspace/didChangeWorkspaceFolders",
            {"event": {"added": [{"uri": "x:y"}], "removed": [{"uri": "file:///\ud800"}]}},
        ),
        call("window/workDoneProgress/cancel", {"token": ["x"]}),
    )


DEEP = {
    "nested markdown": "> " * 5000 + "*" * 5000 + "[" * 5000,
    "nested brackets": "x = " + "(" * 5000 + ")" * 5000,
    "nested signs": "x = " + "-" * 20_000 + "1",
    "a long sum": "x = " + "1 + " * 20_000 + "1",
    "a long chain of calls": "x = a" + ".b()" * 20_000,
    "nested functions": "\n".join(" " * depth + "def f():" for depth in range(95)),
    "one line of 10 MB": "# " + "é" * 5_000_000,
}


@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP.keys())
@pytest.mark.parametrize("name", ["model.py", "evolverec.toml"])
def test_a_deep_document_is_hovered_over(session: Session, text: str, name: str):
    uri = (session.places.repo / name).as_uri()
    item = {"uri": uri, "languageId": "x", "version": 1, "text": text}
    session.server.send(call("textDocument/didOpen", {"textDocument": item}))
    begun = time.monotonic()
    assert "error" not in session.hover(line=0, uri=uri)
    assert time.monotonic() - begun < 20
    session.server.send(call("textDocument/didClose", {"textDocument": {"uri": uri}}))
    session.open()


INTRODUCTIONS: dict[str, tuple[Any, int | None]] = {
    "null": (None, PARAMS),
    "a list": ([], PARAMS),
    "text": ("x", PARAMS),
    "nothing": ({}, None),
    "encodings as a number": ({"capabilities": {"general": {"positionEncodings": 5}}}, None),
    "encodings of any kind": ({"capabilities": {"general": {"positionEncodings": [None, {}, [], "utf-8"]}}}, None),
    "capabilities as a list": ({"capabilities": [1]}, None),
    "capabilities of other types": (
        {"capabilities": {"textDocument": {"hover": 5, "codeAction": {"tagSupport": []}}, "window": "x", "workspace": [0]}},
        None,
    ),
    "folders of other types": ({"workspaceFolders": [None, {"uri": 5}, {"uri": "file://["}, "x"], "rootUri": 7}, None),
    "a process of another type": ({"processId": 2**80}, None),
    "a root path alone": ({"rootPath": "relative\x00", "rootUri": None}, None),
    "options of other types": ({"initializationOptions": [{"python": 5}]}, None),
}  # fmt: skip


@pytest.mark.parametrize(("params", "code"), INTRODUCTIONS.values(), ids=INTRODUCTIONS.keys())
def test_an_odd_start_is_answered_and_a_session_follows(fresh: RawServer, params: Any, code: int | None):
    assert error_code(fresh.ask("initialize", params)) == code
    if code is not None:
        assert "capabilities" in fresh.ask("initialize", {"capabilities": {}})["result"]
    assert "error" not in fresh.ask("evolverec/choices")  # without `initialized`, too
    assert fresh.end() == 0


def test_what_comes_before_initialize_is_refused_and_does_not_end_the_server(fresh: RawServer):
    fresh.write(b"Welcome to the machine!\r\n\r\nLast login: today\r\n")
    assert error_code(fresh.ask("textDocument/hover", {})) == EARLY
    assert error_code(fresh.ask("shutdown")) == EARLY
    fresh.write(b"Content-Length: 3\r\n\r\n{,}")
    fresh.send(call("initialized", {}), [], {"jsonrpc": "2.0", "id": 5, "result": 1})
    fresh.begin(None)
    assert "error" not in fresh.ask("evolverec/choices")
    assert [error_code(answer) for answer in fresh.answers[None]] == [PARSE, REQUEST]
    assert "skipped" in fresh.log()
    assert fresh.ask("shutdown")["result"] is None
    assert error_code(fresh.ask("textDocument/hover", {})) == REQUEST
    assert error_code(fresh.ask("shutdown")) == REQUEST
    fresh.send(call("textDocument/didSave", {}), call("exit"))
    assert fresh.process.wait(20) == 0


def leave(server: RawServer, how: str) -> None:
    """The last bytes of a session that does not end as it should."""
    last = {
        "exit before initialize": frame(call("exit")),
        "no message at all": b"",
        "in the middle of a header": b"Content-Len",
        "in the middle of a message": b'Content-Length: 500\r\n\r\n{"jsonrpc": "2.0", "id": 1',
        "no LSP at all": b"GET / HTTP/1.1\r\n" * 70_000,
    }[how]
    server.write(last)


@pytest.mark.parametrize(
    ("how", "word"),
    [
        ("exit before initialize", ""),
        ("no message at all", ""),
        ("in the middle of a header", "Content-Len"),
        ("in the middle of a message", "26 bytes came"),
        ("no LSP at all", "expected a header such as"),
    ],
)
def test_a_session_that_never_began_ends_with_a_word_and_an_exit_code(fresh: RawServer, how: str, word: str):
    leave(fresh, how)
    assert fresh.close_input() == WRONG_EXIT
    assert word in fresh.log()
    assert fresh.log().count("\n") <= 2


@pytest.mark.parametrize("how", ["exit", "closed", "cut", "both ends closed"])
def test_a_client_that_leaves_without_shutdown_gets_its_answers(fresh: RawServer, how: str, tmp_path: Path):
    places = fuzzed_repo(tmp_path / "repo")
    fresh.reply = lambda asked: None
    fresh.begin(places.repo)
    train = call("workspace/executeCommand", {"command": "evolverec.train"}, "train")
    lens = call("textDocument/codeLens", {"textDocument": {"uri": places.uris[0]}}, "lens")
    fresh.send(train, lens)
    if how == "both ends closed":
        assert fresh.process.stdout
        fresh.answer("lens")
        os.close(fresh.process.stdout.fileno())
        fresh.send(
            *[call("textDocument/codeLens", {"textDocument": {"uri": places.uris[0]}}, n) for n in range(5)]
        )
        assert fresh.process.wait(20) == WRONG_EXIT
        assert "reads no more" in fresh.log()
        fresh.noise.clear()  # of the test's own: it has closed what its reader reads from
        fresh.told.clear()  # whether the code may run may have been asked before
        return
    if how == "exit":
        fresh.send(call("exit"))
    else:
        fresh.write(b"" if how == "closed" else b"Content-Length: 9\r\n\r\n{")
        assert fresh.process.stdin
        fresh.process.stdin.close()
    assert fresh.process.wait(20) == WRONG_EXIT
    fresh.wait(lambda: False)
    assert "result" in fresh.answers["lens"][0]
    assert error_code(fresh.answers["train"][0]) == CANCELLED
    fresh.told.clear()
