"""Calls a language model for simulated users, through a function that is passed in, from a few threads at once.

Cost, cache, repair and retries are up to the owner of that function. A failed call raises an exception whose class
has `is_llm_failure = True`; no answer is made up in its place.
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
    """The function for one LLM call.

    prompt: the name of the prompt template
    values: the values that the template renders
    reply: the pydantic model of the answer
    Raises an exception with `is_llm_failure` if there is no valid answer.
    """

    def __call__(self, prompt: str, values: Mapping[str, Any], reply: type[R]) -> R: ...


class AskingStopped(Exception):
    """The asking of users was cancelled."""


def is_llm_failure(error: BaseException) -> bool:
    """Whether the exception means that an LLM call failed."""
    return bool(getattr(error, "is_llm_failure", False))


def ask_each(
    do: Callable[[T], S], things: Iterable[T], *, concurrency: int, cancelled: Callable[[], bool]
) -> list[S | None]:
    """do(thing) for each thing, `concurrency` at once, in the order of things; None if its LLM call failed.

    Raises AskingStopped before the next call once `cancelled` returns true; other errors of `do` are passed on.
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
