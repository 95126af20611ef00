"""The commands that carry results out of a repo: `recommend`, `export` and `report`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from evolution.base.given_paths import absolute_path
from evolution.domain.request import RecommendRequest, Request
from server.cli import output
from server.cli.options import Json, NoSandbox, Python, Repo, Trust, TrustPython
from server.cli.running import repo_at, run_on

Force = Annotated[bool, typer.Option("--force", help="Replace what is there already.")]


def recommend(
    repo: Repo,
    out: Annotated[
        Path, typer.Option("--out", help="The file to write: .parquet, .csv or .jsonl.", show_default=False)
    ],
    trial: Annotated[
        str,
        typer.Argument(
            help="The trial whose model ranks; default: the newest of these files and the configured seed."
        ),
    ] = RecommendRequest.trial,
    users: Annotated[
        Path | None,
        typer.Option(
            "--users", help="A file of the log's own user ids, a table or one on a line; default: all."
        ),
    ] = None,
    k: Annotated[int, typer.Option("-k", "--k", help="Items per user, 100 at most.")] = RecommendRequest.k,
    seen: Annotated[
        bool, typer.Option("--seen", help="Also list items that the user has met.")
    ] = RecommendRequest.seen,
    force: Force = RecommendRequest.force,
    python: Python = Request.python,
    no_sandbox: NoSandbox = Request.no_sandbox,
    trust: Trust = False,
    trust_python: TrustPython = False,
    as_json: Json = False,
) -> None:
    """Write what a trained model would show users next, in the log's own ids."""
    request = RecommendRequest(
        trial=trial,
        out=str(absolute_path(out)),
        users=str(absolute_path(users)) if users is not None else "",
        k=k,
        seen=seen,
        force=force,
        python=python,
        no_sandbox=no_sandbox,
    )
    document = run_on(repo, request, trust=trust, trust_python=trust_python, as_json=as_json)
    output.deliver(document, as_json=as_json, show=_show_recommended)


def _show_recommended(document: dict[str, Any]) -> None:
    users, rows = document["users"], document["rows"]
    output.say(f"wrote {document['out']}: {rows:,} items for {users:,} users, by trial {document['trial']}")


def export(
    repo: Repo,
    out: Annotated[Path, typer.Option("--out", help="The folder to make.", show_default=False)],
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Write trials, metrics, epochs, findings, proposals and runs as CSV tables."""
    from server.cli.exporting import export_tables

    document = export_tables(repo_at(repo), absolute_path(out), force=force)
    output.deliver(document, as_json=as_json, show=_show_exported)


def _show_exported(document: dict[str, Any]) -> None:
    tables = ", ".join(f"{name} ({rows})" for name, rows in document["tables"].items())
    output.say(f"wrote {document['out']}: {tables}")


def report(
    repo: Repo,
    out: Annotated[
        Path | None, typer.Option("--out", help="The file to write; default: .evolverec/report.html there.")
    ] = None,
    run: Annotated[
        str, typer.Option("--run", help="A run's id, or its unique beginning; default: the newest.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Write what was measured as one HTML page: no network, prints well, light and dark."""
    from server.cli.report import write_report

    document = write_report(repo_at(repo), out=out, run=run)
    output.deliver(document, as_json=as_json, show=lambda written: output.say(f"wrote {written['page']}"))


COMMANDS = (recommend, export, report)
