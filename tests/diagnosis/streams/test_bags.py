"""Bags of ids that lie behind one another are read as the histories that they are."""

from functools import partial
from pathlib import Path

import pytest

from tests.diagnosis.streams.bag_loops import bags
from tests.diagnosis.streams.test_not_drawn import unhealthy, watched

pytestmark = pytest.mark.trains


def test_bags_of_a_healthy_training_are_read_and_nothing_is_said(tmp_path: Path) -> None:
    seen = watched(bags, tmp_path)
    assert unhealthy(seen) <= {"negatives-not-rejected"}
    assert seen.inputs is not None and seen.positives and seen.negatives


@pytest.mark.parametrize(
    ("loop", "code"),
    [
        (partial(bags, with_target=True), "target-is-input"),
        (partial(bags, low_half=True), "negatives-out-of-range"),
    ],
)
def test_what_is_wrong_in_bags_is_seen(loop, code: str, tmp_path: Path) -> None:
    assert code in unhealthy(watched(loop, tmp_path))
