"""The commands that run the loop: `evolve`, and `compare` for strategies at equal budgets."""

from pathlib import Path
from typing import Annotated, Any

import typer

from evolution.domain.request import NEWEST, CompareRequest, EvolveRequest, Request, StrategyName
from server.cli import output
from server.cli.options import (
    BudgetGpu,
    BudgetTokens,
    BudgetUsd,
    Device,
    Gate,
    Json,
    LlmUsers,
    NoSandbox,
    Proposer,
    Python,
    Repo,
    Resume,
    Trials,
    Trust,
    TrustPython,
    given_options,
)
from server.cli.running import run_on


def evolve(
    context: typer.Context,
    repo: Repo,
    strategy: Annotated[
        StrategyName, typer.Option("--strategy", help="What a run is told and what it builds on.")
    ] = EvolveRequest.strategy,
    proposer: Proposer = EvolveRequest.proposer,
    trials: Trials = EvolveRequest.trials,
    budget_usd: BudgetUsd = EvolveRequest.budget_usd,
    budget_tokens: BudgetTokens = EvolveRequest.budget_tokens,
    budget_gpu_s: BudgetGpu = EvolveRequest.budget_gpu_s,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the run's own choices.")] = EvolveRequest.seed,
    gate: Gate = EvolveRequest.gate,
    llm_users: LlmUsers = EvolveRequest.llm_users,
    resume: Resume = False,
    replay: Annotated[
        str,
        typer.Option("--replay", help="Do a stored run again without network or training, and compare."),
    ] = EvolveRequest.replay,
    device: Device = Request.device,
    python: Python = Request.python,
    no_sandbox: NoSandbox = Request.no_sandbox,
    trust: Trust = False,
    trust_python: TrustPython = False,
    as_json: Json = False,
) -> int:
    """Evolve the whole repo: the loop of Self-EvolveRec, within a budget."""
    from server.cli.show_runs import show_run

    request = EvolveRequest(
        strategy=strategy,
        proposer=proposer,
        trials=trials,
        budget_usd=budget_usd,
        budget_tokens=budget_tokens,
        budget_gpu_s=budget_gpu_s,
        seed=seed,
        gate=gate,
        llm_users=llm_users,
        resume=NEWEST if resume else "",
        replay=replay,
        device=device,
        python=python,
        no_sandbox=no_sandbox,
    )
    request.check_given(given_options(context))
    document = run_on(repo, request, trust=trust, trust_python=trust_python, as_json=as_json)
    output.deliver(document, as_json=as_json, show=show_run)
    return 0 if document.get("same", True) else 1


def compare(
    repo: Repo,
    strategies: Annotated[
        str, typer.Option("--strategies", help="Names with commas between; default: all.")
    ] = "",
    seeds: Annotated[int, typer.Option("--seeds", help="How many seeds each.")] = CompareRequest.seeds,
    trials: Trials = CompareRequest.trials,
    proposer: Proposer = CompareRequest.proposer,
    budget_usd: BudgetUsd = CompareRequest.budget_usd,
    budget_tokens: BudgetTokens = CompareRequest.budget_tokens,
    budget_gpu_s: BudgetGpu = CompareRequest.budget_gpu_s,
    gate: Gate = CompareRequest.gate,
    llm_users: LlmUsers = CompareRequest.llm_users,
    report: Annotated[
        Path | None, typer.Option("--report", help="Also write the curves as one HTML file.")
    ] = None,
    device: Device = Request.device,
    python: Python = Request.python,
    no_sandbox: NoSandbox = Request.no_sandbox,
    trust: Trust = False,
    trust_python: TrustPython = False,
    as_json: Json = False,
) -> None:
    """Compare strategies at equal budgets: best-so-far curves with intervals over seeds."""
    from server.cli.show_runs import show_comparison

    names: Any = [name.strip() for name in strategies.split(",") if name.strip()]
    request = CompareRequest(
        strategies=names or CompareRequest.strategies,
        seeds=seeds,
        trials=trials,
        proposer=proposer,
        budget_usd=budget_usd,
        budget_tokens=budget_tokens,
        budget_gpu_s=budget_gpu_s,
        gate=gate,
        llm_users=llm_users,
        device=device,
        python=python,
        no_sandbox=no_sandbox,
    )
    document = run_on(repo, request, trust=trust, trust_python=trust_python, as_json=as_json)
    if report is not None:
        from server.report.strategies_page import comparison_page

        report.write_text(comparison_page(document), encoding="utf-8")
    output.deliver(document, as_json=as_json, show=show_comparison)


COMMANDS = (evolve, compare)
