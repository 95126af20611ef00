"""What a worker's document must hold, by name and type. Each raises TrialFailed where something else is there.

Our own half of a worker always answers in these types; candidate code that gets hold of the wire need not.
"""

import math
from collections.abc import Mapping
from typing import Any, TypeGuard

from evolution.domain.trial import Failure, FailureReason
from evolution.trials.failing import LONGEST_TRACEBACK, TrialFailed, broken_contract, failed

Document = Mapping[str, Any]
MOST = 1e15  # bytes, seconds or parameters: more than any machine has
MAX_FIGURES = 1000  # that fit() reports of one epoch
LONGEST_NAME = 200
LONGEST_MESSAGE = 4_000
LAST_LINE = 10_000_000
# A worker cannot say of itself that it was cancelled, too slow or killed: that is seen from outside.
_ITS_OWN = {
    reason.value: reason
    for reason in FailureReason
    if reason not in (FailureReason.CANCELLED, FailureReason.TIMEOUT, FailureReason.KILLED)
}


def number(reply: Document, name: str) -> float:
    """A time, size or count: finite, 0 or more, and at most MOST."""
    value = reply.get(name)
    if not _is_number(value) or not 0 <= value <= MOST:
        raise _nonsense(name, value, f"a number from 0 to {MOST:.0e}")
    return float(value)


def whole(reply: Document, name: str) -> int:
    value = number(reply, name)
    if not value.is_integer():
        raise _nonsense(name, value, "a whole number")
    return int(value)


def flag(reply: Document, name: str) -> bool:
    value = reply.get(name)
    if not isinstance(value, bool):
        raise _nonsense(name, value, "true or false")
    return value


def text(reply: Document, name: str) -> str:
    value = reply.get(name)
    if not isinstance(value, str) or len(value) > LONGEST_NAME:
        raise _nonsense(name, value, "a short text")
    return value


def figures(reply: Document, name: str) -> dict[str, float] | None:
    """What fit() reported of an epoch, None where it has ended. Raises TrialFailed also where one is not finite."""
    reported = reply.get(name)
    return None if reported is None else finite_figures(reported)


def finite_figures(reported: Any) -> dict[str, float]:
    if not isinstance(reported, dict):
        raise broken_contract(f"fit() reported {_shown(reported)}, expected a mapping of floats per epoch")
    if len(reported) > MAX_FIGURES:
        raise broken_contract(
            f"fit() reported {len(reported)} figures of one epoch, expected at most {MAX_FIGURES}"
        )
    for key, value in reported.items():
        if not _is_number(value):
            raise broken_contract(f"fit() reported {key[:LONGEST_NAME]} = {_shown(value)}, expected a number")
        if not math.isfinite(value):
            message = f"fit() reported {key[:LONGEST_NAME]} = {value}: the training has diverged"
            raise failed(FailureReason.NOT_FINITE, message)
    return {key[:LONGEST_NAME]: float(value) for key, value in reported.items()}


def figures_or_none(reply: Document, name: str, size: int) -> list[float | None]:
    """`size` finite numbers, None where there is none."""
    value = list_of(reply, name)
    if len(value) != size or not all(v is None or (_is_number(v) and math.isfinite(v)) for v in value):
        raise _nonsense(name, value, f"{size} finite numbers or nulls")
    return [None if v is None else float(v) for v in value]


def list_of(reply: Document, name: str) -> list[Any]:
    value = reply.get(name)
    if not isinstance(value, list):
        raise _nonsense(name, value, "a list")
    return value


def mapping(reply: Document, name: str) -> dict[str, Any]:
    value = reply.get(name)
    if not isinstance(value, dict):
        raise _nonsense(name, value, "a mapping")
    return value


def lines_by_path(reply: Document, name: str) -> dict[str, list[int]]:
    """path -> lines of it, from 1."""
    value = reply.get(name)
    if not isinstance(value, dict) or not all(
        isinstance(lines, list) and all(is_line(line) for line in lines) for lines in value.values()
    ):
        raise _nonsense(name, value, "lists of lines by path")
    return value


def places(reply: Document, name: str) -> tuple[tuple[str, int], ...]:
    """(path, line) pairs."""
    value = list_of(reply, name)
    for place in value:
        match place:
            case [str(), line] if is_line(line):
                continue
        raise _nonsense(name, place, "a path and a line")
    return tuple((path, line) for path, line in value)


def told_failure(told: Any) -> Failure:
    """What the worker says went wrong, as far as it makes sense; never an error of its own."""
    document = told if isinstance(told, dict) else {}
    kind, message, line = (document.get(name) for name in ("kind", "message", "line"))
    return Failure(
        reason=_ITS_OWN.get(kind, FailureReason.CRASH) if isinstance(kind, str) else FailureReason.CRASH,
        message=message[:LONGEST_MESSAGE]
        if isinstance(message, str) and message
        else "the worker failed without a word",
        path=_path_in_program(document.get("path")),
        line=line if is_line(line) else 0,
        traceback=str(document.get("traceback") or "")[-LONGEST_TRACEBACK:],
    )


def is_line(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LAST_LINE


def _path_in_program(path: Any) -> str:
    """ "" for what cannot be the path of a program's file."""
    fits = (
        isinstance(path, str)
        and len(path) <= 1000
        and not path.startswith("/")
        and ".." not in path.split("/")
    )
    return path if fits else ""


def _is_number(value: Any) -> TypeGuard[int | float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _nonsense(name: str, value: Any, expected: str) -> TrialFailed:
    words = f"the worker's reply makes no sense: {name} is {_shown(value)}, expected {expected}"
    return failed(FailureReason.CRASH, words)


def _shown(value: Any) -> str:
    if isinstance(value, (dict, list)):
        return f"a {'mapping' if isinstance(value, dict) else 'list'} of {len(value)}"
    return "nothing" if value is None else f"{value!r:.100}"
