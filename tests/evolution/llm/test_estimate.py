"""The estimate of a run: dollars and tokens are of the same exchanges."""

from decimal import Decimal

import pytest

from evolution.llm.estimate import estimate
from evolution.llm.price_list import Price
from evolution.llm.settings import MILLION, LlmSettings


def test_dollars_follow_tokens_where_all_cost_the_same():
    one = Price(input=Decimal(1), output=Decimal(1), cached=Decimal(1))
    settings = LlmSettings(base_url="http://localhost/v1", key="", model="any", prices={"any": one})
    told = estimate(settings, source_bytes=9_000, users=20)
    for part in (told.first, told.each):
        assert float(part.usd) * MILLION == pytest.approx(part.tokens, rel=0.001)
