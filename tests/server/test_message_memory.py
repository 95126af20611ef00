"""Nothing is held of a message once it has been dealt with, however many come."""

import asyncio
from typing import Any

from server.lsp.handshake import opening
from server.lsp.messages import Response
from server.lsp.recent import Recent
from server.lsp.server import EvolverecServer, as_params


async def test_nothing_is_kept_of_a_notification_that_was_handled():
    protocol = EvolverecServer().protocol
    done = []

    async def at_once():
        return "at once"

    async def later():
        await asyncio.sleep(0)
        return "later"

    def by_steps():
        told = yield at_once, (), {}
        return told

    handlers: tuple[Any, ...] = (later, by_steps)  # pygls' type has a parameter; these are called without
    for number, handler in enumerate(handlers):
        protocol._execute_handler(f"n{number}", handler, lambda future: done.append(future.result()))
    assert protocol._request_futures
    while len(done) < 2:
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert sorted(done) == ["at once", "later"]
    assert not protocol._request_futures


async def test_documents_that_are_never_closed_are_held_up_to_a_limit(monkeypatch):
    monkeypatch.setattr("server.lsp.protocol.MAX_OPEN", 2)
    monkeypatch.setattr("server.lsp.protocol.MAX_TEXT", 100)
    monkeypatch.setattr("server.lsp.protocol.LONG_TEXT", 10)
    server = EvolverecServer()
    server.protocol.begin(as_params(opening({})))

    def notify(method: str, **params: Any) -> None:
        server.protocol.run(method, method, server.protocol.read_params(method, params), lambda _: None)

    for name, text in {"long": "x" * 101, "a": "x" * 90, "b": "x" * 20, "c": "x" * 9, "d": "x"}.items():
        document = {"uri": f"untitled:{name}", "version": 1, "text": text}
        notify("textDocument/didOpen", textDocument=document)
    assert [*server.workspace.text_documents] == ["untitled:a", "untitled:c"]
    change = {"uri": "untitled:c", "version": 2}
    notify("textDocument/didChange", textDocument=change, contentChanges=[{"text": "x" * 50}])
    assert [*server.workspace.text_documents] == ["untitled:a"]
    await server.session.close()


def test_the_files_that_were_looked_at_last_are_kept():
    recent = Recent[int](2)
    recent["a"], recent["b"] = 1, 2
    assert recent.get("a") == 1
    recent["c"] = 3
    assert dict(recent) == {"a": 1, "c": 3}
    assert recent.get("b") is None


async def test_of_requests_to_a_client_that_never_answers_the_oldest_fail(monkeypatch):
    monkeypatch.setattr("server.lsp.protocol.MAX_ASKED", 2)
    protocol = EvolverecServer().protocol
    asked = [protocol.send_request("evolverec/asked") for _ in range(4)]
    assert [future.done() for future in asked] == [True, True, False, False]
    asked[2].cancel()
    protocol.take_response(Response(id="evolverec-4", result=[1]))
    assert asked[3].result() == [1]
    assert not protocol._asked
