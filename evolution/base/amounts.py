"""Formatting of numbers and lists of names for messages."""

from collections.abc import Sequence
from decimal import Decimal


def count(size: int, noun: str) -> str:
    """A number with its noun, in the plural where needed: `1 finding`, `3 findings`."""
    return f"{size} {noun}" if size == 1 else f"{size} {noun}s"


def number(value: float) -> str:
    """Three significant digits, without the zero before the point: .142, 1.5, 12.3, 12,345."""
    size = abs(value)
    if size >= 1e9:  # a loss that diverges
        return f"{value:.1e}"
    if size >= 999.5:
        return f"{value:,.0f}"
    text = f"{value:.3f}" if size < 1 else f"{value:.3g}"
    if size < 0.001 and value:
        text = f"{value:.1e}"
    if "e" not in text:
        text = text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text
    return text


def signed(value: float) -> str:
    """A difference with its sign: `+.029`."""
    return ("-" if value < 0 else "+") + number(abs(value))


def listed(names: Sequence[str], most: int = 5) -> str:
    """The first `most` names, and how many more there are: `a.py, b.py and 3 more`."""
    shown, more = names[:most], len(names) - most
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")


def roughly(tokens: int, usd: Decimal | None = None) -> str:
    """An estimated cost, rounded to two significant digits: `120,000 tokens ($0.38)`; usd None gives no price."""
    words = f"{int(float(f'{tokens:.2g}')):,} tokens"
    return words if usd is None else f"{words} (${float(f'{usd:.2g}'):,g})"
