"""Formatting of numbers and lists of names for messages."""

from collections.abc import Sequence
from decimal import Decimal

from seeds.amounts import number, percent, short, signed

__all__ = ["count", "listed", "number", "percent", "roughly", "short", "signed"]


def count(size: int, noun: str) -> str:
    """A number with its noun, in the plural where needed: `1 finding`, `3 findings`."""
    return f"{size} {noun}" if size == 1 else f"{size} {noun}s"


def listed(names: Sequence[str], most: int = 5) -> str:
    """The first `most` names, and how many more there are: `a.py, b.py and 3 more`."""
    shown, more = names[:most], len(names) - most
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")


def roughly(tokens: int, usd: Decimal | None = None) -> str:
    """An estimated cost, rounded to two significant digits: `120,000 tokens ($0.38)`; usd None gives no price."""
    words = f"{int(float(f'{tokens:.2g}')):,} tokens"
    return words if usd is None else f"{words} (${float(f'{usd:.2g}'):,g})"
