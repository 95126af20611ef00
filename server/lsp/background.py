"""Four threads beside the loop, so that a slow disk never delays an answer from memory.

`store` reads and writes repos, one thing after the other (the store's connection wants one thread); `think` looks
at text that is already there; `survey` looks at a whole repo for the editor's own views; `browse` lists a repo's files for evolverec.toml. None runs anything long: long work is a job, in its own process.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Background:
    def __init__(self) -> None:
        self._store = ThreadPoolExecutor(max_workers=1, thread_name_prefix="evolverec-store")
        self._think = ThreadPoolExecutor(max_workers=1, thread_name_prefix="evolverec-think")
        self._survey = ThreadPoolExecutor(max_workers=1, thread_name_prefix="evolverec-survey")
        self._browse = ThreadPoolExecutor(max_workers=1, thread_name_prefix="evolverec-browse")

    async def store(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._store, partial(work, *args, **kwargs))

    async def think(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._think, partial(work, *args, **kwargs))

    async def survey(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._survey, partial(work, *args, **kwargs))

    async def browse(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._browse, partial(work, *args, **kwargs))

    def close(self) -> None:
        for pool in (self._store, self._think, self._survey, self._browse):
            pool.shutdown(wait=False, cancel_futures=True)
