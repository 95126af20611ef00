"""The values that a number may take, from its kind and the value that it has; or why that value is not tuned."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from evolution.tuning.kinds import Kind

DIGITS = 3  # significant ones of a value between two bounds
DECAYS = (0, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2)  # for a weight decay that is 0, which has no order of magnitude
FASTEST = 1.0  # the highest learning rate that is tried
NARROWEST = 4  # a smaller number with the name of a width is an axis


@dataclass(frozen=True, kw_only=True)
class Range:
    """choices: the values, in order; () for any value from low to high. log: values are drawn by their order of magnitude."""

    choices: tuple[int | float, ...] = ()
    low: float = 0.0
    high: float = 0.0
    log: bool = False

    def holds(self, value: float) -> bool:
        """Whether the value is in the range."""
        return value in self.choices if self.choices else self.low <= value <= self.high

    def words(self) -> str:
        """`25, 50, 100`, or `0.0001 to 0.01`."""
        if self.choices:
            return ", ".join(f"{value:g}" for value in self.choices)
        return f"{self.low:g} to {self.high:g}"


@dataclass(frozen=True, kw_only=True)
class NoRange:
    """why: in words that can follow the number's name."""

    why: str


Ranged = Range | NoRange


def range_of(kind: Kind, value: float) -> Ranged:
    """The range of a number of a kind. It always holds the value itself."""
    return _RANGES[kind](value)


def rounded(value: float) -> float:
    """A value with as many digits as are written."""
    return float(f"{value:.{DIGITS}g}")


def _no(kind: Kind, value: float) -> NoRange:
    return NoRange(why=f"{value:g} is no usual {kind}")


def _around(kind: Kind, times: float, *, most: float = float("inf")) -> Callable[[float], Ranged]:
    """From value / times to value * times, by order of magnitude."""

    def ranged(value: float) -> Ranged:
        if not 0 < value <= most:
            return _no(kind, value)
        return Range(low=rounded(value / times), high=rounded(min(value * times, most)), log=True)

    return ranged


def _share(kind: Kind, low: float, high: float) -> Callable[[float], Ranged]:
    """A share of 1, at least from low to high."""

    def ranged(value: float) -> Ranged:
        if not 0 <= value < 1:
            return _no(kind, value)
        return Range(low=min(low, value), high=max(high, value))

    return ranged


def _kept(value: float) -> Ranged:
    if not 0 < value <= 1:
        return _no(Kind.KEPT, value)
    return Range(low=min(0.4, value), high=1.0)


def _decay(value: float) -> Ranged:
    if value == 0:
        return Range(choices=DECAYS)
    return (
        _around(Kind.WEIGHT_DECAY, 30)(value)
        if value <= 100 and not 0.5 < value < 1
        else _no(Kind.WEIGHT_DECAY, value)
    )


def _times(kind: Kind, factors: tuple[float, ...], *, least: int, most: int) -> Callable[[float], Ranged]:
    """Whole multiples and fractions of a whole number."""

    def ranged(value: float) -> Ranged:
        if value != int(value) or not least <= value <= most:
            return _no(kind, value)
        found = {int(value), *(int(value * factor) for factor in factors)}
        return Range(choices=tuple(sorted(one for one in found if least <= one <= most)))

    return ranged


def _count(kind: Kind, below: int, above: int, *, most: int) -> Callable[[float], Ranged]:
    """Whole numbers near a whole number."""

    def ranged(value: float) -> Ranged:
        if value != int(value) or not 1 <= value <= most:
            return _no(kind, value)
        return Range(choices=tuple(range(max(1, int(value) - below), int(value) + above + 1)))

    return ranged


# What makes a training costlier goes no further than about twice its cost, which is the usual guardrail.
_RANGES: Mapping[Kind, Callable[[float], Ranged]] = {
    Kind.LEARNING_RATE: _around(Kind.LEARNING_RATE, 10, most=FASTEST),
    Kind.DROPOUT: _share(Kind.DROPOUT, 0.0, 0.6),
    Kind.KEPT: _kept,
    Kind.MASKED: _share(Kind.MASKED, 0.1, 0.6),
    Kind.SMOOTHING: _share(Kind.SMOOTHING, 0.0, 0.3),
    Kind.WEIGHT_DECAY: _decay,
    Kind.NEGATIVES: _times(Kind.NEGATIVES, (0.25, 0.5, 2, 4, 8, 16), least=1, most=100_000),
    Kind.TEMPERATURE: _around(Kind.TEMPERATURE, 5, most=100),
    Kind.BATCH_SIZE: _times(Kind.BATCH_SIZE, (0.5, 2, 4), least=4, most=1_000_000),
    Kind.WIDTH: _times(Kind.WIDTH, (0.5, 2), least=NARROWEST, most=4096),
    Kind.INNER_WIDTH: _times(Kind.INNER_WIDTH, (0.5, 2), least=NARROWEST, most=16_384),
    Kind.LAYERS: _count(Kind.LAYERS, 1, 1, most=16),
    Kind.HEADS: _times(Kind.HEADS, (0.5, 2, 4), least=1, most=64),
    Kind.CLIPPING: _around(Kind.CLIPPING, 5),
    Kind.MARGIN: _around(Kind.MARGIN, 4),
    Kind.MOMENTUM: _share(Kind.MOMENTUM, 0.0, 0.95),
    Kind.INITIAL_SCALE: _around(Kind.INITIAL_SCALE, 10, most=10),
}
