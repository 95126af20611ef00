"""The chart of the objective over trials: each trial with its interval, and the best so far, in SVG units. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from server.report.axes import Frame, frame_of, points


@dataclass(frozen=True, kw_only=True)
class PlottedTrial:
    """One trial.

    y: None if the trial has no objective (pruned or failed)
    low, high: ends of its interval, None if it has none
    """

    order: int
    x: float
    y: float | None
    low: float | None
    high: float | None
    verified: bool
    by_llm: bool


@dataclass(frozen=True, kw_only=True)
class TrialsPlot:
    """The chart.

    best: SVG `points` of the best objective so far, a staircase
    start: y of the user's version, None if it was not measured
    """

    frame: Frame
    marks: tuple[PlottedTrial, ...]
    best: str
    start: float | None


def trials_plot(rows: Sequence[Mapping[str, Any]]) -> TrialsPlot | None:
    """Lay out the chart; None if no trial has an objective.

    rows: rows of server/report/tried.py. Ideas that never became a program have no trial and are left out.
    """
    trained = [row for row in rows if row["trial"]]
    values = [
        value
        for row in trained
        if row["objective"]
        for value in (row["objective"]["value"], row["objective"]["low"], row["objective"]["high"])
        if value is not None
    ]
    if not values:
        return None
    frame = frame_of(values, steps=max(1, len(trained) - 1))
    marks = tuple(_mark(frame, step, row) for step, row in enumerate(trained))
    first = trained[0]["objective"] if trained[0]["order"] == 0 else None
    start = frame.y(first["value"]) if first else None
    return TrialsPlot(frame=frame, marks=marks, best=_best(frame, trained), start=start)


def _mark(frame: Frame, step: int, row: Mapping[str, Any]) -> PlottedTrial:
    objective = row["objective"] or {"value": None, "low": None, "high": None}
    return PlottedTrial(
        order=row["order"],
        x=frame.x(step),
        y=_height(frame, objective["value"]),
        low=_height(frame, objective["low"]),
        high=_height(frame, objective["high"]),
        verified=bool(row["verified"]),
        by_llm=row["proposer"] not in (None, "recipe", "tuner"),
    )


def _height(frame: Frame, value: float | None) -> float | None:
    return None if value is None else frame.y(value)


def _best(frame: Frame, trained: Sequence[Mapping[str, Any]]) -> str:
    """The staircase, level until a better trial comes and then straight up."""
    stair: list[tuple[float, float]] = []
    best = float("-inf")
    for step, row in enumerate(trained):
        value = row["objective"]["value"] if row["objective"] else float("-inf")
        reached = [best, value] if value > best else [best]
        stair += [(frame.x(step), frame.y(height)) for height in reached if height > float("-inf")]
        best = reached[-1]
    return points(stair)
