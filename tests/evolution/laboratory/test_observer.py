"""What was said of a trial is said anew when what says it has changed."""

from diagnosis.anchors import make_anchor
from diagnosis.catalogue import kind_of
from diagnosis.findings import Finding, Role, Severity, Site
from evolution.domain.feedback import Feedback
from evolution.laboratory.observer import critique_anchors, observer_version
from simulator.critiques import Critique, Fidelity


def critique(signal: str) -> Critique:
    fidelity = Fidelity(auc=0.9, low=0.8, high=0.95, users=10)
    return Critique(
        id="c", code=f"missed-{signal}", positive=False, signal=signal, message="m", count=5, users=10,
        share=0.5, low=0.2, high=0.8, quotes=(), fidelity=fidelity,
    )  # fmt: skip


SOURCES = {"model.py": "a\nb\nc\nd\n"}
ENTRY = Site(role=Role.ENTRY, path="model.py", start_line=1, end_line=1)
ENCODER = Site(role=Role.ENCODER, path="model.py", start_line=3, end_line=3)


def feedback(*findings: Finding) -> Feedback:
    return Feedback(trial="t", program="p", created_at=0.0, findings=findings, sites=(ENTRY, ENCODER))


def test_a_critique_stands_on_the_lines_of_its_cause() -> None:
    anchor = make_anchor(ENCODER, SOURCES["model.py"])
    cause = Finding(
        id="f", kind=kind_of("order-ignored"), severity=Severity.WARNING, message="m", anchors=(anchor,)
    )
    assert critique_anchors(critique("sequence"), feedback(cause), SOURCES) == (anchor,)
    (other,) = critique_anchors(critique("category"), feedback(cause), SOURCES)
    assert other.role is Role.ENTRY


def test_a_critique_without_a_known_cause_accuses_no_line_but_the_entry() -> None:
    (anchor,) = critique_anchors(critique("sequence"), feedback(), SOURCES)
    assert (anchor.start_line, anchor.text, anchor.role) == (1, "a", Role.ENTRY)


def test_the_observers_version_is_that_of_its_code() -> None:
    assert len(observer_version()) == 16
