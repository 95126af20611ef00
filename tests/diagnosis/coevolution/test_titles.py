"""Evolved probes are called as a person would call them."""

import pytest

from diagnosis.catalogue import kind_of
from diagnosis.coevolution.spec import titled


@pytest.mark.parametrize(
    ("name", "complaint", "title"),
    [
        ("overused-popularity-popularity-above-own", "overused-popularity", "Popularity above own"),
        ("overused-store-crowded-store", "overused-store", "Crowded store"),
        ("missed-price", "missed-price", "Missed price"),
        ("a-probe-of-mine", "missed-price", "A probe of mine"),
    ],
)
def test_a_title_is_the_name_without_the_complaint(name, complaint, title):
    assert titled(name, complaint) == title
    assert kind_of(f"evolved-{name}", {"complaint": complaint}).title == title
