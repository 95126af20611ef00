"""Shapes of JSON: each checks a value, and keeps of it what a handler reads.

What is not read cannot be wrong: clients send fields of later versions of LSP, and pass on what other servers said.
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

MOST = 2**31 - 1  # LSP's largest integer; some clients send more for "up to the end"
MAX_URI = 32_000  # characters; a file's path has 4,096 bytes at most
SHOWN = 80

Shape = Callable[[Any, str], Any]  # (value, its place in the parameters) -> what is kept of it. Raises Unfit


class Unfit(Exception):
    """A value has not the shape that it must have; the message says where, what came and what was expected."""

    def __init__(self, place: str, value: Any, expected: str) -> None:
        shown = repr(value) if isinstance(value, str | int | float | None) else f"of type {_kind(value)}"
        cut = shown if len(shown) <= SHOWN else f"{shown[:SHOWN]} ..."
        super().__init__(f"{place or 'params'} is {cut}; expected {expected}")


class _Absent:
    """A field that is not there, and is left away."""


ABSENT = _Absent()


def record(**fields: Shape) -> Shape:
    """An object with these fields. Others are left away, and so is an optional one that is absent."""

    def check(value: Any, place: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise Unfit(place, value, f"an object with {', '.join(fields)}")
        found = {name: shape(value.get(name), _below(place, name)) for name, shape in fields.items()}
        return {name: kept for name, kept in found.items() if kept is not ABSENT}

    return check


def items(shape: Shape) -> Shape:
    """A list of which each item has the shape."""

    def check(value: Any, place: str) -> list[Any]:
        if not isinstance(value, list):
            raise Unfit(place, value, "a list")
        return [shape(item, f"{place}[{row}]") for row, item in enumerate(value)]

    return check


def optional(shape: Shape) -> Shape:
    """The shape, or nothing or null."""
    return lambda value, place: ABSENT if value is None else shape(value, place)


def always(kept: Any) -> Shape:
    """A field that nobody reads but that lsprotocol needs: the same value, whatever came."""
    return lambda value, place: kept


def anything(value: Any, place: str) -> Any:
    """Any JSON."""
    return value


def text(value: Any, place: str) -> str:
    """A string."""
    if not isinstance(value, str):
        raise Unfit(place, value, "a string")
    return value


def uri(value: Any, place: str) -> str:
    """A string that is a URI of any scheme."""
    if not isinstance(value, str) or len(value) > MAX_URI:
        raise Unfit(place, value, f"a URI of at most {MAX_URI} characters")
    try:
        urlsplit(value)
    except ValueError:
        raise Unfit(place, value, "a URI") from None
    return value


def integer(value: Any, place: str) -> int:
    """A whole number, brought into LSP's range. Lua has no integers, so 3.0 is one."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1:
        raise Unfit(place, value, "a whole number")
    return int(max(-MOST, min(value, MOST)))


def natural(value: Any, place: str) -> int:
    """A whole number from 0, brought into LSP's range."""
    found = integer(value, place)
    if found < 0:
        raise Unfit(place, value, "a whole number from 0")
    return found


def _below(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name


def _kind(value: Any) -> str:
    return {dict: "object", list: "list"}.get(type(value), type(value).__name__)
