"""The command `tune`: settings of the numbers in a repo's configuration, or with `--list` the numbers alone."""

from pathlib import Path
from typing import Annotated, Any

import typer

from evolution.domain.request import Request, TuneRequest
from server.cli import output
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
    from server.cli.show_tuning import show_space, show_tuning

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
    from diagnosis.evidence import FILES as ARTIFACTS
    from evolution.base.places import trial_folder
    from evolution.repo.config import read_config
    from evolution.repo.programs import Programs
    from evolution.store.store import Store
    from evolution.trials.artifacts import artifacts_folder
    from evolution.tuning.documents import space_document
    from evolution.tuning.space import FILES, find_space
    from seeds.reading import RECORD_BYTES, parse_json, read_text

    config = read_config(repo)
    programs = Programs.open(repo)
    program = programs.snapshot().tree
    with Store.open(repo) as store:
        folders = [trial_folder(repo, trial.id) for trial in store.trials(program)]
    traces = [path for folder in folders if (path := artifacts_folder(folder) / ARTIFACTS["trace"]).is_file()]
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


COMMANDS = (tune,)
