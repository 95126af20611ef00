"""Why a probe is not admitted: a code for programs, a sentence for people and for the probe's author."""

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    MALFORMED = "malformed"  # no parsable function `measure(view)`
    FORBIDDEN = "forbidden"  # reaches for files, the network, other processes, or the interpreter
    SWALLOWS = "swallows-exceptions"
    GLOBAL_STATE = "global-state"
    NOT_DETERMINISTIC = "not-deterministic"
    ABSENT = "absent-evidence"  # what it needs is not there in this trial
    RAISED = "raised"
    SHAPE = "wrong-shape"
    NOT_FINITE = "not-finite"
    TIME = "over-time"
    MEMORY = "over-memory"
    CONSTANT = "constant"
    SERVING = "serving-forbids"  # measures what lists can never hold
    WRONG_SIGN = "wrong-sign"
    NO_EFFECT = "no-effect"  # cannot tell models that were made bad from good ones
    ELSEWHERE = "measures-something-else"  # another fault moves it more than the one complained of
    UNSTABLE = "unstable"
    COPY = "copy"
    DISAGREES = "disagrees"  # with the complaint it was written for
    UNVERIFIABLE = "unverifiable"  # nothing is known of models that are bad in this way


@dataclass(frozen=True, kw_only=True)
class Rejection:
    """sentence: what was measured, what was expected."""

    reason: Reason
    sentence: str


class ProbeFailed(Exception):
    """A probe could not be run to its end."""

    def __init__(self, reason: Reason, sentence: str) -> None:
        super().__init__(sentence)
        self.rejection = Rejection(reason=reason, sentence=sentence)
