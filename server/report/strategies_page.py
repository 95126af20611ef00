"""The page of `evolverec compare --report`."""

from collections.abc import Mapping
from typing import Any

from server.report.curves import plot
from server.report.pages import render


def comparison_page(document: Mapping[str, Any]) -> str:
    """One HTML file made from the document of `compare`."""
    strategies = document["strategies"]
    return render(
        "comparison.html",
        document=document,
        plot=plot({name: row["curve"] for name, row in strategies.items()}),
        one_seed=any(len(row["seeds"]) < 2 for row in strategies.values()),
    )
