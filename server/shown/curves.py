"""The curves of trainings: loss and metric of each epoch, of a training that runs or of a stored trial. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from evolution.domain.trial import EpochRecord, Trial, TrialStatus, reported_loss
from server.shown.news import SHOWN_METRIC

MOST_POINTS = 400  # of a curve that is drawn
MOST_CURVES = 6  # trainings of one job that are kept, the newest
YOURS = "your version"


@dataclass(frozen=True, kw_only=True)
class Point:
    """One epoch. loss: None where fit() reports none. value: NDCG@10, None where the epoch was not ranked. objective: what the
    best epoch is chosen by.
    """

    epoch: int
    loss: float | None
    value: float | None
    objective: float | None


@dataclass(kw_only=True)
class Curve:
    """One training. label: of what, in words. epochs: at most. running: until its trial has ended. chosen: the best epoch of a
    stored trial.
    """

    trial: str
    label: str
    epochs: int = 0
    running: bool = False
    chosen: int = 0
    points: list[Point] = field(default_factory=list)

    @property
    def best(self) -> int:
        """The best epoch so far, by the objective; 0 before any ranking."""
        if self.chosen:
            return self.chosen
        ranked = [point for point in self.points if point.objective is not None]
        return max(ranked, key=lambda point: (point.objective or 0.0, -point.epoch)).epoch if ranked else 0

    @property
    def rankings_since_best(self) -> int:
        """How many rankings brought no better objective."""
        return sum(point.objective is not None and point.epoch > self.best for point in self.points)


class LiveCurves:
    """The curves of one running job, newest last, gathered from its events."""

    def __init__(self) -> None:
        self._curves: dict[str, Curve] = {}

    def add(self, data: Mapping[str, Any]) -> None:
        """One epoch as an event tells it. A training that begins anew, at its first epoch, is drawn anew."""
        trial, epoch = str(data.get("trial", "")), data.get("epoch")
        if not isinstance(epoch, int):
            return
        curve = self._curves.get(trial)
        if curve is None or epoch <= (curve.points[-1].epoch if curve.points else 0):
            self._curves.pop(trial, None)
            curve = self._curves[trial] = Curve(trial=trial, label=str(data.get("label", "")))
        curve.running = True
        epochs, value = data.get("epochs"), _number(data.get("value"))
        curve.epochs = epochs if isinstance(epochs, int) else 0
        objective = _number(data.get("objective", value))  # an earlier version's events have no objective
        curve.points.append(
            Point(epoch=epoch, loss=_number(data.get("loss")), value=value, objective=objective)
        )
        while len(self._curves) > MOST_CURVES:
            del self._curves[next(iter(self._curves))]

    def note(self, data: Mapping[str, Any]) -> None:
        """A trial began or ended, as an event tells it. The job may go on, and train others."""
        curve = self._curves.get(str(data.get("trial", "")))
        if curve is not None and data.get("status") != TrialStatus.RUNNING:
            curve.running = False

    def newest_first(self) -> list[Curve]:
        """The curves, that of the training which began last first."""
        return list(reversed(self._curves.values()))


def of_trial(trial: Trial, label: str = YOURS) -> Curve:
    """The curve of a stored training. label: of what, in words."""
    points = [_point(epoch) for epoch in trial.epochs]
    return Curve(trial=trial.id, label=label, chosen=trial.best_epoch, points=points)


def _point(epoch: EpochRecord) -> Point:
    value = epoch.metrics.get(SHOWN_METRIC)
    return Point(epoch=epoch.epoch, loss=reported_loss(epoch.reported), value=value, objective=value)


def thinned(curve: Curve) -> list[Point]:
    """At most about `MOST_POINTS` points, the first, the last and the best among them."""
    every = -(-len(curve.points) // MOST_POINTS)
    last = len(curve.points) - 1
    return [
        point
        for at, point in enumerate(curve.points)
        if at % every == 0 or at == last or point.epoch == curve.best
    ]


def overlaid(trials: Sequence[Trial], running: Iterable[str], most: int, data: str = "") -> list[Trial]:
    """Trainings of the user's versions to draw, newest first, without those that run. data: what they were measured on; "" for
    what the newest was.
    """
    known = set(running)
    trained = [one for one in trials if one.epochs and not one.key.checkpoint and one.id not in known]
    same = [one for one in trained if one.key.data == (data or trained[0].key.data)]
    return same[:most]


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
