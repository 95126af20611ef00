"""Turns unhealthy measurements and failed contract checks into findings.

Each cause stands on the lines that violate an expectation, each symptom on the entry; `diagnosis/blame.py` connects them.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from diagnosis.blame import ruled_out, worst_first
from diagnosis.catalogue import CATALOGUE, kind_of
from diagnosis.contract_kinds import contract_kind
from diagnosis.deciding.rejecting import told_in_vain
from diagnosis.deciding.renewing import renewed_later
from diagnosis.findings import CodePlace, Finding, FindingKind, Measurement, Nature, Severity, Site
from diagnosis.placing import finding_id, place


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
    measured = [renewed_later(told_in_vain(m, sources), sources) for m in measurements]
    checked = list(contract_checks)
    healthy = frozenset(
        [m.code for m in measured if m.healthy] + [check.code for check in checked if check.passed]
    )

    def found(
        kind: FindingKind,
        severity: Severity,
        message: str,
        places: tuple[CodePlace, ...],
        measurement: Measurement | None = None,
    ) -> Finding:
        details = measurement.details if measurement is not None else {}
        anchors = place(kind, sites, sources, places, details)
        symptom = kind.nature is Nature.SYMPTOM
        return Finding(
            id=finding_id(kind.code, anchors[0]),
            kind=kind,
            severity=severity,
            message=message,
            anchors=anchors,
            measurement=measurement,
            ruled_out=ruled_out(kind, CATALOGUE.values(), healthy) if symptom else (),
        )

    by_probes = [
        found(kind_of(m.code, m.details), m.severity, m.message, m.places, m)
        for m in measured
        if m.healthy is False
    ]
    by_contract = [
        found(contract_kind(check.code), Severity(check.severity), check.message, check.places)
        for check in checked
        if check.passed is False
    ]
    return worst_first([*by_probes, *by_contract])
