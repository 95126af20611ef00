"""Turns unhealthy measurements and failed contract checks into findings, each on the lines that cause it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from diagnosis.catalogue import kind_of
from diagnosis.contract_kinds import contract_kind
from diagnosis.findings import CodePlace, Finding, FindingKind, Measurement, Severity, Site
from diagnosis.placing import finding_id, place, worst_first


class Check(Protocol):
    """The fields of a contract check that are read here; evolution.domain.trial.ContractCheck has them."""

    @property
    def code(self) -> str: ...
    @property
    def passed(self) -> bool | None: ...
    @property
    def severity(self) -> str: ...
    @property
    def message(self) -> str: ...
    @property
    def places(self) -> tuple[CodePlace, ...]: ...


def findings(
    measurements: Iterable[Measurement],
    contract_checks: Iterable[Check],
    sites: Sequence[Site],
    sources: Mapping[str, str],
) -> list[Finding]:
    """Findings for everything unhealthy, worst first.

    sources: path -> text of the measured program.
    """

    def found(
        kind: FindingKind,
        severity: Severity,
        message: str,
        places: tuple[CodePlace, ...],
        measurement: Measurement | None = None,
    ) -> Finding:
        anchors = place(kind, sites, sources, places)
        return Finding(
            id=finding_id(kind.code, anchors[0]),
            kind=kind,
            severity=severity,
            message=message,
            anchors=anchors,
            measurement=measurement,
        )

    measured = [
        found(kind_of(m.code, m.details), m.severity, m.message, m.places, m)
        for m in measurements
        if m.healthy is False
    ]
    checked = [
        found(contract_kind(check.code), Severity(check.severity), check.message, check.places)
        for check in contract_checks
        if check.passed is False
    ]
    return worst_first([*measured, *checked])
