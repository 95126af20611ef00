"""The command `tune`: settings of the numbers in a repo's configuration, or with `--list` the numbers alone."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from evolution.domain.request import Request, TuneRequest
from server.cli import output
from server.cli.console import console
from server.cli.options import BudgetGpu, Device, Json, NoSandbox, Python, Repo, Trust, TrustPython
from server.cli.running import repo_at, run_on


def tune(
    repo: Repo,
    trials: Annotated[
        int, typer.Option("--trials", help="How many settings to train at most.")
    ] = TuneRequest.trials,
    budget_gpu_s: BudgetGpu = TuneRequest.budget_gpu_s,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the search.")] = TuneRequest.seed,
    only_list: Annotated[
        bool,
        typer.Option("--list", help="Only list the numbers that were found, with ranges and reasons."),
    ] = False,
    device: Device = Request.device,
    python: Python = Request.python,
    no_sandbox: NoSandbox = Request.no_sandbox,
    trust: Trust = False,
    trust_python: TrustPython = False,
    as_json: Json = False,
) -> None:
    """Tune the numbers in the configuration (learning rate, dropout, width, ...), and offer the best setting as a patch."""
    request = TuneRequest(
        trials=trials,
        budget_gpu_s=budget_gpu_s,
        seed=seed,
        device=device,
        python=python,
        no_sandbox=no_sandbox,
    )
    if only_list:
        output.deliver(listed_space(repo_at(repo)), as_json=as_json, show=show_space)
        return
    document = run_on(repo, request, trust=trust, trust_python=trust_python, as_json=as_json)
    output.deliver(document, as_json=as_json, show=show_tuning)


def listed_space(repo: Path) -> dict[str, Any]:
    """The numbers of the files on disk, read without running any code; what the newest trial of them ran is taken into account."""
    from evolution.base.places import trial_folder
    from evolution.repo.config import read_config
    from evolution.repo.programs import Programs
    from evolution.store.store import Store
    from evolution.tuning.documents import space_document
    from evolution.tuning.space import FILES, find_space
    from seeds.reading import RECORD_BYTES, parse_json, read_text

    config = read_config(repo)
    programs = Programs.open(repo)
    program = programs.snapshot().tree
    with Store.open(repo) as store:
        folders = [trial_folder(repo, trial.id) for trial in store.trials(program)]
    traces = [path for folder in folders if (path := folder / "artifacts" / "trace.json").is_file()]
    executed = (
        parse_json(read_text(traces[0], most=RECORD_BYTES, inside=traces[0].parent)).get("executed")
        if traces
        else None
    )
    return space_document(
        find_space(
            programs.sources(program, FILES),
            entry=config.recommender.entry,
            editable=config.recommender.editable,
            executed=executed,
        )
    )


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
    from server.cli.render import show_proposals

    out = console()
    if not document["space"]["tuned"]:
        show_space(document["space"])
        return
    if document["settings"]:
        table = Table(title="settings, in the order in which they were tried", title_justify="left")
        for column in ("objective", "setting", "why it is not offered"):
            table.add_column(column)
        own = document["own"]["objective"]
        table.add_row(f"{own:.4f}", "yours", "")
        for one in document["settings"]:
            reached = f"{one['objective']:.4f}" if one["objective"] is not None else "-"
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


COMMANDS = (tune,)
