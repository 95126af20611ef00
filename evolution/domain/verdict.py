"""The verdict on a version in a few ranked lines: its status, what is wrong and why, and which checks were healthy."""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from diagnosis.blame import Group, groups
from diagnosis.findings import Finding, FoundBy, Measurement, Nature, Severity
from evolution.base.amounts import count, listed
from evolution.domain.feedback import Feedback
from evolution.domain.trial import ContractCheck, Trial

MOST_LINES = 5
NOT_CONVERGED = "not-converged"
PROBE_FAULT = "probe-fault"  # says nothing of the model


class Status(StrEnum):
    """How a version stands, worst first."""

    BROKEN = "broken"  # some finding is an error
    NEEDS_IMPROVEMENT = "needs improvement"  # some finding costs accuracy
    NOT_CONVERGED = "not converged"  # nothing else can be judged before it is trained longer
    HEALTHY = "healthy"


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """lines: at most MOST_LINES, the worst first.

    healthy, unknown: codes of the measurements and checks that were healthy, and that could not tell.
    unhealthy: those of measurements and checks, dismissed or not.
    """

    status: Status
    lines: tuple[str, ...]
    healthy: tuple[str, ...]
    unhealthy: tuple[str, ...]
    unknown: tuple[str, ...]

    @property
    def checks(self) -> str:
        """For example `14 checks: 12 healthy, 1 could not tell`."""
        counted = [f"{len(self.healthy)} healthy"]
        if self.unhealthy:
            counted.append(f"{len(self.unhealthy)} not")
        if self.unknown:
            counted.append(f"{len(self.unknown)} could not tell")
        total = len(self.healthy) + len(self.unhealthy) + len(self.unknown)
        return f"{total} checks: {', '.join(counted)}"


def verdict(
    findings: Iterable[Finding], measurements: Iterable[Measurement], checks: Iterable[ContractCheck]
) -> Verdict:
    """The verdict on one trial. findings: connected ones, without those that the user dismissed."""
    told = groups(findings)
    judged = [(m.code, m.healthy) for m in measurements] + [(check.code, check.passed) for check in checks]
    return Verdict(
        status=_status(told),
        lines=_lines(told),
        healthy=_codes(judged, True),
        unhealthy=_codes(judged, False),
        unknown=_codes(judged, None),
    )


def verdict_on(trial: Trial, feedback: Feedback, dismissed: Container[str]) -> Verdict:
    """The verdict on a trial with its feedback. dismissed: ids of findings that the user dismissed."""
    findings = [finding for finding in feedback.all_findings() if finding.id not in dismissed]
    return verdict(findings, feedback.all_measurements(), (*trial.contract, *feedback.asked))


def told_of(finding: Finding, causes: Sequence[Finding]) -> str:
    """What connects a finding with its lines, or that nothing does; "" for a cause and for advice.

    causes: the findings among which are those that explain it.
    """
    titles = [cause.kind.title for cause in causes if cause.id in finding.explained_by]
    if titles:
        return f"Explained by: {', '.join(dict.fromkeys(titles))}."
    if finding.healed_by:
        return f"Healed by the patch: {', '.join(finding.healed_by)}."
    if finding.kind.nature is not Nature.SYMPTOM or finding.kind.found_by is not FoundBy.PROBE:
        return ""
    if finding.code == NOT_CONVERGED:
        return ""
    return f"{_no_cause(finding.ruled_out)}."


def _codes(judged: Iterable[tuple[str, bool | None]], healthy: bool | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(code for code, found in judged if found is healthy))


def _status(told: Sequence[Group]) -> Status:
    severities = {group.head.severity for group in told if group.head.code != PROBE_FAULT}
    if Severity.ERROR in severities:
        return Status.BROKEN
    if Severity.WARNING in severities:
        return Status.NEEDS_IMPROVEMENT
    rising = any(group.head.code == NOT_CONVERGED for group in told)
    return Status.NOT_CONVERGED if rising else Status.HEALTHY


def _lines(told: Sequence[Group]) -> tuple[str, ...]:
    """One line for each group; outcomes without a cause share one, and so do faults of the user's probes, at the end. The
    last line before these counts what found no place.
    """
    faults = [group.head for group in told if group.head.code == PROBE_FAULT]
    about_the_model = [group for group in told if group.head.code != PROBE_FAULT]
    outcomes = [group for group in about_the_model if _is_outcome(group.head)]
    lines = [
        _outcomes(outcomes) if group in outcomes else _line(group)
        for group in about_the_model
        if group not in outcomes[1:]
    ]
    most = MOST_LINES - bool(faults)
    if len(lines) > most:
        lines = [*lines[: most - 1], f"and {len(lines) - most + 1} more"]
    return (*lines, *([_faults(faults)] if faults else []))


def _faults(faults: Sequence[Finding]) -> str:
    places = [f"{anchor.path}:{anchor.start_line}" for fault in faults for anchor in fault.anchors[:1]]
    return f"{count(len(faults), 'fault')} in probes of yours: {listed(list(dict.fromkeys(places)))}"


def _is_outcome(finding: Finding) -> bool:
    symptom = finding.kind.nature is Nature.SYMPTOM and finding.code != NOT_CONVERGED
    return symptom and finding.severity is not Severity.INFORMATION and not finding.healed_by


def _line(group: Group) -> str:
    head = group.head
    where = f" ({head.anchors[0].path}:{head.anchors[0].start_line})" if head.anchors else ""
    place = where if head.kind.nature is Nature.CAUSE or head.healed_by else ""
    brings = _titles(group.members)
    return f"{head.kind.title}: {head.message}{place}" + (f". Explains: {brings}" if brings else "")


def _outcomes(outcomes: Sequence[Group]) -> str:
    heads = [group.head for group in outcomes]
    if len(heads) == 1:
        told = f"{heads[0].kind.title}: {heads[0].message.rstrip('.')}"
        return f"{told}. {_no_cause(heads[0].ruled_out)}"
    named = _titles([finding for group in outcomes for finding in (group.head, *group.members)])
    common = [code for code in heads[0].ruled_out if all(code in head.ruled_out for head in heads)]
    return f"{named}: {_no_cause(common)}"


def _no_cause(checked: Sequence[str]) -> str:
    return "No cause found" + (
        f"; ruled out: {', '.join(code.replace('-', ' ') for code in checked)}" if checked else ""
    )


def _titles(findings: Iterable[Finding]) -> str:
    return ", ".join(dict.fromkeys(finding.kind.title for finding in findings))
