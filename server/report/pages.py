"""Shared by all pages: templates that escape every value, and filters that format figures."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evolution.base.amounts import number
from evolution.base.amounts import signed as difference
from evolution.base.plain_text import plain_text
from seeds.amounts import figure, percent_within
from server.shown.wording import with_interval

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent
_ARXIV = re.compile(r"\b\d{4}\.\d{4,5}\b")


def render(template: str, **values: Any) -> str:
    """Render a template to one self-contained HTML file.

    Characters that UTF-8 cannot encode become question marks.
    """
    page = _environment().get_template(template).render(**values)
    return page.encode("utf-8", "replace").decode("utf-8")


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    found = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_plain,
    )
    found.filters.update(
        spread=spread,
        measured=measured,
        reference=reference,
        share=share,
        number=number,
        moment=moment,
        sentence=sentence,
        arxiv=arxiv,
        signed=signed,
        chosen=chosen,
    )
    return found


def _plain(value: Any) -> Any:
    """A value of a template; a text without characters that hide or reorder what stands beside them."""
    return plain_text(value) if type(value) is str else value


def spread(metric: Mapping[str, Any] | None, none: str = "no interval") -> str:
    """A metric with its interval, in the digits of editor and terminal: `.142 [.138, .146]`. none: the words for a figure without
    an interval, "" where the page says it once.
    """
    if metric is None or metric["value"] is None:
        return "not measured"
    if metric["low"] is None or metric["high"] is None:
        return f"{number(metric['value'])}{none and f' ({none})'}"
    return f"{number(metric['value'])} [{number(metric['low'])}, {number(metric['high'])}]"


def measured(found: Mapping[str, Any]) -> str:
    """A measurement's value with its interval and its unit: `64 % of attention, 95 % [60, 68] %`."""
    return with_interval(found["value"], found["low"], found["high"], found["unit"])


def share(told: Mapping[str, Any]) -> str:
    """A share of users or cases with its interval: `48 % [43, 53]`."""
    return percent_within(told["value"], told["low"], told["high"])


def reference(found: Mapping[str, Any]) -> str:
    """What a measurement is held against, as its unit is read."""
    return figure(found["reference"], found["unit"])


def signed(effect: Mapping[str, Any]) -> str:
    """A change with its interval: `+.029 (+20 %) [+.021, +.037]`."""
    delta = effect["after"] - effect["before"]
    relative = f" ({100 * delta / effect['before']:+.0f} %)" if effect["before"] else ""
    return f"{difference(delta)}{relative} [{difference(effect['low'])}, {difference(effect['high'])}]"


def chosen(effect: Mapping[str, Any], corrected: Mapping[str, Any] | None) -> str:
    """What is left of a change after the choice among several: `+.020 (+14 %) [...], corrected for 14 candidates`; "" for one."""
    if not corrected:
        return ""
    left = {**effect, **corrected, "after": effect["before"] + corrected["change"]}
    return f"{signed(left)}, corrected for {corrected['candidates']} candidates"


def sentence(words: str) -> str:
    """The words with a full stop at the end, unless they end a sentence already."""
    return words if words.rstrip().endswith((".", "!", "?")) or not words else f"{words}."


def moment(seconds: float) -> str:
    """Unix seconds as `2026-01-31 18:05 UTC`."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")


def arxiv(citation: str) -> str:
    """The URL of the paper that a citation names by its arXiv number, "" if it names none."""
    found = _ARXIV.search(citation)
    return f"https://arxiv.org/abs/{found.group()}" if found else ""
