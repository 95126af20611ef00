"""The LLM as a function. The caller decides which model answers, and pays for it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    import pydantic

R = TypeVar("R", bound="pydantic.BaseModel")


class Ask(Protocol):
    """One exchange with an LLM: the prompt named `prompt`, rendered with `values` and answered as a `reply`.

    Raises an error for which `is_llm_failure` holds if there is no usable answer.
    """

    def __call__(self, prompt: str, values: Mapping[str, Any], reply: type[R]) -> R: ...


def is_llm_failure(error: BaseException) -> bool:
    """Whether an error means that the LLM gave no usable answer, rather than that our own code is wrong."""
    return bool(getattr(error, "is_llm_failure", False))
