"""Four threads beside the event loop, so that slow disk access never delays answers from memory.

`store` reads and writes repos' stores, one call at a time (the store's connection is bound to one thread); `think`
computes on text in memory; `survey` reads a whole repo for the editor's own views; `browse` lists a repo's files for
evolverec.toml. Long work runs on none of them: it is started as a job, in a process of its own.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Background:
    """The session's threads, one executor of one worker each."""

    def __init__(self) -> None:
        self._store = ThreadPoolExecutor(max_workers=1, thread_name_prefix="evolverec-store")
        self._think = ThreadPoolExecutor(max_workers=1, thread_name_prefix="evolverec-think")
        self._survey = ThreadPoolExecutor(max_workers=1, thread_name_prefix="evolverec-survey")
        self._browse = ThreadPoolExecutor(max_workers=1, thread_name_prefix="evolverec-browse")

    async def store(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work` on the thread that owns the stores' connections."""
        return await asyncio.get_running_loop().run_in_executor(self._store, partial(work, *args, **kwargs))

    async def think(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a computation on text that is already in memory."""
        return await asyncio.get_running_loop().run_in_executor(self._think, partial(work, *args, **kwargs))

    async def survey(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a computation over a whole repo for one of the editor's own views."""
        return await asyncio.get_running_loop().run_in_executor(self._survey, partial(work, *args, **kwargs))

    async def browse(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run file listing and reading for evolverec.toml, its pages and new repos."""
        return await asyncio.get_running_loop().run_in_executor(self._browse, partial(work, *args, **kwargs))

    def close(self) -> None:
        """Drop calls that are still queued; a call that is running is not waited for."""
        for pool in (self._store, self._think, self._survey, self._browse):
            pool.shutdown(wait=False, cancel_futures=True)
