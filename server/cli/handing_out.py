"""The commands that carry results out of a repo: `recommend`, `export` and `report`."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from evolution.base.amounts import count
from evolution.base.errors import UsageError
from evolution.base.given_paths import absolute_path
from evolution.domain.request import RecommendRequest, Request
from server.cli import output
from server.cli.options import Json, NoSandbox, Python, Repo, Trust, TrustPython
from server.cli.running import repo_at, run_on


class ExportChoice(StrEnum):
    """What `export` writes."""

    CSV = "csv"
    MLFLOW = "mlflow"


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
    out: Annotated[
        Path | None,
        typer.Option("--out", help="The folder to make; of mlflow, an SQLite file.", show_default=False),
    ] = None,
    to: Annotated[
        ExportChoice, typer.Option("--to", help="CSV tables, or an MLflow store.")
    ] = ExportChoice.CSV,
    tracking_uri: Annotated[
        str, typer.Option("--tracking-uri", help="Of mlflow: its server's address, in place of a file.")
    ] = "",
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Write trials, metrics, epochs, findings, proposals and runs as CSV tables; trials and runs to MLflow."""
    from server.cli.exporting import export_tables

    if to is ExportChoice.MLFLOW:
        _export_to_mlflow(repo_at(repo), out, tracking_uri, force=force, as_json=as_json)
        return
    if tracking_uri or out is None:
        raise UsageError("expected --out FOLDER for CSV tables; --tracking-uri is for --to mlflow")
    document = export_tables(repo_at(repo), absolute_path(out), force=force)
    output.deliver(document, as_json=as_json, show=_show_exported)


def _export_to_mlflow(repo: Path, out: Path | None, uri: str, *, force: bool, as_json: bool) -> None:
    """Raises UsageError: not one of a file and an address was given, or --force, as nothing is ever replaced."""
    from server.cli.mlflow_export import export_to_mlflow

    if (out is None) == (not uri):
        raise UsageError("--to mlflow needs --out FILE.db, or --tracking-uri URI; not both")
    if force:
        raise UsageError("--force is not for --to mlflow, which adds to what is there and replaces nothing")
    document = export_to_mlflow(repo, f"sqlite:///{absolute_path(out)}" if out is not None else uri)
    output.deliver(document, as_json=as_json, show=_show_in_mlflow)


def _show_in_mlflow(document: dict[str, Any]) -> None:
    kept = f"{count(document['trials'], 'trial')} and {count(document['runs'], 'run')}"
    output.say(f"wrote {kept} to {document['out']}, experiment {document['experiment']}")


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
