"""Validates untrusted values against type annotations without coercion: neither True nor "3" passes as a number.

Only differences that JSON cannot express are bridged: a list is accepted for a tuple, a whole number for a float, an
enumeration's value for its member. cattrs, which reads our own records, would convert values that must be refused here.
"""

import math
from dataclasses import dataclass
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

LARGEST = 2**53  # every whole number below is exact as a float


@dataclass(frozen=True, kw_only=True)
class Range:
    """Accepted numbers, least <= n < below, as in `Annotated[int, Range(least=1)]`; below None is no upper bound."""

    least: int
    below: int | None = None

    def __contains__(self, number: float) -> bool:
        return number >= self.least and (self.below is None or number < self.below)


class NotEmpty:
    """A text with at least one character: `Annotated[str, NotEmpty]`."""


class WrongValue(Exception):
    """A value does not fit its annotation; `expected(annotation)` says what would."""


def fitted(value: Any, annotation: Any) -> Any:
    """The value converted to its annotation (a list to a tuple, a text to an enumeration's member). Raises Unfit."""
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
    """A description of the values that fit the annotation, to be put after the word "expected"."""
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
        raise WrongValue
    return value


def _member(value: Any, kind: type[Enum]) -> Enum:
    try:
        return kind(value)
    except ValueError:
        raise WrongValue from None


def _tuple(value: Any, kind: Any) -> tuple[Any, ...]:
    """A tuple of one or more different values. Raises Unfit for an empty list and for duplicates."""
    if not isinstance(value, (list, tuple)) or not value:
        raise WrongValue
    found = tuple(fitted(item, kind) for item in value)
    if len(set(found)) != len(found):
        raise WrongValue
    return found


def _within(value: Any, marks: tuple[Any, ...]) -> Any:
    for mark in marks:
        if (isinstance(mark, Range) and value not in mark) or (mark is NotEmpty and not value):
            raise WrongValue
    return value


def _bound(mark: Any) -> str:
    if not isinstance(mark, Range):
        return " that is not empty"
    return f", {mark.least} or more" + (f", below {mark.below}" if mark.below is not None else "")
