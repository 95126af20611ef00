"""A symptom without a cause goes to the lines of a patch that was seen to heal it, for people and not for an evolution."""

from dataclasses import replace

from diagnosis.findings import Nature
from evolution.domain.edits import Edit
from evolution.domain.feedback import Feedback
from evolution.domain.healing import CHANGED, changed_lines, with_healings
from evolution.domain.proposal import Idea, Patch, Proposal, ProposalState, Verified
from tests.findings import make_finding

SOURCES = {"m.py": "a = 1\r\nb = 2\r\nc = 3\r\nb = 2\r\n"}
PATCH = Patch(base="p", edits=(Edit(path="m.py", old="c = 3\nb = 2", new="c = 4\nb = 2"),))
IDEA = Idea(code="x", title="Full softmax", rationale="", addresses=(), rests_on=(), proposer="recipe")
PROPOSAL = Proposal(
    id="1", idea=IDEA, patch=PATCH, parent="p", child="c", trials=(), verified=Verified.FIX, effect=None, fixed=("weak",),
    details={CHANGED: changed_lines(PATCH, SOURCES)},
)  # fmt: skip
WEAK = make_finding("weak", nature=Nature.SYMPTOM)
FEEDBACK = Feedback(trial="t", program="p", created_at=0.0, findings=(WEAK,))


def test_the_lines_that_a_patch_changes_are_those_of_its_program() -> None:
    (line,) = changed_lines(PATCH, SOURCES)
    assert (line["start_line"], line["end_line"]) == (3, 4)
    twice = replace(
        PATCH, edits=(Edit(path="m.py", old="b = 2", new="b = 3"), Edit(path="new.py", old="", new="x"))
    )
    assert changed_lines(twice, SOURCES) == []


def test_a_symptom_that_a_patch_healed_stands_on_its_lines() -> None:
    (told,) = with_healings(FEEDBACK, [PROPOSAL]).all_findings()
    assert (told.healed_by, told.anchors[0].start_line, told.id) == (("Full softmax",), 3, WEAK.id)


def test_a_patch_that_is_not_verified_dismissed_or_of_another_version_connects_nothing() -> None:
    others = [
        replace(PROPOSAL, verified=Verified.NO),
        replace(PROPOSAL, state=ProposalState.DISMISSED),
        replace(PROPOSAL, parent="other"),
        replace(PROPOSAL, fixed=("narrow",)),
    ]
    (told,) = with_healings(FEEDBACK, others).all_findings()
    assert told == WEAK
