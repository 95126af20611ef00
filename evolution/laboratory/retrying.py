"""What ended a trial from outside says nothing about its program, so the trial is run once more, and the user is told.

What cannot be told from a program that kills itself counts as the program's own fault the second time. What is known to have
come from outside never does: such a trial is stored as killed, and whoever asks for it later has it run again.
"""

from collections.abc import Callable
from dataclasses import replace

from evolution.domain.trial import Failure, FailureReason, Trial

Tell = Callable[[str], None]
_ITS_OWN = (
    "it happened twice, and nothing shows that it came from outside, so it counts as the program's own doing "
    "(`train` runs your version again, whatever is stored)"
)
_NOT_ITS_OWN = (
    "it happened twice; this says nothing about the program, which is run again when it is next asked for"
)


def run_unless_killed(run: Callable[[], Trial], tell: Tell) -> Trial:
    """The trial that `run` returns, called once more where the first one was killed. tell: says so to the user."""
    first = run()
    if first.failure is None or not is_to_be_repeated(first.failure):
        return first
    tell(again_in_words(first.failure))
    second = run()
    failure = second.failure
    return second if failure is None else replace(second, failure=settled(failure))


def is_to_be_repeated(failure: Failure) -> bool:
    """Whether the failure says nothing about the program yet."""
    return failure.reason is FailureReason.KILLED


def again_in_words(failure: Failure) -> str:
    return f"it was ended by what need not be its own fault and is tried once more: {failure.message}"


def settled(failure: Failure) -> Failure:
    """The failure of a second try: whose fault it is."""
    if failure.reason is not FailureReason.KILLED:
        return failure
    if failure.outside:
        return replace(failure, message=f"{failure.message}; {_NOT_ITS_OWN}")
    memory = "out of memory" in failure.message.lower()
    reason = FailureReason.OUT_OF_MEMORY if memory else FailureReason.CRASH
    return replace(failure, reason=reason, message=f"{failure.message}; {_ITS_OWN}")
