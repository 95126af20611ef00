"""List prices of models as their vendors had them on `AS_OF`: an offline snapshot, which the user's settings override.

Nothing is fetched, so a price that a vendor has changed since is told at its old level, with its date. A model that is not
listed has no price. To bring the list up to date, edit it and its date.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

AS_OF = "2026-11-30"


@dataclass(frozen=True, kw_only=True)
class Price:
    """US dollars per million tokens.

    cached: of input tokens that the endpoint reports as cached.
    """

    input: Decimal
    output: Decimal
    cached: Decimal


# USD per million tokens: input, cached input, output.
_LISTED: dict[str, tuple[str, str, str]] = {
    "gpt-4o": ("2.50", "1.25", "10"),
    "gpt-4o-2024-05-13": ("5", "5", "15"),  # its own price, and none for cached tokens
    "gpt-4o-mini": ("0.15", "0.075", "0.60"),
    "gpt-4.1": ("2", "0.50", "8"),
    "gpt-4.1-mini": ("0.40", "0.10", "1.60"),
    "gpt-4.1-nano": ("0.10", "0.025", "0.40"),
    "gpt-5": ("1.25", "0.125", "10"),
    "gpt-5-mini": ("0.25", "0.025", "2"),
    "gpt-5-nano": ("0.05", "0.005", "0.40"),
    "gpt-5.1": ("1.25", "0.125", "10"),
    "gpt-5.2": ("1.75", "0.175", "14"),
    "gpt-5.4": ("2.50", "0.25", "15"),
    "gpt-5.4-mini": ("0.75", "0.075", "4.50"),
    "gpt-5.4-nano": ("0.20", "0.02", "1.25"),
    "gpt-5.5": ("5", "0.50", "30"),
    "o3": ("2", "0.50", "8"),
    "o3-mini": ("1.10", "0.55", "4.40"),
    "o4-mini": ("1.10", "0.275", "4.40"),
    "claude-haiku-4-5": ("1", "0.10", "5"),
    "claude-sonnet-4-5": ("3", "0.30", "15"),
    "claude-sonnet-4-6": ("3", "0.30", "15"),
    "claude-opus-4-5": ("5", "0.50", "25"),
    "claude-opus-4-8": ("5", "0.50", "25"),
}


def listed_price(model: str) -> Price | None:
    """The list price of a model, which may be named with its vendor before a slash and with a date behind; None if none is
    known.
    """
    name = model.lower().rpartition("/")[2]
    found = _LISTED.get(name) or _LISTED.get(_undated(name))
    if found is None:
        return None
    sent, cached, answered = map(Decimal, found)
    return Price(input=sent, output=answered, cached=cached)


def listed_prices(models: Iterable[str]) -> dict[str, Price]:
    """The list prices of those of these models that are listed, by model."""
    found = {model: listed_price(model) for model in models}
    return {model: price for model, price in found.items() if price is not None}


def _undated(name: str) -> str:
    """A name without a date behind it: `gpt-4o-2024-08-06`, `claude-haiku-4-5-20251001`, `gpt-5-latest`."""
    parts = name.split("-")
    if parts[-1] == "latest" or (len(parts[-1]) == 8 and parts[-1].isdigit()):
        return "-".join(parts[:-1])
    if [len(part) for part in parts[-3:]] == [4, 2, 2] and all(part.isdigit() for part in parts[-3:]):
        return "-".join(parts[:-3])
    return name
