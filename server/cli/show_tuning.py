"""Prints what `tune` found and tried, for people."""

from typing import Any

from rich.markup import escape
from rich.table import Table

from evolution.base.amounts import number
from server.cli.console import console
from server.cli.render import show_proposals


def show_space(document: dict[str, Any]) -> None:
    """Print what is tuned, and what is left with the reason."""
    out = console()
    table = Table(title="tuned", title_justify="left")
    for column in ("number", "role", "value", "range", "place"):
        table.add_column(column, overflow="fold")
    for one in document["tuned"]:
        places = ", ".join(f"{place['path']}:{place['line']}" for place in one["places"])
        cells = (one["name"], one["kind"], f"{one['value']:g}", one["range"]["words"], places)
        table.add_row(*map(escape, cells))
    if document["tuned"]:
        out.print(table)
    else:
        out.print("[yellow]no number of the configuration can be tuned[/]")
    for one in document["left"]:
        words = f"{one['path']}:{one['line']}  {one['name']} = {one['value']:g}: {one['why']}"
        out.print(f"[dim]left {escape(words)}[/]")


def show_tuning(document: dict[str, Any]) -> None:
    """Print every setting that was tried, then the proposals that the best ones became."""
    out = console()
    if not document["space"]["tuned"]:
        show_space(document["space"])
        return
    if document["settings"]:
        table = Table(title="settings, in the order in which they were tried", title_justify="left")
        for column in ("objective", "setting", "why it is not offered"):
            table.add_column(column)
        own = document["own"]["objective"]
        table.add_row(number(own), "yours", "")
        for one in document["settings"]:
            reached = number(one["objective"]) if one["objective"] is not None else "-"
            changes = ", ".join(f"{name} = {value:g}" for name, value in one["values"].items())
            table.add_row(reached, escape(changes), escape(one["why_not"] or ""))
        out.print(table)
        out.print(
            "[dim]one seed each, on the users that chose among them: only a proposal's change has an interval[/]"
        )
    if document["proposals"] or document["more_training"]:
        show_proposals(document)
    else:
        out.print("[yellow]no setting was better than yours[/]")
