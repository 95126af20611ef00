"""The page of `evolverec compare --report`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from server.report.curves import plot

TEMPLATE = Path(__file__).with_name("comparison.html")


def comparison_page(document: Mapping[str, Any]) -> str:
    """One HTML file from the document of `compare`. Everything in it is escaped."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined)
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    strategies = document["strategies"]
    return template.render(
        document=document,
        plot=plot({name: row["curve"] for name, row in strategies.items()}),
        one_seed=any(len(row["seeds"]) < 2 for row in strategies.values()),
        spread=spread,
    )


def spread(value: Mapping[str, Any], form: str) -> str:
    if value["low"] is None:
        return f"{form % value['value']} (one seed: no interval)"
    return f"{form % value['value']} [{form % value['low']}, {form % value['high']}]"
