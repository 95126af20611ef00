"""What was asked of one kept training step (evolution/worker/guest/replaying.py), for the probes that judge it."""

from collections.abc import Mapping
from typing import Any

from diagnosis.evidence import Evidence
from diagnosis.findings import CodePlace, FindingKind, Measurement, Severity
from diagnosis.probes.outcome import unjudged


def answer(evidence: Evidence, question: str) -> Mapping[str, Any]:
    """The answer to one question; {} where it was not asked or has none."""
    if evidence.examination is None:
        return {}
    return evidence.examination.replayed.get(question, {})


def places(told: Mapping[str, Any], name: str = "places") -> tuple[CodePlace, ...]:
    """The lines of an answer, best first."""
    return tuple(CodePlace(path=path, line=line) for path, line, *_ in told.get(name, ()))


def unanswered(evidence: Evidence, kinds: tuple[FindingKind, ...], why: str) -> list[Measurement]:
    """What a probe says that has no answer: nothing where no training was watched at all."""
    if evidence.examination is None:
        return []
    return [unjudged(kind.code, why, unit=kind.unit) for kind in kinds]


def of_kept_step(
    kind: FindingKind,
    value: float,
    message: str,
    where: tuple[CodePlace, ...],
    *,
    healthy: bool,
    reference: float,
    reference_name: str = "",
    severity: Severity = Severity.ERROR,
    higher_is_better: bool = False,
) -> Measurement:
    """What one step says: a single value without an interval, seen beside candidate code, so that it never verifies.

    where: its lines, best first. reference_name: the kind's own words for its reference where none is given.
    """
    return Measurement(
        code=kind.code,
        value=value,
        low=None,
        high=None,
        reference=reference,
        reference_name=reference_name or kind.reference,
        unit=kind.unit,
        higher_is_better=higher_is_better,
        healthy=healthy,
        severity=severity,
        message=message,
        self_reported=True,
        places=where,
    )
