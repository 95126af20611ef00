"""Shows a job's events on a terminal: a progress bar per trial, a line per result. Everything goes to stderr."""

import sys
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

from evolution.base.amounts import number
from evolution.domain.job import Event, EventType
from server.shown.wording import epoch_of

if TYPE_CHECKING:
    from rich.progress import TaskID

EVERY_S = 10.0
NO_TRIAL = ""  # the bar of what a job does before it has a trial, such as reading the data


class View(Protocol):
    """A display of a job's events, open as a context manager while the job runs."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
    def show(self, event: Event) -> None:
        """Show one event of the job."""
        ...

    def say(self, text: str) -> None:
        """Show a line that is not an event of the job."""
        ...


class SilentView:
    """The display for `--json`, which shows nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def show(self, event: Event) -> None:
        """Ignore the event."""

    def say(self, text: str) -> None:
        """Ignore the line."""


class LiveView:
    """A display with one progress bar per running trial, and lines above the bars.

    Where stderr is no terminal, a line about epochs and stages at most every EVERY_S seconds stands for the bars.
    """

    def __init__(self) -> None:
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        from server.cli.console import console

        self._bars = sys.stderr.isatty()
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[words]}", markup=False),
            TimeElapsedColumn(),
            console=console(stderr=True),
            transient=True,
            disable=not self._bars,  # also where FORCE_COLOR makes rich believe in a terminal
        )
        self._tasks: dict[str, TaskID] = {}
        self._last_line = -EVERY_S  # when the last of the lines that stand for bars was written

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def say(self, text: str) -> None:
        """Print a line above the progress bars."""
        self._progress.console.print(text, highlight=False, markup=False)

    def show(self, event: Event) -> None:
        """Update the progress bars, and print the results that the event reports."""
        data = event.data
        if event.type is not EventType.PROGRESS or data.get("trial"):
            self._drop(NO_TRIAL)
        if not self._bars:
            self._tell(event)
        if event.type is EventType.EPOCH:
            self._advance(str(data["trial"]), str(data.get("label") or "training"), event)
        elif event.type is EventType.PROGRESS:
            self._stage(str(data.get("trial") or NO_TRIAL), event.message)
        elif event.type is EventType.TRIAL and data.get("status") != "running":
            self._drop(str(data["trial"]))
            self.say(event.message)
        elif event.type in (EventType.LOG, EventType.FEEDBACK, EventType.PROPOSAL):
            self.say(event.message)

    def _tell(self, event: Event) -> None:
        """A line for whoever follows a file or a pipe, of an epoch or of a stage. event.t says when."""
        if event.type not in (EventType.EPOCH, EventType.PROGRESS) or event.t - self._last_line < EVERY_S:
            return
        self._last_line = event.t
        epoch = event.type is EventType.EPOCH
        self.say(
            f"{event.data.get('label') or 'training'}: {epoch_words(event.data)}" if epoch else event.message
        )

    def _stage(self, trial: str, words: str) -> None:
        """Show the current stage of a trial outside of its epochs; its bar pulses until an epoch ends."""
        label, _, stage = words.rpartition(": ")
        task = self._task(trial, label or stage)
        self._progress.update(task, words=stage)

    def _advance(self, trial: str, label: str, event: Event) -> None:
        data = event.data
        task = self._task(trial, label)
        self._progress.update(task, completed=data["epoch"], total=data["epochs"], words=epoch_words(data))

    def _task(self, trial: str, label: str) -> "TaskID":
        if trial not in self._tasks:
            self._tasks[trial] = self._progress.add_task(label, total=None, words="")
        return self._tasks[trial]

    def _drop(self, trial: str) -> None:
        if trial in self._tasks:
            self._progress.remove_task(self._tasks.pop(trial))


def epoch_words(data: Mapping[str, Any]) -> str:
    """`epoch 6/60  loss .412  NDCG@10 .142  at most 18 s left` from the data of an epoch event."""
    words = [epoch_of(data["epoch"], data["epochs"])]
    if data.get("loss") is not None:
        words.append(f"loss {number(data['loss'])}")
    if data.get("value") is not None:
        words.append(f"{data.get('metric')} {number(data['value'])}")
    if data.get("left_s") is not None:
        words.append(f"at most {data['left_s']:.0f} s left")
    return "  ".join(words)
