"""The command `improve`: the whole way from the files on disk to verified patches, as one job."""

from pathlib import Path
from typing import Annotated, Any

import typer

from evolution.domain.request import ImproveRequest, Request
from server.cli import output
from server.cli.options import Device, Json, NoSandbox, Python, Repo, Trust, TrustPython
from server.cli.running import repo_at, run_on


def improve(
    repo: Repo,
    trials: Annotated[
        int, typer.Option("--trials", help="How many candidates to train at most.")
    ] = ImproveRequest.trials,
    allow_cost: Annotated[
        bool, typer.Option("--allow-cost", help="Take patches however much slower they make the training.")
    ] = ImproveRequest.allow_cost,
    accepted: Annotated[
        bool,
        typer.Option(
            "--accepted", help="Also make patches for findings that evolverec.baseline.toml accepts."
        ),
    ] = ImproveRequest.accepted,
    device: Device = Request.device,
    python: Python = Request.python,
    no_sandbox: NoSandbox = Request.no_sandbox,
    trust: Trust = False,
    trust_python: TrustPython = False,
    as_json: Json = False,
) -> None:
    """Train, diagnose, ask simulated users and propose patches, one after the other. Asks no LLM."""
    request = ImproveRequest(
        trials=trials,
        allow_cost=allow_cost,
        accepted=accepted,
        device=device,
        python=python,
        no_sandbox=no_sandbox,
    )
    document = run_on(repo, request, trust=trust, trust_python=trust_python, as_json=as_json)
    output.deliver(document, as_json=as_json, show=lambda told: show_improved(repo_at(repo), told))


def show_improved(repo: Path, document: dict[str, Any]) -> None:
    """Print what each step found, and all of it in one line at the end."""
    from server.cli.render import show_proposals, show_simulation, show_train
    from server.cli.show_diagnosis import show_diagnosis
    from server.shown.news import improved_words

    show_train(document["train"])
    show_diagnosis(repo, document["diagnosis"])
    show_simulation(repo, document["users"])
    show_proposals(document)
    output.say(improved_words(document))


COMMANDS = (improve,)
