"""A finding from a few of its values, for tests that need one and not how it came about."""

from collections.abc import Mapping
from typing import Any

from diagnosis.findings import Anchor, Finding, FindingKind, FoundBy, Measurement, Nature, Role, Severity

ANCHORLESS: tuple[Anchor, ...] = ()


def make_finding(
    code: str,
    *,
    id: str = "",
    severity: Severity = Severity.WARNING,
    message: str = "",
    why: str = "",
    definition: str = "",
    anchors: tuple[Anchor, ...] = ANCHORLESS,
    found_by: FoundBy = FoundBy.PROBE,
    value: float | None = None,
    low: float | None = None,
    high: float | None = None,
    reference: float | None = None,
    reference_name: str = "",
    unit: str = "",
    details: Mapping[str, Any] | None = None,
    nature: Nature = Nature.CAUSE,
    explains: tuple[str, ...] = (),
) -> Finding:
    """value None: nothing was measured."""
    measurement = None
    if value is not None:
        measurement = Measurement(
            code=code,
            value=value,
            low=low,
            high=high,
            reference=reference,
            reference_name=reference_name,
            unit=unit,
            higher_is_better=False,
            healthy=False,
            severity=severity,
            message=message,
            details=details or {},
        )
    title = code.replace("-", " ").capitalize()
    roles = tuple(anchor.role for anchor in anchors) or (Role.ENTRY,)
    kind = FindingKind(
        code=code,
        title=title,
        why=why,
        definition=definition,
        found_by=found_by,
        roles=roles,
        nature=nature,
        explains=explains,
    )
    return Finding(
        id=id or f"id-{code}",
        kind=kind,
        severity=severity,
        message=message,
        anchors=anchors,
        measurement=measurement,
    )
