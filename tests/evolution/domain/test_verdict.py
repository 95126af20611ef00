"""The verdict: one status, at most five ranked lines, and which checks were healthy."""

from dataclasses import replace

from diagnosis.blame import connected
from diagnosis.findings import Anchor, Finding, Measurement, Nature, Role, Severity
from evolution.domain.trial import ContractCheck
from evolution.domain.verdict import MOST_LINES, Status, told_of, verdict
from tests.findings import make_finding

LINE = Anchor(path="model.py", start_line=8, end_line=8, blob="b", text="x", role=Role.ITEM_TABLE)


def finding(code: str, nature: Nature = Nature.CAUSE, **given: object) -> Finding:
    return make_finding(code, nature=nature, anchors=(LINE,), message=f"{code} was seen", **given)  # type: ignore[arg-type]


def measured(code: str, healthy: bool | None) -> Measurement:
    return Measurement(
        code=code, value=1.0, low=None, high=None, reference=None, reference_name="", unit="", higher_is_better=True,
        healthy=healthy, severity=Severity.WARNING, message="",
    )  # fmt: skip


def check(code: str, passed: bool | None) -> ContractCheck:
    return ContractCheck(code=code, passed=passed, severity="warning", message="")


def test_a_cause_says_where_it_is_and_what_it_explains() -> None:
    told = connected([finding("ids", explains=("weak",)), finding("weak", Nature.SYMPTOM)])
    assert verdict(told, [], []).lines == ("Ids: ids was seen (model.py:8). Explains: Weak",)


def test_outcomes_without_a_cause_share_a_line_with_what_all_of_them_rule_out() -> None:
    one = replace(finding("weak", Nature.SYMPTOM), ruled_out=("more-padding", "newest-kept"))
    other = replace(finding("narrow", Nature.SYMPTOM), ruled_out=("newest-kept",))
    assert verdict([one, other], [], []).lines == ("Weak, Narrow: No cause found; ruled out: newest kept",)
    assert verdict([one], [], []).lines == (
        "Weak: weak was seen. No cause found; ruled out: more padding, newest kept",
    )


def test_at_most_five_lines_the_worst_first() -> None:
    many = [finding(f"c{i}", severity=Severity.WARNING) for i in range(6)]
    found = verdict(connected([*many, finding("bad", severity=Severity.ERROR)]), [], [])
    assert len(found.lines) == MOST_LINES
    assert found.lines[0].startswith("Bad: ") and found.lines[-1] == "and 3 more"


def test_the_status_is_that_of_the_worst_group() -> None:
    advice = finding("few", Nature.ADVICE, severity=Severity.INFORMATION)
    rising = finding("not-converged", Nature.SYMPTOM, severity=Severity.INFORMATION)
    warned = finding("weak", Nature.SYMPTOM)
    assert verdict([], [], []).status is verdict([advice], [], []).status is Status.HEALTHY
    assert verdict([advice, rising], [], []).status is Status.NOT_CONVERGED
    assert verdict([rising, warned], [], []).status is Status.NEEDS_IMPROVEMENT
    assert verdict([warned, finding("bad", severity=Severity.ERROR)], [], []).status is Status.BROKEN


def test_faults_of_the_users_probes_share_the_last_line_and_say_nothing_of_the_model() -> None:
    faults = [finding("probe-fault", Nature.ADVICE, severity=Severity.ERROR) for _ in range(2)]
    found = verdict(faults, [], [])
    assert (found.status, found.lines) == (Status.HEALTHY, ("2 faults in probes of yours: model.py:8",))
    many = [finding(f"c{i}", severity=Severity.WARNING) for i in range(6)]
    crowded = verdict(connected([*many, *faults[:1]]), [], [])
    assert crowded.status is Status.NEEDS_IMPROVEMENT and len(crowded.lines) == MOST_LINES
    assert crowded.lines[3:] == ("and 3 more", "1 fault in probes of yours: model.py:8")


def test_which_checks_were_healthy_is_listed_and_counted() -> None:
    found = verdict([], [measured("a", True), measured("b", None)], [check("c", True), check("d", False)])
    assert (found.healthy, found.unknown, found.unhealthy) == (("a", "c"), ("b",), ("d",))
    assert found.checks == "4 checks: 2 healthy, 1 not, 1 could not tell"


def test_what_connects_a_finding_is_said_of_symptoms_alone() -> None:
    cause, symptom = connected([finding("ids", explains=("weak",)), finding("weak", Nature.SYMPTOM)])
    assert (told_of(cause, [cause]), told_of(symptom, [cause])) == ("", "Explained by: Ids.")
    alone = finding("weak", Nature.SYMPTOM)
    assert told_of(alone, []) == "No cause found."
    assert told_of(replace(alone, healed_by=("Full softmax",)), []) == "Healed by the patch: Full softmax."
