"""Symptoms are told below what brings them about, in one group each, and stand on no line but that of a patch that healed them."""

from dataclasses import replace
from typing import Any

from diagnosis.anchors import make_anchor
from diagnosis.blame import Healing, connected, explains, groups
from diagnosis.catalogue import CATALOGUE
from diagnosis.findings import Anchor, Finding, FoundBy, Nature, Role, Severity, Site
from tests.findings import make_finding

TEXT = "a\nb\nc\nd\n"


def at(line: int) -> tuple[Anchor, ...]:
    return (make_anchor(Site(role=Role.ENTRY, path="m.py", start_line=line, end_line=line), TEXT),)


def finding(
    code: str, nature: Nature, line: int, severity: Severity = Severity.WARNING, **kind: Any
) -> Finding:
    made = make_finding(code, anchors=at(line), severity=severity)
    return replace(made, kind=replace(made.kind, nature=nature, **kind))


CAUSE = finding("cause", Nature.CAUSE, 3, explains=("weak", "complaint"))
WEAK = finding("weak", Nature.SYMPTOM, 1, Severity.ERROR, explains=("milder",))
MILDER = finding("milder", Nature.SYMPTOM, 1)
EVOLVED = finding("evolved", Nature.SYMPTOM, 1, verifies=("complaint",))
OTHER = finding("other", Nature.SYMPTOM, 1)
ADVICE = finding("advice", Nature.ADVICE, 2, Severity.INFORMATION)


def lines(findings: list[Finding]) -> dict[str, int]:
    return {f.code: f.anchors[0].start_line for f in findings}


def test_a_cause_explains_by_code_or_by_complaint_and_its_line_is_accused_once() -> None:
    told = connected([WEAK, OTHER, ADVICE, EVOLVED, CAUSE])
    assert lines(told) == {"cause": 3, "weak": 1, "evolved": 1, "other": 1, "advice": 2}
    assert {f.code: f.explained_by for f in told if f.explained_by} == {
        "weak": ("id-cause",),
        "evolved": ("id-cause",),
    }


def test_without_a_cause_it_stays_and_keeps_what_was_ruled_out() -> None:
    (told,) = connected([replace(WEAK, ruled_out=("more-padding",))])
    assert (told.anchors, told.ruled_out, told.severity) == (WEAK.anchors, ("more-padding",), Severity.ERROR)


def test_a_group_counts_once_and_is_as_severe_as_the_worst_in_it() -> None:
    told = connected([WEAK, MILDER, CAUSE])
    assert [(f.code, f.severity) for f in told] == [
        ("cause", Severity.ERROR),
        ("weak", Severity.INFORMATION),
        ("milder", Severity.INFORMATION),
    ]
    assert [(g.head.code, [m.code for m in g.members]) for g in groups(told)] == [
        ("cause", ["weak", "milder"])
    ]


def test_two_symptoms_that_always_come_together_are_one() -> None:
    (group,) = groups(connected([MILDER, WEAK]))
    assert (group.head.code, [m.code for m in group.members]) == ("weak", ["milder"])


def test_a_symptom_whose_cause_was_dismissed_is_told_by_itself() -> None:
    told = [f for f in connected([WEAK, CAUSE]) if f.code != "cause"]
    assert [g.head.code for g in groups(told)] == ["weak"]


def test_two_that_explain_each_other_are_told_apart_and_twins_of_one_id_both() -> None:
    one = finding("one", Nature.CAUSE, 1, explains=("two",))
    two = finding("two", Nature.CAUSE, 2, explains=("one",))
    assert [f.code for f in connected([one, two, one])] == ["one", "two", "one"]


def test_a_patch_that_healed_a_symptom_gives_it_its_lines_and_moves_no_cause() -> None:
    healed = {code: [Healing(title="Full softmax", anchors=at(4))] for code in ("weak", "cause", "advice")}
    told = {f.code: f for f in connected([WEAK, MILDER, ADVICE], healed)}
    assert lines(list(told.values())) == {"weak": 4, "milder": 4, "advice": 2}
    assert told["weak"].healed_by == ("Full softmax",)
    assert lines(connected([CAUSE, WEAK], healed)) == {"cause": 3, "weak": 1}


def test_causes_come_before_symptoms_of_one_severity() -> None:
    cause = finding("z", Nature.CAUSE, 1)
    assert [f.code for f in connected([OTHER, cause, ADVICE])] == ["z", "other", "advice"]


def test_connecting_again_changes_nothing() -> None:
    once = connected([OTHER, WEAK, MILDER, CAUSE, ADVICE])
    assert connected(once) == once


def test_what_kinds_explain_exists_and_no_two_symptoms_explain_each_other() -> None:
    kinds = list(CATALOGUE.values())
    symptoms = [kind for kind in kinds if kind.nature is Nature.SYMPTOM]
    told = {kind.code for kind in kinds} | {code for kind in kinds for code in kind.verifies}
    assert {code for kind in kinds for code in kind.explains} <= told
    assert not [(a.code, b.code) for a in symptoms for b in symptoms if explains(a, b) and explains(b, a)]


def test_a_cause_seen_in_values_stands_on_the_line_where_a_rule_that_explains_it_sees_it() -> None:
    seen = finding("seen", Nature.CAUSE, 4)
    rule = finding("rule", Nature.CAUSE, 2, found_by=FoundBy.RULE, explains=("seen",))
    placed = {f.code: [a.start_line for a in f.anchors] for f in connected([seen, rule])}
    assert placed == {"rule": [2], "seen": [2, 4]}


def test_a_cause_that_follows_from_another_comes_to_its_line_and_keeps_its_own_behind() -> None:
    seen = finding("seen", Nature.CAUSE, 4)
    head = finding("probe", Nature.CAUSE, 2, explains=("seen",))
    placed = {f.code: [a.start_line for a in f.anchors] for f in connected([seen, head])}
    assert placed == {"probe": [2], "seen": [2, 4]}
    assert connected(connected([seen, head])) == connected([seen, head])


def test_a_cause_keeps_its_line_beside_one_that_does_not_explain_it_and_a_rule_keeps_its_own() -> None:
    seen = finding("seen", Nature.CAUSE, 4)
    rule = finding("seen", Nature.CAUSE, 4, found_by=FoundBy.RULE)
    stranger = finding("rule", Nature.CAUSE, 2, found_by=FoundBy.RULE, explains=("weak",))
    head = finding("probe", Nature.CAUSE, 2, explains=("seen",))
    assert lines(connected([seen, stranger]))["seen"] == 4
    assert lines(connected([rule, head]))["seen"] == 4


def test_what_follows_from_a_wrong_axis_or_a_missing_block_comes_to_its_line() -> None:
    following = {
        "weights-summed-elsewhere": ("more-padding", "padding-attended", "future-visible"),
        "softmax-axis": ("more-padding", "padding-attended", "future-visible"),
        "future-visible": ("history-window", "history-holes"),
        "graph-one-way": ("no-gradient",),
        "graph-edges-missing": ("no-gradient",),
        "graph-not-normalised": ("initial-scale",),
    }
    for code, others in following.items():
        assert all(explains(CATALOGUE[code], CATALOGUE[other]) for other in others), code
