"""Prints runs of evolution and comparisons of strategies for people."""

from typing import Any

from rich.markup import escape
from rich.table import Table

from evolution.base.amounts import count, number, signed
from seeds.amounts import percent_within
from server.cli.console import console
from server.shown.wording import spent_words


def show_run(document: dict[str, Any]) -> None:
    """Print a run's nodes as a tree with its best program, or the result of replaying the run."""
    if "same" in document:
        show_replay(document)
        return
    out = console()
    out.print(
        f"run {document['run']}: {escape(document['strategy'])}, seed {document['seed']}, {document['state']}; "
        + escape(spent_words(document["spent"], document["limits"]))
    )
    out.print(_counted(document["nodes"]))
    for line in _lineage(document["nodes"]):
        out.print(line)
    best = document["best"]
    if best is not None and best["order"]:
        sure = best["verified"] or "not verified"
        proposal = f"; apply with `evolverec apply DIR {best['proposal']}`" if best["verified"] else ""
        out.print(
            f"[green]best[/]: {escape(best['title'])}, objective {_metric(best['objective'])}{_seeds(best)} "
            f"against {_metric(document['nodes'][0]['objective'])} of your version, {sure}{proposal}"
        )
        if best["corrected"]:
            out.print(f"  {_left(best['corrected'], document['nodes'][0]['objective'])}")
    for note in document["notes"]:
        out.print(f"[dim]{escape(note)}[/]")


def _counted(nodes: list[dict[str, Any]]) -> str:
    """How many ideas came how far: `5 ideas: 3 complete, 1 pruned, 1 void`."""
    ideas = [node["status"] for node in nodes if node["idea"]]
    said = [f"{ideas.count(status)} {status}" for status in dict.fromkeys(ideas)]
    return f"{count(len(ideas), 'idea')}" + (f": {', '.join(said)}" if said else " so far")


def _lineage(nodes: list[dict[str, Any]]) -> list[str]:
    """The nodes as indented lines, each below its parent, the user's version first."""
    below: dict[str | None, list[dict[str, Any]]] = {}
    for node in nodes[1:]:
        below.setdefault(node["parent"], []).append(node)

    def lines(node: dict[str, Any], depth: int) -> list[str]:
        own = "  " * depth + ("- " if depth else "") + _node(node)
        children = below.pop(node["program"], []) if node["program"] else []
        return [own, *(line for child in children for line in lines(child, depth + 1))]

    return lines(nodes[0], 0) if nodes else ["nothing was measured yet"]


def _node(node: dict[str, Any]) -> str:
    mark = {"gain": "[green]+[/] ", "fix": "[green]+[/] "}.get(str(node["verified"]), "")
    words = f"{mark}{escape(node['title'])}: "
    words += _metric(node["objective"]) if node["objective"] else node["status"]
    if node["verified"]:
        words += f", verified {node['verified']}"
    elif node["why"]:
        words += f" [dim]({escape(node['why'])})[/]"
    return words


def _seeds(node: dict[str, Any]) -> str:
    return f" over {node['seeds']} seeds" if node["seeds"] > 1 else " with one seed"


def _left(corrected: dict[str, Any], before: dict[str, Any] | None) -> str:
    """What is left of the gain once it counts that the best of several was taken."""
    share = f" ({100 * corrected['change'] / before['value']:+.0f} %)" if before and before["value"] else ""
    return (
        f"its gain, corrected for having been chosen among {corrected['candidates']} candidates: "
        f"{signed(corrected['change'])}{share} [{signed(corrected['low'])}, {signed(corrected['high'])}]"
    )


def _metric(metric: dict[str, Any] | None) -> str:
    if not metric:
        return "not measured"
    known = metric["low"] is not None
    return number(metric["value"]) + (
        f" [{number(metric['low'])}, {number(metric['high'])}]" if known else " (no interval)"
    )


def show_replay(document: dict[str, Any]) -> None:
    """Print whether the replay gave the same nodes, else the first node that differs."""
    out = console()
    if document["same"]:
        out.print(f"[green]run {document['run']} replays to the same {document['nodes']} nodes[/]")
        return
    if document["ended"]:
        out.print(f"  {escape(document['ended'])}")
    first = document["first_difference"]
    out.print(f"[red]run {document['run']} replays to something else, from node {first['order']} on[/]")
    for side in ("stored", "again"):
        node = first[side]
        out.print(
            f"  {side}: {node['status']} {escape((node['idea'] or {}).get('title', 'your version'))}"
            if node
            else f"  {side}: nothing"
        )


def show_comparison(document: dict[str, Any]) -> None:
    """Print a table of the strategies compared, and the hit rates of their proposers."""
    out = console()
    table = Table(
        title=f"trials until {number(document['goal'])} (95 % of the best known objective), budget {document['trials']}",
        title_justify="left",
    )
    for column in ("strategy", "trials to goal, 95 %", "not reached", "final objective, 95 %"):
        table.add_column(column)
    for name, row in document["strategies"].items():
        reached, final = row["trials_to_goal"], row["final"]
        seeds = len(row["seeds"])
        table.add_row(
            escape(name),
            _spread(reached),
            f"{reached['not_reached']} of {seeds}",
            _spread(final),
        )
    out.print(table)
    against = document["against_best_other"]
    if against:
        out.print(
            f"directional takes {_spread(against)} times the trials of {escape(against['other'])}, the best other"
        )
    for proposer, rate in document["hit_rate"].items():
        out.print(
            f"{escape(proposer)}: moved its target as intended in {percent_within(rate['value'], rate['low'], rate['high'])} of {rate['targets']} cases"
        )
    for opinion in document["judged"]:
        scores = escape(", ".join(f"{name} {value}" for name, value in opinion["scores"].items()))
        out.print(f"[dim]opinion of {escape(opinion['model'])} on run {opinion['run']}: {scores}[/]")


def _spread(value: dict[str, Any]) -> str:
    if value["low"] is None:
        return f"{number(value['value'])} (one seed: no interval)"
    return f"{number(value['value'])} [{number(value['low'])}, {number(value['high'])}]"
