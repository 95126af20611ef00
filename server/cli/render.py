"""Prints documents for people: tables, source lines with their findings, users' quotes, coloured diffs."""

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.syntax import Syntax
from rich.table import Table

from evolution.base.amounts import number, signed
from server.cli.console import console
from server.cli.output import say, write_exactly
from server.cli.show_diagnosis import MARKS, show_lines, show_verdict
from server.cli.show_runs import show_run

LEADING = (
    "NDCG@10",
    "HR@10",
    "NDCG@5",
    "HR@5",
    "MRR@10",
    "coverage@10",
    "gini@10",
    "novelty@10",
    "diversity@10",
    "satisfy@session",
    "view@session",
    "depth@session",
)

STATUS_COLOURS = {"CRITICAL": "red", "NEEDS_IMPROVEMENT": "yellow", "STABLE": "green"}


def show_train(document: dict[str, Any]) -> None:
    """Print a trial's metrics, failed contract checks and remarks; of a failed trial the reason, then what it measured."""
    out = console()
    if document["status"] == "failed":
        place = f"{document['path']}:{document['line']}: " if document["path"] else ""
        out.print(
            f"[red]x trial {document['trial']} failed: {escape(document['reason'])}[/]\n  {escape(place + str(document['message']))}"
        )
        if not document["metrics"]:
            return
    kept = ", what was measured before" if document["status"] == "failed" else ""
    table = Table(
        title=f"trial {document['trial']} on {escape(document['split'])} events: {document['status']}, "
        f"{document['epochs']} epochs, {document['wall_s']:.1f} s{kept}",
        title_justify="left",
    )
    for column in ("metric", "value", "95 % interval"):
        table.add_column(column, justify="left" if column == "metric" else "right")
    rows = {"objective": document["objective"], **_leading(document["metrics"])}
    for name, metric in rows.items():
        if metric:
            table.add_row(escape(name), _number(metric["value"]), _interval(metric))
    out.print(table)
    for check in document["contract"]:
        if check["passed"] is False:
            out.print(f"[yellow]! {escape(check['code'])}[/]: {escape(check['message'])}")
    _show_remarks(out, document)
    if document.get("verdict"):
        show_verdict(out, document["verdict"])


def _show_remarks(out: Console, document: dict[str, Any]) -> None:
    for remark in document["remarks"]:
        out.print(f"[yellow]! {escape(remark)}[/]")


def _leading(metrics: dict[str, Any]) -> dict[str, Any]:
    return {name: metrics[name] for name in LEADING if name in metrics}


def _number(value: float | None) -> str:
    return "unknown" if value is None else number(value)


def _figure(metric: dict[str, Any] | None) -> str:
    return f"{_number(metric['value'])} {_interval(metric)}" if metric else "-"


def _interval(metric: dict[str, Any]) -> str:
    return "no interval" if metric["low"] is None else f"[{number(metric['low'])}, {number(metric['high'])}]"


def show_simulation(repo: Path, document: dict[str, Any]) -> None:
    """Print the critiques of statistical users, and of LLM-played ones if these were asked."""
    _show_users(repo, document)
    if document.get("interviews"):
        _show_users(repo, document["interviews"])


def _show_users(repo: Path, document: dict[str, Any]) -> None:
    out = console()
    fidelity, model = document["fidelity"], document["model"]
    played = f" played by {escape(model)}" if model else ""
    failed = f" ({document['failed']} more could not be had and are left out)" if document["failed"] else ""
    popular = (
        f"; popularity alone has {number(fidelity['by_popularity'])}" if fidelity["by_popularity"] else ""
    )
    out.print(
        f"{document['users']} simulated users{played} were asked{failed}; they tell their user's real next choice from a "
        f"random item with AUC {number(fidelity['auc'])}, 95 % [{number(fidelity['low'])}, {number(fidelity['high'])}] (.5 is chance{popular})"
    )
    if document["no_vote"]:
        out.print(f"[yellow]{escape(document['no_vote'])}[/], so what they say is not counted")
    elif not document["critiques"]:
        out.print("[green]they agree on no complaint[/]")
    for line in document["silent"]:
        out.print(f"[yellow]{escape(line)}[/]")
    if document["interpretation"]:
        _show_interpretation(out, document["interpretation"])
    for critique in document["critiques"]:
        mark, colour = ("+", "green") if critique["positive"] else ("!", "yellow")
        out.print(f"[{colour}]{mark} {escape(critique['code'])}[/]  {escape(critique['message'])}")
        for quote in critique["quotes"]:
            out.print(
                f"    - {escape(quote['text'])} [dim](user {escape(str(quote['user']))}: {escape(quote['persona'])})[/]"
            )
        for line in critique["backing"]:
            out.print(f"    {escape(line)}")
        for anchor in critique["anchors"][:1]:
            show_lines(out, repo, anchor, colour)
        out.print()


def _show_interpretation(out: Console, said: dict[str, Any]) -> None:
    colour = STATUS_COLOURS[said["status"]]
    out.print(f"[{colour}]{said['status']}[/]: {escape(said['because'])}")
    if said["worded_by"]:
        out.print(f"[dim]in the words of {escape(said['worded_by'])}; the figures are counted[/]")
    out.print(f"  intent: {escape(said['reads_intent'])}")
    if said["main_failure"]:
        out.print(f"  at the top: {escape(said['main_failure'])}")
    for tracked in said["track"]:
        out.print(f"  worth measuring ({escape(tracked['signal'])}): {escape(tracked['sentence'])}")
    out.print()


