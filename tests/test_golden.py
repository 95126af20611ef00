"""Golden texts hold words and counts exactly, and leave a computed figure its last digit."""

from pathlib import Path

import pytest

from tests.golden import assert_as_golden, difference

GOLDEN = "STABLE: 42 % [28, 56] fit, NDCG@10 .1420 [-0.0031, +0.0125]; 14 of the 24 users, harness 1.2.3"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("42 %", "41 %"),
        ("28,", "29,"),
        ("56]", "55]"),
        (".1420", ".1419"),
        ("-0.0031", "-0.0032"),
        ("+0.0125", "+0.0126"),
    ],
)
def test_a_figure_may_differ_by_one_unit_of_its_last_digit(old: str, new: str) -> None:
    assert difference(GOLDEN.replace(old, new), GOLDEN) == ""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("28,", "30,"),
        (".1420", ".1422"),
        (".1420", ".142"),
        ("-0.0031", "+0.0031"),
        ("14 of", "15 of"),
        ("24 users", "25 users"),
        ("@10", "@11"),
        ("1.2.3", "1.2.4"),
        ("STABLE", "CRITICAL"),
        (" fit", ""),
        ("fit, ", "fit,\n"),
    ],
)
def test_anything_else_is_a_difference_that_shows_both_lines(old: str, new: str) -> None:
    assert old in GOLDEN
    found = difference(GOLDEN.replace(old, new), GOLDEN)
    assert f"-{GOLDEN}" in found and f"+{GOLDEN.replace(old, new).splitlines()[0]}" in found


def test_figures_around_zero_may_change_their_sign() -> None:
    assert difference("by -0.00", "by +0.00") == difference("by -0.00", "by +0.01") == ""


def test_more_or_fewer_figures_are_a_difference() -> None:
    assert difference("0.1 and 0.2", "0.1 and ") and difference("0.1", "0.1 0.1")


def test_a_missing_golden_text_is_written_and_the_test_fails_once(tmp_path: Path) -> None:
    path = tmp_path / "golden" / "text.txt"
    with pytest.raises(pytest.fail.Exception, match="read it and run again"):
        assert_as_golden("half: 50%\n", path)
    assert_as_golden("half: 51%\n", path)
    with pytest.raises(AssertionError, match="half: 60%"):
        assert_as_golden("half: 60%\n", path)
