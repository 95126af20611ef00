"""Tokens and dollars of one exchange, as the endpoint reports them, or as estimates that are marked as such."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from evolution.llm.budget import Charge
from evolution.llm.price_list import Price
from evolution.llm.settings import MILLION

BYTES_PER_TOKEN = 3  # English takes about 4 bytes a token and code about 3: estimates are on the high side
TOKENS_PER_MESSAGE = 8  # what separates and names the messages


@dataclass(frozen=True, kw_only=True)
class Usage:
    """Tokens of one exchange.

    cached: input tokens that the endpoint had cached.
    output: thinking included.
    estimated: the endpoint did not report the tokens, or reported impossible figures.
    """

    input: int = 0
    output: int = 0
    cached: int = 0
    estimated: bool = False

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            input=self.input + other.input,
            output=self.output + other.output,
            cached=self.cached + other.cached,
            estimated=self.estimated or other.estimated,
        )


def tokens_of(size_bytes: int) -> int:
    """Estimated tokens of a text of so many bytes: one for every three bytes, rounded up."""
    return -(-size_bytes // BYTES_PER_TOKEN)


def estimate_tokens(text: str) -> int:
    """Estimated tokens of a text, on the high side."""
    return tokens_of(len(text.encode("utf-8", "replace")))


def estimate_input(messages: list[Mapping[str, str]]) -> int:
    """Estimated tokens of a request's messages, on the high side."""
    return sum(TOKENS_PER_MESSAGE + estimate_tokens(message["content"]) for message in messages)


def claimed_usage(document: Any) -> Usage | None:
    """The `usage` of a chat completion; None if it is absent or impossible."""
    if not isinstance(document, Mapping):
        return None
    details = document.get("prompt_tokens_details")
    cached = _count(details.get("cached_tokens")) if isinstance(details, Mapping) else 0
    given, made = _count(document.get("prompt_tokens")), _count(document.get("completion_tokens"))
    if given is None or made is None:
        return None
    return Usage(input=given, output=made, cached=min(cached or 0, given))


def _count(number: Any) -> int | None:
    fits = isinstance(number, int) and not isinstance(number, bool) and number >= 0
    return number if fits else None


def charge(usage: Usage, price: Price | None) -> Charge:
    """The exact cost of a usage; without a price only its tokens count."""
    tokens = usage.input + usage.output
    if price is None:
        return Charge(tokens=tokens)
    millionths = (
        (usage.input - usage.cached) * price.input + usage.cached * price.cached + usage.output * price.output
    )
    return Charge(usd=millionths / Decimal(MILLION), tokens=tokens)
