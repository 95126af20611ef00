"""Arithmetic on the values of a training step that is written out: numbers, and vectors of the width of a table."""

import math
from collections.abc import Callable
from dataclasses import dataclass

WIDTH = 2  # of the vectors that stand for rows; two places already tell directions apart


class Unknown(Exception):
    """Raised where the value of an expression cannot be told."""


class IsVector(Exception):
    """Raised where rows that were taken for numbers turn out to be vectors."""

    def __init__(self, rows: frozenset[str]) -> None:
        super().__init__(rows)
        self.rows = rows


@dataclass(frozen=True, slots=True)
class Value:
    """A number (one place) or a vector (WIDTH places).

    rows: the rows of tables that it is made of place by place, all taken for numbers so far.
    summed: whether sums over the width are part of it, so that a further sum of a number runs over the events of a batch.
    """

    places: tuple[float, ...]
    rows: frozenset[str] = frozenset()
    summed: bool = False

    @property
    def is_vector(self) -> bool:
        """Whether it has the width of a table."""
        return len(self.places) > 1


def constant(number: float) -> Value:
    """A number that no row is part of."""
    return Value((float(number),))


def each(function: Callable[..., float], *given: Value) -> Value:
    """A function of one or two values, place by place.

    Raises:
        Unknown: a result is no finite number.
    """
    width = max(len(value.places) for value in given)
    columns = [value.places if len(value.places) == width else value.places * width for value in given]
    try:
        places = tuple(function(*numbers) for numbers in zip(*columns))
    except (ArithmeticError, ValueError, TypeError) as fault:
        raise Unknown from fault
    if not all(isinstance(p, float) and math.isfinite(p) for p in places):
        raise Unknown
    rows = frozenset[str]().union(*(value.rows for value in given)) if width == 1 else frozenset()
    return Value(places, rows, any(value.summed for value in given))


def total(value: Value) -> Value:
    """The sum over the width; of a number that is such a sum the number, as one event stands for all of a batch.

    Raises:
        IsVector: the value is a number that rows are part of, so that these must be vectors.
        Unknown: it is a number of which no row is part.
    """
    if not value.is_vector:
        if value.summed:
            return value
        if value.rows:
            raise IsVector(value.rows)
        raise Unknown
    return Value((sum(value.places),), summed=True)


def inner(one: Value, other: Value) -> Value:
    """The inner product of two rows; raises as `total` does."""
    short = [v for v in (one, other) if not v.is_vector]
    if short:
        rows = frozenset[str]().union(*(v.rows for v in short))
        if rows:
            raise IsVector(rows)
        raise Unknown
    return total(each(lambda a, b: a * b, one, other))


def sigmoid(x: float) -> float:
    """1 / (1 + exp(-x))"""
    return 1 / (1 + math.exp(-x))


OF_ONE: dict[str, Callable[[float], float]] = {
    "exp": math.exp,
    "log": math.log,
    "log1p": math.log1p,
    "sqrt": math.sqrt,
    "tanh": math.tanh,
    "abs": abs,
    "absolute": abs,
    "square": lambda x: x * x,
    "negative": lambda x: -x,
    "sigmoid": sigmoid,
    "expit": sigmoid,
    "logistic": sigmoid,
    "logsigmoid": lambda x: math.log(sigmoid(x)),
    "softplus": lambda x: math.log1p(math.exp(x)),
    "sign": lambda x: math.copysign(1.0, x),
}
OF_TWO: dict[str, Callable[[float, float], float]] = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "mul": lambda a, b: a * b,
    "sub": lambda a, b: a - b,
    "div": lambda a, b: a / b,
    "divide": lambda a, b: a / b,
    "power": lambda a, b: a**b,
    "pow": lambda a, b: a**b,
    "maximum": max,
    "minimum": min,
}
# What hands a value on as it is, or in another form of as many places.
SAME = {"copy", "clone", "detach", "item", "float", "array", "asarray", "cpu", "numpy", "squeeze", "unsqueeze", "reshape", "view",
        "flatten", "ravel", "astype", "to", "float64", "float32", "tensor", "as_tensor", "from_numpy", "contiguous", "transpose", "t",
        "clip", "clamp", "expand_dims", "clamp_min"}  # fmt: skip
INNER = {"dot", "inner", "vdot", "matmul", "bmm", "mv"}
SQUASHES = {"exp", "sigmoid", "expit", "logistic", "tanh", "logsigmoid", "softplus", "log1p"}
