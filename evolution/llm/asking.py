"""The LLM as a function, as planner, coder and the others see it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    import pydantic

R = TypeVar("R", bound="pydantic.BaseModel")


class Ask(Protocol):
    """One exchange with an LLM.

    prompt: name of a file in `prompts/`.
    values: for the prompt's template.
    reply: the schema of the answer.

    Raises LlmError if there is no usable answer: the endpoint is unavailable, the model declines, the answer stays
    malformed after repairs, the budget is spent, or a replay has no record.
    """

    def __call__(self, prompt: str, values: Mapping[str, Any], reply: type[R]) -> R: ...
