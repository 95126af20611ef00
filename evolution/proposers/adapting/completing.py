"""Completes an adapter: the model drafts, the checks correct it, until they pass or there is no more to be tried."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from evolution.base.errors import LlmError
from evolution.proposers.adapting.asking import adapter_values, draft_of
from evolution.proposers.adapting.attempts import AdapterDraft, Attempt, Completion, Task, Wrong
from evolution.proposers.adapting.replies import AdapterReply

if TYPE_CHECKING:
    from evolution.llm.asking import Ask

Check = Callable[[AdapterDraft], Wrong | None]  # what is wrong with a draft, tried in the sandbox
Tell = Callable[[str], None]


def completed(
    task: Task, draft: AdapterDraft, *, ask: "Ask", check: Check, rounds: int, header: str, tell: Tell
) -> Completion:
    """Ask for an adapter until one passes, at most `rounds` times. Raises Cancelled.

    The model is asked nothing where `draft`, which init wrote, passes already. header: the docstring of what it writes.
    tell: takes a sentence on each attempt.
    """
    wrong = check(draft)
    if wrong is None:
        return Completion(passed=draft, was_whole=True)
    tell(f"the draft does not pass: {wrong.first_line}")
    tried = list[Attempt]()
    for number in range(1, rounds + 1):
        try:
            reply = ask("adapter", adapter_values(task, draft, wrong, tried), AdapterReply)
        except LlmError as error:
            return _ended(tried, str(error))
        answer, refused = draft_of(task, draft, reply, header)
        if any(one.draft == answer for one in tried):
            return _ended(tried, "the model repeats itself")
        attempt = Attempt(draft=answer, wrong=refused or check(answer))
        tried.append(attempt)
        if attempt.wrong is None:
            tell(f"answer {number} of at most {rounds} passes the checks")
            return Completion(passed=attempt.draft, attempts=tuple(tried))
        tell(f"answer {number} of at most {rounds} does not pass: {attempt.wrong.first_line}")
    return _ended(tried, f"no answer passed the checks in {rounds} rounds")


def _ended(tried: list[Attempt], why: str) -> Completion:
    last = tried[-1].wrong if tried else None
    left = f"; of the last answer, {last.first_line}" if last is not None else ""
    return Completion(passed=None, stopped=why + left, attempts=tuple(tried))
