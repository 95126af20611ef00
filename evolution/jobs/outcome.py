"""The result of a job."""

from dataclasses import dataclass
from typing import Any

from evolution.domain.job import JobState
from evolution.domain.trial import Failure


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The result of a job. document: the JSON that the command prints. A failed trial gives exit_code 1, no exception."""

    document: dict[str, Any]
    state: JobState = JobState.DONE
    error: str = ""
    exit_code: int = 0


def failed(document: dict[str, Any], failure: Failure) -> Outcome:
    """The outcome of a job whose one trial failed."""
    words = f"{failure.reason}: {failure.message}"
    return Outcome(document=document, state=JobState.FAILED, error=words, exit_code=1)
