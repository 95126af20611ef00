"""Nothing is held of a message once it has been dealt with, however many come."""

import asyncio

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

    for number, handler in enumerate((later, by_steps)):
        protocol._execute_handler(f"n{number}", handler, lambda future: done.append(future.result()))
    assert protocol._request_futures
    while len(done) < 2:
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert sorted(done) == ["at once", "later"]
    assert not protocol._request_futures
