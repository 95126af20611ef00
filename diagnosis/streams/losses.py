"""What a loss over classes does with them, by the arguments of its traced call."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from diagnosis.examination import Stream


class Loss(StrEnum):
    """Whether all classes but the ignored one count."""

    COUNTS_ALL = "counts all"
    MAY_LEAVE_OUT = "may leave some out"  # classes have weights, or losses are not reduced and may be masked
    UNKNOWN = "unknown"


def loss_of(trace: Mapping[str, Any], stream: Stream) -> Loss:
    """How the loss of a target stream counts its classes."""
    for op in trace.get("ops", ()):
        if (op["path"], op["line"], op["function"]) == (stream.path, stream.line, stream.function):
            masked = op["scalars"].get("reduction") == "none"
            weighed = len(op["in"]) > 2
            return Loss.MAY_LEAVE_OUT if masked or weighed else Loss.COUNTS_ALL
    return Loss.UNKNOWN
