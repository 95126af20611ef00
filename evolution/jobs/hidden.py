"""What of a feedback is not told: what the user dismissed, and what the repo's baseline accepts."""

from dataclasses import dataclass

from evolution.domain.feedback import Feedback
from evolution.laboratory.context import JobContext
from evolution.repo.baseline import accepted_in, read_baseline


@dataclass(frozen=True, kw_only=True)
class Hidden:
    """ids: of findings and complaints that are not told. accepted: id -> reason of those in the baseline."""

    ids: set[str]
    accepted: dict[str, str]


def check_baseline(context: JobContext) -> None:
    """For the start of a job that asks `hidden` at its end. Raises ConfigError: the baseline is wrong; nothing was trained then."""
    read_baseline(context.repo)


def hidden(context: JobContext, feedback: Feedback) -> Hidden:
    """Raises ConfigError: the baseline is wrong, which is said rather than read as none."""
    accepted = accepted_in(read_baseline(context.repo), feedback)
    return Hidden(ids=context.store.dismissed() | set(accepted), accepted=accepted)
