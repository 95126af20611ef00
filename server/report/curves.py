"""Best-so-far curves of strategies with their bands, as points of an SVG. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from server.report.axes import Frame, frame_of, points

# Okabe and Ito's palette, which colour-blind readers can tell apart, with grey for its black, which a dark page hides; each
# line also has its own dash pattern.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#808080")
DASHES = ("", "8 4", "2 3", "10 3 2 3", "5 5", "1 4", "14 4")


@dataclass(frozen=True, kw_only=True)
class PlottedStrategy:
    """One strategy's curve.

    line, band: the `points` attribute of the SVG line and area; band is "" if there is only one seed
    """

    name: str
    colour: str
    dash: str
    line: str
    band: str


@dataclass(frozen=True, kw_only=True)
class Plot:
    """The chart of all strategies."""

    frame: Frame
    lines: tuple[PlottedStrategy, ...]


def plot(curves: Mapping[str, Sequence[Mapping[str, Any]]]) -> Plot:
    """Lay out the chart.

    curves: name -> points {"value", "low", "high"} after 0, 1, ... trials; all of the same length, at least 2
    """
    everything = [
        point[key] for curve in curves.values() for point in curve for key in ("value", "low", "high")
    ]
    steps = max(len(curve) for curve in curves.values()) - 1
    frame = frame_of((value for value in everything if value is not None), steps=steps)
    lines = (_line(frame, place, name, curve) for place, (name, curve) in enumerate(curves.items()))
    return Plot(frame=frame, lines=tuple(lines))


def _line(frame: Frame, place: int, name: str, curve: Sequence[Mapping[str, Any]]) -> PlottedStrategy:
    def along(key: str) -> list[tuple[float, float]]:
        return [
            (frame.x(step), frame.y(point[key])) for step, point in enumerate(curve) if point[key] is not None
        ]

    return PlottedStrategy(
        name=name,
        colour=COLOURS[place % len(COLOURS)],
        dash=DASHES[place % len(DASHES)],
        line=points(along("value")),
        band=points([*along("high"), *reversed(along("low"))]),
    )
