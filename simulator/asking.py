"""How simulated users reach a language model: a function they are given, asked from a few threads at once.

What the function does with an exchange (cost, cache, repair, retries) is its owner's business. A failed exchange
is told by an exception whose class says `is_llm_failure = True`: it stands for nothing, so nobody guesses it.
"""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    import pydantic

R = TypeVar("R", bound="pydantic.BaseModel")
T = TypeVar("T")
S = TypeVar("S")


class Ask(Protocol):
    """One exchange. prompt: its name; values: what it renders; reply: the schema of the answer.

    Raises an error with `is_llm_failure`: the answer could not be had.
    """

    def __call__(self, prompt: str, values: Mapping[str, Any], reply: type[R]) -> R: ...


class AskingStopped(Exception):
    """Somebody called it off while users were being asked."""


def is_llm_failure(error: BaseException) -> bool:
    return bool(getattr(error, "is_llm_failure", False))


def ask_each(
    do: Callable[[T], S], things: Iterable[T], *, concurrency: int, cancelled: Callable[[], bool]
) -> list[S | None]:
    """do(thing) for each, `concurrency` at once, in the order of things; None where an exchange failed.

    Raises AskingStopped once `cancelled` says so, before the next exchange; any other error of `do` as it is.
    """

    def attempt(thing: T) -> S | None:
        if cancelled():
            raise AskingStopped("stopped while simulated users were being asked")
        try:
            return do(thing)
        except Exception as error:
            if not is_llm_failure(error):
                raise
            return None

    with ThreadPoolExecutor(max_workers=max(concurrency, 1)) as pool:
        waiting = [pool.submit(attempt, thing) for thing in things]
        try:
            return [future.result() for future in waiting]
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
