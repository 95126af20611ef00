from decimal import Decimal

import pytest

from evolution.base.amounts import listed, roughly


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
