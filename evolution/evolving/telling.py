"""Says what an LLM is asked for while a run waits for it, so that planning and coding are no silence."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from evolution.domain.job import EventType
from evolution.laboratory.context import EventLog
from evolution.llm.asking import Ask

if TYPE_CHECKING:
    import pydantic

R = TypeVar("R", bound="pydantic.BaseModel")

WORDS = {
    "plan-queries": "planning: what to look up",
    "plan-report": "planning: ideas",
    "plan-reflect": "planning: a second look at the ideas",
    "code": "writing the patch: {title}",
    "code-reflect": "looking at the patch again: {title}",
    "debug": "mending the patch: {title}",
    "probe": "writing a probe",
}


@dataclass(frozen=True, kw_only=True)
class TellingAsk:
    """An `Ask` that emits a progress event before each exchange of planner, coder, debugger and probe author."""

    ask: Ask
    events: EventLog

    def __call__(self, prompt: str, values: Mapping[str, Any], reply: "type[R]") -> R:
        """See `Ask`."""
        if prompt in WORDS:
            idea = values.get("idea", {})
            words = WORDS[prompt].format(title=idea.get("title", "") if isinstance(idea, Mapping) else "")
            self.events.emit(EventType.PROGRESS, words, trial="", fraction=None, left_s=None)
        return self.ask(prompt, values, reply)
