"""The LLM as a function: what planner, coder and the others are given, and all that they know of it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    import pydantic

R = TypeVar("R", bound="pydantic.BaseModel")


class Ask(Protocol):
    """prompt: name of a file in `prompts/`. values: what it renders. reply: the schema of the answer.

    Raises LlmError where the exchange could not be had: unavailable, refused, malformed after repair, budget
    spent, not recorded.
    """

    def __call__(self, prompt: str, values: Mapping[str, Any], reply: type[R]) -> R: ...
