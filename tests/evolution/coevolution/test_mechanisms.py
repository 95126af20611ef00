"""A mechanism that a version has come to have and nothing measures is open for a probe; what is measured, or old, is not."""

from dataclasses import replace

import pytest

from diagnosis.coevolution.spec import ProbeSpec
from diagnosis.findings import Measurement, Severity
from evolution.coevolution.mechanisms import unmeasured_mechanisms
from evolution.domain.feedback import Feedback

BEFORE = {"model.py": "def build(data):\n    return data.item_columns.store\n", "data.py": "x = 1\n"}


@pytest.fixture
def feedback() -> Feedback:
    return Feedback(trial="t", program="p", created_at=0.0)


def _codes(feedback, after, specs=()):
    return {c.code: c.message for c in unmeasured_mechanisms(feedback, specs, BEFORE, {**BEFORE, **after})}


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("cost = data.item_columns.price\n", "track-price"),
        ('cost = columns["price"]\n', "track-price"),
        ('stars = getattr(data.item_columns, "average_rating")\n', "track-quality"),
        ("gaps = np.diff(events.timestamps)\n", "track-recency"),
    ],
)
def test_a_column_that_is_newly_read_is_a_mechanism_with_its_line(feedback, line, code):
    told = _codes(feedback, {"price.py": "import x\n" + line})
    assert list(told) == [code]
    assert "(price.py:2)" in told[code]


@pytest.mark.parametrize(
    "after",
    [
        {"other.py": "brand = data.item_columns.store\n"},  # read before, elsewhere
        {"other.py": "price = 3\nself.price = price\n"},  # a name of its own, and written
        {"other.py": "def broken(:\n"},
    ],
)
def test_what_was_read_before_or_is_not_read_is_none(feedback, after):
    assert _codes(feedback, after) == {}


def test_what_a_measurement_or_a_probe_tells_of_is_none(feedback):
    after = {"other.py": "a = columns.price\nb = columns.categories\n"}
    assert set(_codes(feedback, after)) == {"track-price", "track-category"}
    measured = replace(feedback, measurements=(_healthy("off-price"),))
    spec = ProbeSpec(
        name="kinds",
        complaint="missed-category",
        signal="category",
        definition="",
        unit="",
        higher_is_better=True,
        author="",
        source="",
    )
    assert _codes(measured, after, [spec]) == {}


def _healthy(code: str) -> Measurement:
    return Measurement(
        code=code,
        value=0.1,
        low=None,
        high=None,
        reference=0.1,
        reference_name="",
        unit="",
        higher_is_better=False,
        healthy=True,
        severity=Severity.WARNING,
        message="",
    )
