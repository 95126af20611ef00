"""Checking values from outside against type annotations, guessing nothing: True is no number, and neither is "3".

What JSON cannot tell apart is accepted: a list for a tuple, a whole number for a float, an enumeration's value for its
member. cattrs, which reads our own records, is not used here because it converts where this module has to refuse.
"""

import math
from dataclasses import dataclass
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

LARGEST = 2**53  # of the whole numbers that a float holds exactly


@dataclass(frozen=True, kw_only=True)
class Range:
    """The numbers that are accepted: `Annotated[int, Range(least=1)]`. below: the first that is too large, if any."""

    least: int
    below: int | None = None

    def __contains__(self, number: float) -> bool:
        return number >= self.least and (self.below is None or number < self.below)


class NotEmpty:
    """A text with at least one character: `Annotated[str, NotEmpty]`."""


class Unfit(Exception):
    """A value does not fit its annotation; `expected(annotation)` says what would."""


def fitted(value: Any, annotation: Any) -> Any:
    """The value as its annotation has it. Raises Unfit."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _within(fitted(value, arguments[0]), arguments[1:])
    if origin in (Union, UnionType):
        (other,) = (argument for argument in arguments if argument is not NoneType)
        return None if value is None else fitted(value, other)
    if origin is tuple:
        return _tuple(value, arguments[0])
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return _member(value, annotation)
    return _scalar(value, annotation)


def expected(annotation: Any) -> str:
    """What fits the annotation, in words that follow "expected"."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return expected(arguments[0]) + "".join(_bound(mark) for mark in arguments[1:])
    if origin in (Union, UnionType):
        (other,) = (argument for argument in arguments if argument is not NoneType)
        return f"{expected(other)}, or nothing"
    if origin is tuple:
        return f"a list of different values, each {expected(arguments[0])}"
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return "one of " + ", ".join(member.value for member in annotation)
    return {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}[annotation]


def _scalar(value: Any, kind: type) -> Any:
    if kind is float and type(value) is int and abs(value) < LARGEST:
        value = float(value)
    if type(value) is not kind or (kind is float and not math.isfinite(value)):
        raise Unfit
    return value


def _member(value: Any, kind: type[Enum]) -> Enum:
    try:
        return kind(value)
    except ValueError:
        raise Unfit from None


def _tuple(value: Any, kind: Any) -> tuple[Any, ...]:
    """Of different values, and of one at least: everything asked for is done once."""
    if not isinstance(value, (list, tuple)) or not value:
        raise Unfit
    found = tuple(fitted(item, kind) for item in value)
    if len(set(found)) != len(found):
        raise Unfit
    return found


def _within(value: Any, marks: tuple[Any, ...]) -> Any:
    for mark in marks:
        if (isinstance(mark, Range) and value not in mark) or (mark is NotEmpty and not value):
            raise Unfit
    return value


def _bound(mark: Any) -> str:
    if not isinstance(mark, Range):
        return " that is not empty"
    return f", {mark.least} or more" + (f", below {mark.below}" if mark.below is not None else "")
