"""The measurement of a probe that held what training did against the log."""

from collections.abc import Mapping, Sequence
from typing import Any

from diagnosis.findings import CodePlace, Measurement, Severity

MOST = 5  # places, and the last one


def measured(
    code: str,
    value: float,
    message: str,
    *,
    unit: str,
    healthy: bool | None,
    reference: float | None = None,
    reference_name: str = "",
    higher_is_better: bool = False,
    severity: Severity = Severity.WARNING,
    places: Sequence[CodePlace] = (),
    details: Mapping[str, Any] | None = None,
) -> Measurement:
    """A count over whole epochs: it has no interval, as nothing was sampled."""
    return Measurement(
        code=code,
        value=float(value),
        low=None,
        high=None,
        reference=reference,
        reference_name=reference_name,
        unit=unit,
        higher_is_better=higher_is_better,
        healthy=healthy,
        severity=severity,
        message=message if healthy is not None else f"not judged: {message}",
        places=(*places[:MOST], *places[MOST:][-1:]),  # the last looks the ids up
        details={**(details or {}), **({"reason": message} if healthy is None else {})},
    )
