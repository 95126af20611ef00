"""Arguments and options that several commands share."""

import os
from pathlib import Path
from typing import Annotated

import typer

from evolution.base.errors import UsageError
from evolution.base.given_paths import absolute_path
from evolution.domain.request import DeviceChoice, ProposerChoice


def _from_here(python: str) -> str:
    """A path is relative to the terminal's folder, never to the repo. A bare name is looked up in PATH."""
    return str(absolute_path(Path(python))) if os.sep in python else python


def _file_from_here(path: str) -> str:
    """A path is relative to the terminal's folder. Raises UsageError: there is nothing at the path."""
    if not path:
        return path
    found = absolute_path(Path(path))
    if not found.exists():
        raise UsageError(
            f"--checkpoint {path}: no such file; expected weights that torch.save, safetensors or numpy.savez wrote"
        )
    return str(found)


Repo = Annotated[
    Path, typer.Argument(help="The repo's folder, the one with evolverec.toml.", show_default=False)
]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
Trust = Annotated[
    bool, typer.Option("--trust", help="Consent to running this repo's code, without being asked.")
]
TrustPython = Annotated[
    bool,
    typer.Option(
        "--trust-python", help="Consent to an interpreter that lies inside the repo, until it changes."
    ),
]
NoSandbox = Annotated[
    bool,
    typer.Option(
        "--no-sandbox", help="Run the repo's code without a sandbox, as you and with all your rights."
    ),
]
Python = Annotated[
    str,
    typer.Option(
        "--python",
        help="The interpreter that runs the repo's code.",
        show_default=False,
        callback=_from_here,
    ),
]
Checkpoint = Annotated[
    str,
    typer.Option(
        "--checkpoint",
        metavar="PATH",
        help="Measure the weights in this file (torch.save, safetensors, .npz) in place of a training.",
        show_default=False,
        callback=_file_from_here,
    ),
]
Against = Annotated[
    Path | None,
    typer.Option(
        "--against",
        metavar="LOG",
        help="Also compare with the figures that your own evaluation printed: a log, a README, JSON.",
        show_default=False,
    ),
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with the newest run of these files.")]
TrialSeed = Annotated[
    int | None, typer.Option("--seed", help="Seed of the trial; default: as evolverec.toml says.")
]
Users = Annotated[int, typer.Option("--users", help="How many simulated users to ask.")]
Session = Annotated[
    bool,
    typer.Option(
        "--session", help="Whole sessions instead: page after page until they leave, beside baselines."
    ),
]
SessionUser = Annotated[
    str,
    typer.Option(
        "--user", metavar="ID", help="With --session: also tell this user's session.", show_default=False
    ),
]
LlmUsers = Annotated[
    int, typer.Option("--llm-users", help="How many an LLM plays, where one is set; 0: none.")
]
Device = Annotated[
    DeviceChoice | None, typer.Option("--device", help="Where to train; default: as evolverec.toml says.")
]
Trials = Annotated[
    int | None,
    typer.Option("--trials", help="How many candidates' trainings at most, further seeds included."),
]
BudgetUsd = Annotated[float | None, typer.Option("--budget-usd", help="Dollars for the LLM at most.")]
BudgetTokens = Annotated[int | None, typer.Option("--budget-tokens", help="Tokens of the LLM at most.")]
BudgetGpu = Annotated[
    float | None,
    typer.Option("--budget-gpu-s", help="Seconds of training and ranking at most, whatever the device."),
]
Proposer = Annotated[
    ProposerChoice, typer.Option("--proposer", help="Who makes patches; auto: an LLM where one is set.")
]
Gate = Annotated[
    bool,
    typer.Option(
        "--gate", help="What users and measurements both call critical counts as nothing, as in the paper."
    ),
]
FailOn = Annotated[
    str, typer.Option("--fail-on", help="Exit 1 if a finding is at least this: error, warning, information.")
]
Sarif = Annotated[Path | None, typer.Option("--sarif", help="Also write the findings as SARIF 2.1.0.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Also list the checks that are healthy.")]


def given_options(context: typer.Context) -> list[str]:
    """The names of the options that stand on the command line, also with their default values."""
    sources = {name: context.get_parameter_source(name) for name in context.params}
    return [name for name, source in sources.items() if source is not None and source.name == "COMMANDLINE"]
