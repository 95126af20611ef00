"""The commands that look something up and run nothing: `explain`, `library` and `probes`; and `new-probe`."""

from pathlib import Path
from typing import Annotated

import typer

from evolution.base.errors import RequestError
from evolution.domain.request import ExplainRequest
from server.cli import output
from server.cli.options import BudgetUsd, Json, Repo
from server.cli.running import repo_at, run_on


def explain(
    code: Annotated[str, typer.Argument(help="The code of a finding.", show_default=False)],
    repo: Annotated[Path, typer.Argument(help="The repo's folder.")] = Path(),
    ask: Annotated[
        bool, typer.Option("--ask", help="Also ask your LLM about it, with the code. Nothing is run.")
    ] = False,
    budget_usd: BudgetUsd = ExplainRequest.budget_usd,
    as_json: Json = False,
) -> None:
    """Say what a code means, what it is and was in this repo, and what usually helps."""
    from server.cli.explaining import explain_document, show_explanation

    if budget_usd is not None and not ask:
        raise RequestError("budget_usd", "cannot be given here: no LLM is asked without --ask")
    here = repo_at(repo) if repo != Path() or ask or Path("evolverec.toml").is_file() else None
    if ask and here is not None:
        request = ExplainRequest(code=code, budget_usd=budget_usd)
        said = run_on(here, request, trust=False, trust_python=False, as_json=as_json)
        document = {**explain_document(here, code), "asked": said}
        output.deliver(document, as_json=as_json, show=show_explanation)
        return
    output.deliver(explain_document(here, code), as_json=as_json, show=show_explanation)


def library(
    query: Annotated[str, typer.Argument(help="Words to search for; default: list all.")] = "",
    code: Annotated[str, typer.Option("--code", help="The code of a finding or a critique.")] = "",
    as_json: Json = False,
) -> None:
    """Look up techniques of the field, by words or by the code of what is wrong."""
    from server.cli.library import library_document, show_library

    output.deliver(library_document(query, code), as_json=as_json, show=show_library)


def probes(repo: Repo, as_json: Json = False) -> None:
    """List the probes that you have written in the repo's probes/, and what is wrong with their text."""
    from server.cli.own_probes import probes_document, show_probes

    output.deliver(probes_document(repo_at(repo)), as_json=as_json, show=show_probes)


def new_probe(
    repo: Repo,
    name: Annotated[str, typer.Argument(help="The probe's name: its code is user/NAME.", show_default=False)],
    as_json: Json = False,
) -> None:
    """Begin a probe of your own from a template: what `diagnose` then also measures."""
    from server.cli.own_probes import begin_probe

    document = begin_probe(repo_at(repo), name)
    output.deliver(document, as_json=as_json, show=lambda made: output.say(f"wrote {made['path']}"))
