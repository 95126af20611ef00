from decimal import Decimal

import pytest

from evolution.base.amounts import listed, number, roughly, signed


@pytest.mark.parametrize(
    ("tokens", "usd", "words"),
    [
        (122_168, Decimal("0.3816"), "120,000 tokens ($0.38)"),
        (240_000, Decimal("12.4"), "240,000 tokens ($12)"),
        (950, Decimal(0), "950 tokens ($0)"),
        (1_049_999, Decimal("1234"), "1,000,000 tokens ($1,200)"),
        (12, None, "12 tokens"),
    ],
)
def test_an_estimate_tells_two_digits(tokens, usd, words):
    assert roughly(tokens, usd) == words


def test_a_long_list_is_cut():
    assert listed(["a", "b"]) == "a, b" and listed(list("abcdefg")) == "a, b, c, d, e and 2 more"


def test_a_number_has_three_digits_at_any_size():
    told = [
        number(value) for value in (0.184, 1.524, 1.5, 12.34, 999.4, 999.7, 12_345, 0, -0.5, 0.00012, 3e20)
    ]
    assert told == [
        ".184",
        "1.52",
        "1.5",
        "12.3",
        "999",
        "1,000",
        "12,345",
        "0",
        "-.500",
        "1.2e-04",
        "3.0e+20",
    ]
    assert [signed(0.029), signed(-0.029)] == ["+.029", "-.029"]
