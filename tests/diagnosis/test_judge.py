"""Findings: only what is unhealthy, worst first, on the lines of the right role, with stable ids."""

from dataclasses import dataclass, replace

from diagnosis.catalogue import CATALOGUE, kind_of
from diagnosis.evidence import Evidence
from diagnosis.findings import CodePlace, Measurement, Nature, Role, Severity, Site
from diagnosis.judge import findings
from diagnosis.measure import measure
from diagnosis.rules.check import check_source
from diagnosis.rules.findings import rule_findings

SOURCE = {"m.py": "table = make()\nloss = f(table)\n\n\ndef build(data):\n    return loss\n"}
SITES = [
    Site(role=Role.ITEM_TABLE, path="m.py", start_line=1, end_line=1),
    Site(role=Role.LOSS, path="m.py", start_line=2, end_line=2),
    Site(role=Role.ENTRY, path="m.py", start_line=5, end_line=5),
]


@dataclass(frozen=True)
class Check:
    code: str
    passed: bool | None
    severity: str = "warning"
    message: str = "two passes differ"
    places: tuple[CodePlace, ...] = ()


def measurement(code: str, healthy: bool | None, severity: Severity = Severity.WARNING) -> Measurement:
    return Measurement(
        code=code,
        value=1.0,
        low=None,
        high=None,
        reference=2.0,
        reference_name="x",
        unit="y",
        higher_is_better=True,
        healthy=healthy,
        severity=severity,
        message="m",
    )


def test_healthy_and_unjudged_measurements_make_no_finding() -> None:
    measured = [measurement("overconfidence", True), measurement("same-list", None)]
    assert findings(measured, [Check("padding", True), Check("padding", None)], SITES, SOURCE) == []


def test_a_cause_stands_on_its_role_and_falls_back_to_the_entry() -> None:
    checks = [Check("id-round-trip", False), Check("newest-kept", False)]
    found = {f.code: f for f in findings([measurement("order-ignored", False)], checks, SITES, SOURCE)}
    assert found["id-round-trip"].anchors[0].text == "table = make()"
    assert found["newest-kept"].anchors[0].role is Role.ENTRY  # no line was seen to make the scores
    assert found["order-ignored"].anchors[0].role is Role.ENTRY  # what loses the order is not known


def test_a_symptom_accuses_no_line_whatever_its_kinds_roles() -> None:
    measured = [
        measurement(kind.code, False) for kind in CATALOGUE.values() if kind.nature is not Nature.CAUSE
    ]
    assert {f.anchors[0].role for f in findings(measured, [], SITES, SOURCE)} == {Role.ENTRY}


def test_a_symptom_says_which_causes_were_checked_and_are_healthy() -> None:
    checks = [Check("more-padding", True), Check("newest-kept", None), Check("score-shape", True)]
    (found,) = findings([measurement("weaker-than-ease", False)], checks, SITES, SOURCE)
    assert found.ruled_out == ("more-padding",)


def test_worst_first() -> None:
    measured = [
        measurement("order-unused", False, Severity.INFORMATION),
        measurement("overconfidence", False),
        measurement("weaker-than-popularity", False, Severity.ERROR),
    ]
    assert [f.severity for f in findings(measured, [], SITES, SOURCE)] == ["error", "warning", "information"]


def test_a_training_that_ended_too_early_is_told_before_all_but_errors() -> None:
    measured = [
        measurement("overconfidence", False),
        measurement("not-converged", False, Severity.INFORMATION),
        measurement("scores-tied", False, Severity.ERROR),
    ]
    told = findings(measured, [], SITES, SOURCE)
    assert [f.code for f in told] == ["scores-tied", "not-converged", "overconfidence"]


def test_a_failed_check_becomes_a_finding_of_the_contract() -> None:
    (found,) = findings([], [Check("same-answer-twice", False)], SITES, SOURCE)
    assert (found.kind.found_by, found.severity, found.message) == (
        "contract",
        Severity.WARNING,
        "two passes differ",
    )


def test_what_points_at_a_line_itself_stands_there_and_not_on_its_kinds_roles() -> None:
    at = (CodePlace(path="m.py", line=6), CodePlace(path="gone.py", line=1), CodePlace(path="m.py", line=6))
    told = replace(measurement("overconfidence", False), places=at)
    (measured, checked) = findings([told], [Check("same-answer-twice", False, places=at)], SITES, SOURCE)
    assert [a.start_line for a in measured.anchors] == [a.start_line for a in checked.anchors] == [6]


def test_ids_follow_the_text_and_not_its_place() -> None:
    (one,) = findings([measurement("overconfidence", False)], [], SITES, SOURCE)
    lower = [replace(site, start_line=site.start_line + 1, end_line=site.end_line + 1) for site in SITES]
    (two,) = findings([measurement("overconfidence", False)], [], lower, {"m.py": "# new\n" + SOURCE["m.py"]})
    (other,) = findings([measurement("same-list", False)], [], SITES, SOURCE)
    assert one.id == two.id != other.id


def test_no_site_at_all_still_has_an_anchor() -> None:
    (found,) = findings([measurement("overconfidence", False)], [], [], SOURCE)
    assert found.anchors[0].start_line == 1


def test_a_rules_hit_keeps_its_columns() -> None:
    text = "import torch.nn.functional as F\n\ndef f(x):\n    return F.dropout(x)\n"
    (found,) = rule_findings(check_source("m.py", text), {"m.py": text})
    assert (found.code, found.anchors[0].start_line) == ("functional-dropout", 4)
    assert found.columns == (11, 23)


def test_every_measured_code_is_explained(healthy: Evidence) -> None:
    assert {m.code for m in measure(healthy)} <= set(CATALOGUE)
    known = CATALOGUE.values()
    assert all(kind.why.endswith(".") and kind.definition.endswith(".") for kind in known)
    assert len({kind.title for kind in known}) == len(known)
    assert kind_of("some-new-check").roles == (Role.SCORING,)
