"""Measurements of an expectation on the training step, which was looked at beside candidate code and so never verifies."""

from collections.abc import Mapping, Sequence
from typing import Any

from diagnosis.findings import CodePlace, FindingKind, Measurement, Severity


def violated(
    kind: FindingKind,
    value: float,
    message: str,
    places: Sequence[CodePlace | None],
    *,
    unit: str,
    severity: Severity = Severity.WARNING,
    reference: float | None = 0.0,
    reference_name: str = "none",
    higher_is_better: bool = False,
    details: Mapping[str, Any] | None = None,
) -> Measurement:
    """The expectation does not hold. places: best first; those that are unknown are left out."""
    return Measurement(
        code=kind.code,
        value=value,
        low=None,
        high=None,
        reference=reference,
        reference_name=reference_name,
        unit=unit,
        higher_is_better=higher_is_better,
        healthy=False,
        severity=severity,
        message=message,
        self_reported=True,
        places=tuple(place for place in places if place is not None and place.path),
        details=details or {},
    )


def held(
    kind: FindingKind,
    message: str,
    *,
    unit: str,
    value: float = 0.0,
    reference: float | None = 0.0,
    reference_name: str = "none",
    higher_is_better: bool = False,
) -> Measurement:
    """The expectation holds."""
    return Measurement(
        code=kind.code,
        value=value,
        low=None,
        high=None,
        reference=reference,
        reference_name=reference_name,
        unit=unit,
        higher_is_better=higher_is_better,
        healthy=True,
        severity=Severity.INFORMATION,
        message=message,
        self_reported=True,
    )