def show_proposals(document: dict[str, Any]) -> None:
    """Print a table of the proposals, and the best one's diff."""
    out = console()
    verified = [p for p in document["proposals"] if p["verified"]]
    if (more := document.get("more_training")) is not None:
        effect = f" ({change_words(more['effect'])})" if more["effect"] else ""
        out.print(f"[yellow]{escape(more['words'])}{escape(effect)}[/]")
        if not more["converged"]:
            return
    table = Table(title="proposals, best first", title_justify="left")
    for column in ("id", "title", "verified", "objective", "change, 95 % interval"):
        table.add_column(column)
    for proposal in document["proposals"]:
        effect = proposal["effect"]
        unmeasured = "as before" if proposal["verified"] else "not trained to the end"
        moved = f"{number(effect['before'])} -> {number(effect['after'])}" if effect else unmeasured
        said = proposal["why_not"] or proposal["compared"] or ""
        change = gain_words(effect, proposal["corrected"]) if effect else str(said)
        cells = (proposal["id"], proposal["title"], str(proposal["verified"] or "no"), moved, change)
        table.add_row(*map(escape, cells))
    out.print(table)
    for item in document["did_not_fit"]:
        out.print(f"[dim]{escape(item['recipe'])} makes no patch here: {escape(item['reason'])}[/]")
    if verified:
        best = verified[0]
        out.print(
            f"[green]best: {best['id']}[/] {escape(best['title'])}\n  {escape(best['rationale'])} {escape(best['compared'] or '')}"
        )
        show_diff(best["patch"])
    else:
        out.print("[yellow]no candidate was verified[/]; the table says what each moved")


def change_words(effect: dict[str, Any]) -> str:
    """A change with its interval: `+.029 (+20 %) [+.021, +.037]`."""
    delta = effect["after"] - effect["before"]
    share = f" ({100 * delta / effect['before']:+.0f} %)" if effect["before"] else ""
    return f"{signed(delta)}{share} [{signed(effect['low'])}, {signed(effect['high'])}]"


def gain_words(effect: dict[str, Any], corrected: dict[str, Any] | None) -> str:
    """A change with its interval and, where it was chosen among several, what is left of it when that is counted."""
    words = change_words(effect)
    if corrected is None:
        return words
    left = {**effect, **corrected, "after": effect["before"] + corrected["change"]}
    return f"{words}; {change_words(left)} corrected for {corrected['candidates']} candidates"


def print_diff(text: str) -> None:
    """Print a unified diff on a terminal for people, else exactly, for `git apply`."""
    if console().is_terminal:
        show_diff(text)
    else:
        write_exactly(text)


def show_diff(text: str) -> None:
    """Print a unified diff, in colour on a terminal."""
    out = console()
    if out.is_terminal:
        out.print(Syntax(text, "diff", background_color="default", word_wrap=False))
    else:
        say(text, end="")


def show_runs(document: dict[str, Any]) -> None:
    """Print the trials, proposals, runs and jobs of a repo."""
    out = console()
    table = Table(title="trials, newest first", title_justify="left")
    for column in (
        "trial",
        "program",
        "seed",
        "status",
        "epochs",
        "objective, 95 %",
        "NDCG@10, 95 %",
        "wall s",
    ):
        table.add_column(column)
    for trial in document["trials"]:
        objective, ndcg = trial["objective"], trial["metrics"].get("NDCG@10")
        status = trial["status"] + (f": {trial['reason']}" if trial["reason"] else "")
        cells = (
            trial["trial"], trial["program"][:8], str(trial["seed"]), status,
            f"checkpoint {trial['checkpoint']}" if trial["checkpoint"] else str(trial["epochs"]),
            _figure(objective), _figure(ndcg), f"{trial['wall_s']:.1f}",
        )  # fmt: skip
        table.add_row(*map(escape, cells))
    out.print(table)
    for proposal in document["proposals"]:
        verified = proposal["verified"] or "not verified"
        out.print(
            f"proposal {proposal['id']}  {escape(proposal['title'])}  [dim]{verified}, {proposal['state']}[/]"
        )
    for run in document["runs"]:
        out.print(
            f"run {run['run']}  {escape(run['strategy'])}, seed {run['seed']}, {run['state']}, {len(run['nodes'])} programs"
        )
    for job in document["jobs"][:10]:
        out.print(
            f"job {job['id']}  {job['kind']}  {job['state']}"
            + (f": {escape(job['error'])}" if job["error"] else "")
        )


def show_item(document: dict[str, Any]) -> None:
    """Print one trial, proposal, run or job in full."""
    if document["kind"] == "trial":
        show_train(document)
        if document["traceback"]:
            say(document["traceback"])
    elif document["kind"] == "proposal":
        show_proposals({"proposals": [document], "did_not_fit": []})
    elif document["kind"] == "run":
        show_run(document)
    else:
        console().print_json(data=document)


def show_check(document: dict[str, Any]) -> None:
    """Print the checks that passed, and the problems."""
    out = console()
    for line in document["passed"]:
        out.print(f"[green]+[/] {escape(line)}")
    for problem in document["problems"]:
        mark, colour = MARKS[problem["severity"]]
        place = f"{problem['path']}:{problem['line']}: " if problem["path"] else ""
        out.print(f"[{colour}]{mark}[/] {escape(place + problem['message'])}")


def show_doctor(document: dict[str, Any]) -> None:
    """Print the checks of `evolverec doctor`, each failed one with a command to try."""
    out = console()
    for check in document["checks"]:
        mark, colour = ("+", "green") if check["ok"] else ("x", "red") if check["needed"] else ("!", "yellow")
        out.print(f"[{colour}]{mark} {escape(check['name'])}[/]: {escape(check['message'])}")
        if check["help"]:
            out.print(f"    try: {escape(check['help'])}")
