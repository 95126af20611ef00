"""From what was measured to what is said: findings, each on the lines that cause it."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from diagnosis.anchors import make_anchor
from diagnosis.catalogue import Entry, entry
from diagnosis.findings import Anchor, Finding, Measurement, Role, Severity, Site
from diagnosis.rules.hits import RuleHit

MAX_ANCHORS = 3
_ORDER = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFORMATION: 2}


class Check(Protocol):
    """A contract check; evolution.domain.trial.ContractCheck is one."""

    @property
    def code(self) -> str: ...
    @property
    def passed(self) -> bool | None: ...
    @property
    def severity(self) -> str: ...
    @property
    def message(self) -> str: ...


def findings(
    measurements: Iterable[Measurement],
    contract_checks: Iterable[Check],
    sites: Sequence[Site],
    sources: Mapping[str, str],
) -> list[Finding]:
    """What is unhealthy, worst first. sources: path -> text of the measured program.

    `sites` must hold at least one site in `sources`; the last resort is the first line of the first file.
    """
    found = [_of_measurement(m, sites, sources) for m in measurements if m.healthy is False]
    found += [_of_check(check, sites, sources) for check in contract_checks if check.passed is False]
    return sorted(found, key=lambda finding: _ORDER[finding.severity])


def rule_findings(hits: Iterable[RuleHit], sources: Mapping[str, str]) -> list[Finding]:
    """Findings of static rules, worst first."""
    found: list[Finding] = []
    for hit in hits:
        about = entry(hit.code)
        site = Site(role=about.roles[0], path=hit.path, start_line=hit.start_line, end_line=hit.end_line)
        anchor = make_anchor(site, sources[hit.path])
        found.append(
            Finding(
                id=finding_id(hit.code, anchor),
                code=hit.code,
                severity=hit.severity,
                message=hit.message,
                why=about.why,
                definition=about.definition,
                value=None,
                low=None,
                high=None,
                reference=None,
                reference_name="",
                unit="",
                anchors=(anchor,),
                source="rule",
                details={"start_column": hit.start_column, "end_column": hit.end_column},
            )
        )
    return sorted(found, key=lambda finding: _ORDER[finding.severity])


def finding_id(code: str, anchor: Anchor) -> str:
    """Stable while the anchored text stays the same, wherever in its file it moves."""
    return hashlib.sha256(f"{code}\0{anchor.path}\0{anchor.text}".encode()).hexdigest()[:12]


def place(about: Entry, sites: Sequence[Site], sources: Mapping[str, str]) -> tuple[Anchor, ...]:
    """Anchors of a code: the sites of its first role that the repo has, else where the recommender is built."""
    for role in (*about.roles, Role.ENTRY):
        there = [site for site in sites if site.role is role and site.path in sources]
        if there:
            return tuple(make_anchor(site, sources[site.path]) for site in there[:MAX_ANCHORS])
    path = min(sources, key=lambda name: (not name.endswith(".py"), name))
    top = Site(role=Role.ENTRY, path=path, start_line=1, end_line=1)
    return (make_anchor(top, sources[path]),)


def _of_measurement(m: Measurement, sites: Sequence[Site], sources: Mapping[str, str]) -> Finding:
    about = entry(m.code, m.details)
    anchors = place(about, sites, sources)
    return Finding(
        id=finding_id(m.code, anchors[0]),
        code=m.code,
        severity=m.severity,
        message=m.message,
        why=about.why,
        definition=about.definition,
        value=m.value,
        low=m.low,
        high=m.high,
        reference=m.reference,
        reference_name=m.reference_name,
        unit=m.unit,
        anchors=anchors,
        source="probe",
        self_reported=m.self_reported,
        details=m.details,
    )


def _of_check(check: Check, sites: Sequence[Site], sources: Mapping[str, str]) -> Finding:
    about = entry(check.code)
    anchors = place(about, sites, sources)
    return Finding(
        id=finding_id(check.code, anchors[0]),
        code=check.code,
        severity=Severity(check.severity),
        message=check.message,
        why=about.why,
        definition=about.definition,
        value=None,
        low=None,
        high=None,
        reference=None,
        reference_name="",
        unit="",
        anchors=anchors,
        source="contract",
        self_reported=True,
    )
