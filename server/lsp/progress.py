"""A job's progress, accumulated from its events. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from evolution.base.amounts import number
from evolution.domain.job import Event, EventType, JobKind, JobState
from server.shown.wording import duration, epoch_of

DOING = {
    JobKind.TRAIN: "training",
    JobKind.DIAGNOSE: "diagnosing",
    JobKind.SIMULATE: "asking users",
    JobKind.SESSIONS: "simulating sessions",
    JobKind.PROPOSE: "trying patches",
    JobKind.IMPROVE: "improving",
    JobKind.TUNE: "tuning",
    JobKind.TEST: "testing",
    JobKind.RECOMMEND: "recommending",
    JobKind.ADAPT: "completing the adapter",
    JobKind.CHECK: "checking",
    JobKind.VERIFY: "verifying",
    JobKind.EXPLAIN: "asking the LLM",
    JobKind.EVOLVE: "evolving",
    JobKind.COMPARE: "comparing strategies",
}
SEED = re.compile(r", (seed \d+)$")


@dataclass(frozen=True, kw_only=True)
class JobProgress:
    """How far a job is.

    fraction: 0 to 1, of the whole job; None if the job does not say
    span: which part of the job, from and to, the fractions are of that its events tell
    step: which of how many is worked on, and the best so far: `patch 2 of 4, best +12 %`; "" if the job does not say
    begun, each: the fraction when the step began, and how much of the job one of its patches is, 0 if the job does not say
    trained: trial -> share of its epochs, of the trainings of this step in the order in which they began
    best: epoch and value of the ranking with the highest metric of the training that is shown
    finished: the state in which the job ended; None while it runs
    last_word: the message it ended with, "" while it runs
    """

    kind: JobKind
    fraction: float | None = None
    span: tuple[float, float] = (0.0, 1.0)
    step: str = ""
    detail: str = ""
    begun: float = 0.0
    each: float = 0.0
    trained: Mapping[str, float] = field(default_factory=dict)
    best: tuple[int, float] | None = None
    finished: JobState | None = None
    last_word: str = ""

    @property
    def percentage(self) -> int | None:
        """The fraction in whole percent, clamped to 0 to 99: what comes after all trials takes its time as well."""
        return None if self.fraction is None else min(99, round(100 * max(0.0, self.fraction)))

    @property
    def words(self) -> str:
        """What is done now: `patch 2 of 4, best +12 %, seed 1, epoch 6/20`."""
        return ", ".join(filter(None, [self.step, self.detail]))

    def __str__(self) -> str:
        """For example `training 43 %: epoch 6/20, loss .693, NDCG@10 .142, at most 2 min left`; `asking 200 users`, said once."""
        doing, words = DOING[self.kind], self.words
        if words.split(" ", 1)[0] == doing.split(" ", 1)[0]:
            doing, words = words, ""
        done = f" {self.percentage} %" if self.percentage is not None else ""
        return f"{doing}{done}" + (f": {words}" if words else "")


def advance(progress: JobProgress, event: Event) -> JobProgress:
    """The progress after one more event."""
    data = event.data
    match event.type:
        case EventType.EPOCH:
            return _epoch(_moved(progress, event), event)
        case EventType.PROGRESS:
            progress = replace(progress, span=_span(progress, event))
            fraction = data.get("fraction")
            kept = progress.fraction if fraction is None else _of_whole(progress, float(fraction))
            if not data.get("step"):
                return replace(progress, fraction=kept, detail=_stage(event))
            low, high = progress.span
            each = (high - low) * float(data.get("each") or 0.0)
            return replace(
                progress,
                fraction=kept,
                step=str(data["step"]),
                detail="",
                begun=kept or 0.0,
                each=each,
                trained={},
            )
        case EventType.NODE:
            step = str(data.get("step") or progress.step)
            return replace(progress, fraction=float(data.get("share") or 0.0), step=step, detail="")
        case EventType.FINISHED:
            return replace(progress, finished=_state(data.get("state")), last_word=event.message)
        case EventType.STARTED:
            return progress
        case _:  # told in the log
            return progress


def _moved(progress: JobProgress, event: Event) -> JobProgress:
    """The fraction after an epoch: of the training that is the job or its first part, or of a patch that is tried.

    How many seeds a patch takes is known at its end: each of its trainings fills half of what is left of it.
    """
    epoch, epochs = event.data.get("epoch"), event.data.get("epochs")
    if not (isinstance(epoch, int) and isinstance(epochs, int) and epochs):
        return progress
    if progress.step and progress.each:
        trained = {**progress.trained, str(event.data.get("trial", "")): epoch / epochs}
        passed = sum(share / 2**at for at, share in enumerate(trained.values(), start=1))
        fraction = max(progress.fraction or 0.0, progress.begun + progress.each * passed)
        return replace(progress, fraction=fraction, trained=trained)
    trains = progress.kind is JobKind.TRAIN or (progress.kind is JobKind.IMPROVE and progress.span[0] == 0)
    return replace(progress, fraction=_of_whole(progress, epoch / epochs)) if trains else progress


def _of_whole(progress: JobProgress, fraction: float) -> float:
    """A fraction of the span as one of the whole job."""
    low, high = progress.span
    return low + (high - low) * fraction


def _span(progress: JobProgress, event: Event) -> tuple[float, float]:
    match event.data.get("span"):
        case [int() | float() as low, int() | float() as high]:
            return float(low), float(high)
    return progress.span


def _epoch(progress: JobProgress, event: Event) -> JobProgress:
    """The progress after an epoch; the figures of a training that the user started, the seed of one among several."""
    data = event.data
    epoch, value = data.get("epoch"), data.get("value")
    best = progress.best if isinstance(epoch, int) and epoch > 1 else None
    if isinstance(epoch, int) and isinstance(value, float) and (best is None or value > best[1]):
        best = (epoch, value)
    parts = [epoch_of(epoch, data.get("epochs"))]
    if progress.step:
        seed = SEED.search(str(data.get("label", "")))
        parts.insert(0, seed[1] if seed else "")
        return replace(progress, detail=", ".join(filter(None, parts)), best=best)
    if data.get("loss") is not None:
        parts.append(f"loss {number(data['loss'])}")
    if data.get("metric") and value is not None:
        parts.append(f"{data['metric']} {number(value)}")
    if best is not None and best[0] != epoch:
        # Not "best", which is chosen by the objective.
        parts.append(f"highest {number(best[1])} at epoch {best[0]:,}")
    parts.append(_left(event))
    return replace(progress, detail=", ".join(filter(None, parts)), best=best)


def _left(event: Event) -> str:
    """The time until the last epoch; a training whose metric no longer rises ends earlier."""
    left = event.data.get("left_s")
    return f"at most {duration(float(left))} left" if left is not None else ""


def _stage(event: Event) -> str:
    """A stage without the name of the trial that it is of: `your version: training` is `training`."""
    return event.message.removeprefix(f"{event.data.get('label', '')}: ")


def _state(text: object) -> JobState:
    try:
        return JobState(str(text))
    except ValueError:
        return JobState.FAILED
