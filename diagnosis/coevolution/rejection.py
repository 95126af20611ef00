"""Rejections of evolved probes: a code for programs, and a sentence for people and for the probe's author."""

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Why an evolved probe is rejected."""

    MALFORMED = "malformed"  # no parsable function `measure(view)`
    FORBIDDEN = "forbidden"  # reaches for files, the network, other processes, or the interpreter
    SWALLOWS = "swallows-exceptions"
    GLOBAL_STATE = "global-state"
    NOT_DETERMINISTIC = "not-deterministic"
    ABSENT = "absent-evidence"  # this trial lacks data that the probe needs
    RAISED = "raised"
    SHAPE = "wrong-shape"
    NOT_FINITE = "not-finite"
    TIME = "over-time"
    MEMORY = "over-memory"
    CONSTANT = "constant"
    SERVING = "serving-forbids"  # measures something that served lists never hold
    WRONG_SIGN = "wrong-sign"
    NO_EFFECT = "no-effect"  # cannot tell models that were made bad from good ones
    ELSEWHERE = "measures-something-else"  # another fault moves it more than the one complained of
    UNSTABLE = "unstable"
    COPY = "copy"
    DISAGREES = "disagrees"  # with the complaint it was written for
    UNVERIFIABLE = "unverifiable"  # no models with this fault are known


@dataclass(frozen=True, kw_only=True)
class Rejection:
    """One probe's rejection. The sentence says what was measured, and what was expected."""

    reason: Reason
    sentence: str


class ProbeFailed(Exception):
    """A probe could not run to its end, or failed a check of its admission."""

    def __init__(self, reason: Reason, sentence: str) -> None:
        super().__init__(sentence)
        self.rejection = Rejection(reason=reason, sentence=sentence)
