"""The measurement of a probe that could not judge."""

from collections.abc import Mapping
from typing import Any

from diagnosis.findings import Measurement, Severity

BEYOND_TRAINING = "beyond_training"  # in a measurement's details: true if more epochs cannot mend it
NO_CURVE = "measured from a checkpoint: there is no learning curve"


def unjudged(
    code: str, reason: str, *, unit: str, value: float = 0.0, details: Mapping[str, Any] | None = None
) -> Measurement:
    """A measurement that is neither healthy nor unhealthy; its value is 0 if nothing could be computed."""
    return Measurement(
        code=code,
        value=value,
        low=None,
        high=None,
        reference=None,
        reference_name="",
        unit=unit,
        higher_is_better=True,
        healthy=None,
        severity=Severity.INFORMATION,
        message=f"not judged: {reason}",
        details={**(details or {}), "reason": reason},
    )
