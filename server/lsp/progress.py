"""A job's progress, accumulated from its events. Pure."""

from dataclasses import dataclass, replace

from evolution.domain.job import Event, EventType, JobKind, JobState
from server.shown.wording import duration, number

DOING = {
    JobKind.TRAIN: "training",
    JobKind.DIAGNOSE: "diagnosing",
    JobKind.SIMULATE: "asking users",
    JobKind.PROPOSE: "trying patches",
    JobKind.TUNE: "tuning",
    JobKind.TEST: "testing",
    JobKind.RECOMMEND: "recommending",
    JobKind.ADAPT: "completing the adapter",
    JobKind.CHECK: "checking",
    JobKind.VERIFY: "verifying",
    JobKind.EVOLVE: "evolving",
    JobKind.COMPARE: "comparing strategies",
}


@dataclass(frozen=True, kw_only=True)
class JobProgress:
    """How far a job is.

    fraction: 0 to 1; None if the job does not say
    finished: the state in which the job ended; None while it runs
    last_word: the message it ended with, "" while it runs
    """

    kind: JobKind
    fraction: float | None = None
    detail: str = ""
    finished: JobState | None = None
    last_word: str = ""

    @property
    def percentage(self) -> int | None:
        """The fraction in whole percent, clamped to 0 to 100."""
        return None if self.fraction is None else round(100 * min(1.0, max(0.0, self.fraction)))

    def __str__(self) -> str:
        """For example `training 43 %: epoch 6/20, loss .693, NDCG@10 .142, 2 min left`."""
        done = f" {self.percentage} %" if self.percentage is not None else ""
        return f"{DOING[self.kind]}{done}" + (f": {self.detail}" if self.detail else "")


def advance(progress: JobProgress, event: Event) -> JobProgress:
    """The progress after one more event."""
    data = event.data
    match event.type:
        case EventType.EPOCH:
            return replace(progress, fraction=_fraction(progress, event), detail=_epoch(event))
        case EventType.PROGRESS:
            fraction = data.get("fraction")
            kept = progress.fraction if fraction is None else float(fraction)
            left = _left(event)
            return replace(progress, fraction=kept, detail=", ".join(filter(None, [event.message, left])))
        case EventType.NODE:
            return replace(progress, fraction=float(data.get("share") or 0.0), detail=event.message)
        case EventType.FINISHED:
            return replace(progress, finished=_state(data.get("state")), last_word=event.message)
        case EventType.STARTED:
            return progress
        case _:
            return replace(progress, detail=event.message or progress.detail)


def _fraction(progress: JobProgress, event: Event) -> float | None:
    """Epochs measure the progress of a training job only; other jobs train several times or not at all."""
    epoch, epochs = event.data.get("epoch"), event.data.get("epochs")
    if progress.kind is JobKind.TRAIN and isinstance(epoch, int) and isinstance(epochs, int) and epochs:
        return epoch / epochs
    return progress.fraction


def _epoch(event: Event) -> str:
    data = event.data
    parts = [
        str(data["label"]) if data.get("label") else "",
        f"epoch {data.get('epoch')}/{data.get('epochs')}",
    ]
    if data.get("loss") is not None:
        parts.append(f"loss {number(data['loss'])}")
    if data.get("metric") and data.get("value") is not None:
        parts.append(f"{data['metric']} {number(data['value'])}")
    parts.append(_left(event))
    return ", ".join(filter(None, parts))


def _left(event: Event) -> str:
    left = event.data.get("left_s")
    return f"{duration(float(left))} left" if left is not None else ""


def _state(text: object) -> JobState:
    try:
        return JobState(str(text))
    except ValueError:
        return JobState.FAILED
