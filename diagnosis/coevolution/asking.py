"""An LLM as a function. Who answers, and what it costs, is the caller's business."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    import pydantic

R = TypeVar("R", bound="pydantic.BaseModel")


class Ask(Protocol):
    """One exchange: the prompt called `prompt`, rendered with `values`, answered as a `reply`.

    Raises an error for which `is_llm_failure` holds where the exchange could not be had.
    """

    def __call__(self, prompt: str, values: Mapping[str, Any], reply: type[R]) -> R: ...


def is_llm_failure(error: BaseException) -> bool:
    """Whether an error says that an exchange could not be had, rather than that our own code is wrong."""
    return bool(getattr(error, "is_llm_failure", False))
