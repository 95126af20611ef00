"""The offline list of prices: which model a name means, and that the user's own prices win."""

import re
from decimal import Decimal

import pytest

from evolution.llm.price_list import AS_OF, listed_price, listed_prices
from evolution.llm.settings import llm_settings


@pytest.mark.parametrize(
    ("named", "listed"),
    [
        ("gpt-5-mini", "gpt-5-mini"),
        ("openai/gpt-5-mini", "gpt-5-mini"),
        ("gpt-4o-2024-08-06", "gpt-4o"),
        ("anthropic/claude-haiku-4-5-20251001", "claude-haiku-4-5"),
        ("gpt-5-latest", "gpt-5"),
    ],
)
def test_a_model_is_found_with_its_vendor_and_its_date(named, listed):
    assert listed_price(named) == listed_price(listed) is not None


@pytest.mark.parametrize("unknown", ["llama-3", "gpt-5-mini-turbo", "gpt", "claude", "my-gpt-4o", ""])
def test_a_name_that_is_only_alike_has_no_price(unknown):
    assert listed_price(unknown) is None
    assert listed_prices([unknown]) == {}


def test_a_dated_model_with_a_price_of_its_own_has_that():
    assert listed_price("openai/gpt-4o-2024-05-13").output > listed_price("gpt-4o").output


def test_the_list_has_a_date_and_cached_tokens_cost_no_more():
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", AS_OF)
    price = listed_price("gpt-4o")
    assert (price.input, price.cached, price.output) == (Decimal("2.50"), Decimal("1.25"), Decimal("10"))
    assert price.cached <= price.input < price.output


def test_the_users_own_price_wins_and_the_list_fills_the_rest():
    settings = llm_settings(
        {
            "base_url": "http://localhost:1/v1",
            "model": "gpt-5",
            "models": {"persona": "gpt-5-mini", "coder": "own-model"},
            "prices": {"gpt-5": {"input": 7, "output": 9}},
        }
    )
    assert settings.prices["gpt-5"].input == 7
    assert settings.prices["gpt-5-mini"] == listed_price("gpt-5-mini")
    assert settings.listed == {"gpt-5-mini"} and "own-model" not in settings.prices


def test_a_command_is_billed_by_nobody():
    settings = llm_settings({"command": ["claude", "-p"], "model": "claude-haiku-4-5"})
    assert settings.prices == {} and not settings.listed
