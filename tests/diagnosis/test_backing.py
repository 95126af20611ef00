"""What bears on a complaint of simulated users: measurements that bear it out or contradict it, and causes."""

import pytest

from diagnosis.backing import backing_of
from diagnosis.catalogue import CATALOGUE, kind_of
from diagnosis.findings import Anchor, Finding, Measurement, Role, Severity
from diagnosis.symptoms import VERIFIES


def measured(code: str, healthy: bool | None) -> Measurement:
    return Measurement(
        code=code, value=0.5, low=None, high=None, reference=0.1, reference_name="", unit="share", higher_is_better=False,
        healthy=healthy, severity=Severity.WARNING, message=f"what {code} says",
    )  # fmt: skip


def found(code: str, *lines: int) -> Finding:
    anchors = tuple(
        Anchor(path="model.py", start_line=line, end_line=line, text="", blob="", role=Role.ENCODER)
        for line in lines
    )
    return Finding(
        id=code, kind=kind_of(code), severity=Severity.WARNING, message=f"{code} here", anchors=anchors
    )


@pytest.mark.parametrize(
    ("healthy", "line"),
    [
        (False, "borne out by popularity-bias: what popularity-bias says"),
        (True, "contradicted by popularity-bias: what popularity-bias says"),
    ],
)
def test_a_measurement_of_what_is_complained_of_bears_it_out_or_contradicts_it(
    healthy: bool, line: str
) -> None:
    measurements = [measured("popularity-bias", healthy), measured("off-price", False)]
    backing = backing_of("overused-popularity", [], measurements)
    assert [one.line for one in backing.told()] == [line] and bool(backing)


def test_what_could_not_be_judged_says_nothing() -> None:
    assert not backing_of("overused-popularity", [], [measured("popularity-bias", None)])
    assert not backing_of(
        "liked-popularity", [found("decay-outweighs", 3)], [measured("popularity-bias", True)]
    )


def test_a_cause_of_the_complaint_explains_it_on_its_line() -> None:
    findings = [found("order-ignored", 12), found("overconfidence", 3)]
    backing = backing_of("missed-sequence", findings, [])
    assert [one.line for one in backing.told()] == [
        "explained by order-ignored (model.py:12): order-ignored here"
    ]
    assert backing.anchors == findings[0].anchors


def test_a_cause_of_what_bears_it_out_explains_it_too() -> None:
    cause = found("negatives-repeated", 7)
    assert (
        "overused-popularity" not in cause.kind.explains and "exposure-concentration" in cause.kind.explains
    )
    without = backing_of("overused-popularity", [cause], [measured("exposure-concentration", True)])
    assert not without.causes
    borne = backing_of("overused-popularity", [cause], [measured("exposure-concentration", False)])
    assert borne.causes == (cause,)


def test_the_catalogue_knows_the_same_complaints() -> None:
    assert {code: kind.verifies for code, kind in CATALOGUE.items() if kind.verifies} == VERIFIES
