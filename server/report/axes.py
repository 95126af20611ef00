"""The frame of a chart: maps steps and values to SVG coordinates, and places the ticks. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from evolution.base.amounts import number

WIDTH, HEIGHT = 720, 360
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 16, 44
X_TICKS, Y_TICKS = 8, 5


@dataclass(frozen=True, kw_only=True)
class Tick:
    """One tick of an axis.

    at: its SVG coordinate
    """

    at: float
    label: str


@dataclass(frozen=True, kw_only=True)
class Frame:
    """A chart with the steps 0..steps along x and the values low..high along y; all lengths in SVG units."""

    low: float
    high: float
    steps: int
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    top: int = TOP
    bottom: int = HEIGHT - BOTTOM

    def x(self, step: float) -> float:
        """The SVG x coordinate of a step."""
        return round(self.left + (self.right - self.left) * step / max(1, self.steps), 1)

    def y(self, value: float) -> float:
        """The SVG y coordinate of a value."""
        share = (self.high - value) / (self.high - self.low)
        return round(self.top + (self.bottom - self.top) * share, 1)

    @property
    def x_ticks(self) -> tuple[Tick, ...]:
        """Ticks at whole steps, about X_TICKS of them."""
        every = max(1, self.steps // X_TICKS)
        return tuple(Tick(at=self.x(step), label=str(step)) for step in range(0, self.steps + 1, every))

    @property
    def y_ticks(self) -> tuple[Tick, ...]:
        """Y_TICKS ticks from the smallest to the largest value."""
        margin = (self.high - self.low) / 22  # the margin that `frame_of` has added on each side
        span = self.high - self.low - 2 * margin
        values = (self.low + margin + span * part / (Y_TICKS - 1) for part in range(Y_TICKS))
        return tuple(Tick(at=self.y(value), label=number(value)) for value in values)


def frame_of(values: Iterable[float], *, steps: int) -> Frame:
    """A frame with room for all values and a margin of 5 %. `values` must hold at least one."""
    known = list(values)
    low, high = min(known), max(known)
    margin = 0.05 * (high - low) or 0.05 * abs(high) or 1.0
    return Frame(low=low - margin, high=high + margin, steps=steps)


def points(places: Iterable[tuple[float, float]]) -> str:
    """The coordinates as the `points` attribute of an SVG polyline."""
    return " ".join(f"{x},{y}" for x, y in places)
