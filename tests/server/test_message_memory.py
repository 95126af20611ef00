"""Nothing is held of a message once it has been dealt with, however many come."""

import asyncio
from typing import Any

from server.lsp.server import EvolverecServer


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
