"""Best-so-far curves with their bands, as points of an SVG. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WIDTH, HEIGHT = 720, 360
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 16, 44
# Okabe and Ito's colours, told apart by colour-blind readers; each line has a dash of its own besides.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
DASHES = ("", "8 4", "2 3", "10 3 2 3", "5 5", "1 4")


@dataclass(frozen=True, kw_only=True)
class Line:
    """line, band: SVG `points`. band "" where there is one seed alone."""

    name: str
    colour: str
    dash: str
    line: str
    band: str


@dataclass(frozen=True, kw_only=True)
class Tick:
    at: float
    label: str


@dataclass(frozen=True, kw_only=True)
class Plot:
    lines: tuple[Line, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    bottom: int = HEIGHT - BOTTOM
    right: int = WIDTH - RIGHT
    top: int = TOP


def plot(curves: Mapping[str, Sequence[Mapping[str, Any]]]) -> Plot:
    """curves: name -> points {"value", "low", "high"} after 0, 1, ... trials; all of one length, at least 2."""
    values = [
        point[key] for points in curves.values() for point in points for key in ("value", "low", "high")
    ]
    known = [value for value in values if value is not None]
    low, high = min(known), max(known)
    margin = 0.05 * (high - low) or 0.05 * abs(high) or 1.0
    low, high = low - margin, high + margin
    steps = max(len(points) for points in curves.values()) - 1

    def x(step: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * step / max(1, steps), 1)

    def y(value: float) -> float:
        return round(TOP + (HEIGHT - TOP - BOTTOM) * (high - value) / (high - low), 1)

    lines = []
    for place, (name, points) in enumerate(curves.items()):
        up = [(x(step), y(point["high"])) for step, point in enumerate(points) if point["high"] is not None]
        down = [(x(step), y(point["low"])) for step, point in enumerate(points) if point["low"] is not None]
        lines.append(
            Line(
                name=name,
                colour=COLOURS[place % len(COLOURS)],
                dash=DASHES[place % len(DASHES)],
                line=_points([(x(step), y(point["value"])) for step, point in enumerate(points)]),
                band=_points([*up, *reversed(down)]),
            )
        )
    every = max(1, steps // 8)
    return Plot(
        lines=tuple(lines),
        x_ticks=tuple(Tick(at=x(step), label=str(step)) for step in range(0, steps + 1, every)),
        y_ticks=tuple(
            Tick(at=y(value), label=f"{value:.3f}")
            for value in (low + margin + (high - low - 2 * margin) * part / 4 for part in range(5))
        ),
    )


def _points(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x},{y}" for x, y in points)
