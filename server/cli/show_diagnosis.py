"""Prints a diagnosis for people: the verdict, then each finding below its source lines, with what it brings about."""

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from diagnosis.encoding import unmarked
from evolution.base.errors import RepoError
from evolution.repo.files import read_code
from seeds.amounts import figure
from server.cli.console import console
from server.shown.wording import with_interval

MARKS = {"error": ("x", "red"), "warning": ("!", "yellow"), "information": ("i", "blue")}
STATUS_COLOURS = {"broken": "red", "needs improvement": "yellow", "not converged": "blue", "healthy": "green"}


def show_diagnosis(repo: Path, document: dict[str, Any], *, verbose: bool = False) -> None:
    """Print the verdict, and each finding below its source lines, the worst first. verbose: list the healthy checks."""
    out = console()
    show_verdict(out, document["verdict"], verbose=verbose)
    for remark in document["remarks"]:
        out.print(f"[yellow]! {escape(remark)}[/]")
    out.print()
    shown = set[str]()
    for finding in document["findings"]:
        below = any(above in shown for above in finding["explained_by"])
        shown.add(finding["id"])
        (_show_below if below else _show_finding)(out, repo, finding)
    for finding in document.get("accepted", ()):
        out.print(f"[dim]accepted: {escape(finding['code'])}, {escape(finding['reason'])}[/]")
    if document["findings"]:
        out.print("[dim]evolverec explain CODE says more of a finding[/]")


def show_verdict(out: Console, verdict: dict[str, Any], *, verbose: bool = False) -> None:
    """Print the status, at most five lines, and how many checks were healthy; verbose: which."""
    colour = STATUS_COLOURS[verdict["status"]]
    out.print(f"[bold {colour}]{verdict['status']}[/]  [dim]{escape(verdict['checks'])}[/]")
    for line in verdict["lines"]:
        out.print(f"  - {escape(line)}")
    for name, word in (("healthy", "healthy"), ("unknown", "could not tell")) if verbose else ():
        if verdict[name]:
            out.print(f"  [dim]{word}: {escape(', '.join(verdict[name]))}[/]")


def _show_finding(out: Console, repo: Path, finding: dict[str, Any]) -> None:
    out.print(_headline(finding))
    for anchor in finding["anchors"][:1]:
        show_lines(out, repo, anchor, MARKS[finding["severity"]][1])
    out.print(f"    why: {escape(finding['why'])}")
    if finding["value"] is not None:
        out.print(f"    measured: {escape(_measured(finding))}")
    if finding["blame"]:
        out.print(f"    {escape(finding['blame'])}")
    out.print()


def _show_below(out: Console, repo: Path, finding: dict[str, Any]) -> None:
    """A finding that the one above explains: indented, and without the lines, which are the same unless it is a cause."""
    out.print(f"    {_headline(finding)}")
    if finding["nature"] == "cause":
        for anchor in finding["anchors"][:1]:
            out.print(f"        [cyan]{escape(anchor['path'])}:{anchor['start_line']}[/]")
    if finding["value"] is not None:
        out.print(f"        measured: {escape(_measured(finding))}")
    out.print()


def _headline(finding: dict[str, Any]) -> str:
    mark, colour = MARKS[finding["severity"]]
    return (
        f"[{colour}]{mark} {finding['severity']}: {escape(finding['code'])}[/]  {escape(finding['message'])}"
    )


def _measured(finding: dict[str, Any]) -> str:
    words = with_interval(finding["value"], finding["low"], finding["high"], finding["unit"])
    if finding["reference"] is not None:
        words += f"; {finding['reference_name']} {figure(finding['reference'], finding['unit'])}"
    return words + ("; self-reported by the worker" if finding["self_reported"] else "")


def show_lines(out: Console, repo: Path, anchor: dict[str, Any], colour: str) -> None:
    """Print an anchor's place and its first lines, underlined in a colour."""
    out.print(f"   [cyan]{escape(anchor['path'])}:{anchor['start_line']}[/]")
    try:
        lines = unmarked(read_code(repo, anchor["path"]) or "").split("\n")
    except RepoError:
        return
    for number in range(anchor["start_line"], min(anchor["end_line"], anchor["start_line"] + 4) + 1):
        if number <= len(lines):
            text = lines[number - 1]
            indent = len(text) - len(text.lstrip())
            out.print(f"   [dim]{number:>5} |[/] {escape(text)}")
            out.print(f"         [dim]|[/] {' ' * indent}[{colour}]{'~' * max(1, len(text.strip()))}[/]")
