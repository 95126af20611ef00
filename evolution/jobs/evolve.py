"""What the jobs `evolve` and `compare` do."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from evolution.base.errors import NotStored, UsageError
from evolution.domain.job import EventType
from evolution.domain.run import Run
from evolution.evolving.comparison import compare_document
from evolution.evolving.judged import judge_best
from evolution.evolving.replay import replay_document
from evolution.evolving.starting import PROPOSERS, Plan, replayed_run, start_run
from evolution.evolving.tooling import opened_tools
from evolution.laboratory.context import JobContext
from evolution.laboratory.laboratory import Laboratory
from evolution.llm.budget import Limits
from evolution.proposers.strategies import STRATEGIES
from evolution.store.run_document import run_document

TRIALS = 24  # of a run whose limits nobody set


def evolve_document(context: JobContext) -> dict[str, Any]:
    """Raises UsageError, RepoError, Cancelled."""
    params = context.params
    laboratory = Laboratory(context)
    if params.get("replay"):
        return _replayed(laboratory, str(params["replay"]))
    plan = resumed_plan(laboratory, params) if params.get("resume") else plan_of(params)
    return run_document(_evolved(laboratory, plan))


def compare_strategies(context: JobContext) -> dict[str, Any]:
    """Runs of each strategy on each seed, one after the other; what they measure they share."""
    params, laboratory = context.params, Laboratory(context)
    names = [str(name) for name in params.get("strategies") or STRATEGIES]
    trials, seeds = int(params.get("trials") or TRIALS), int(params.get("seeds") or 1)
    runs: dict[str, list[Run]] = {name: [] for name in names}
    for seed in range(seeds):
        for name in names:
            plan = replace(
                plan_of({**params, "strategy": name, "seed": seed}), limits=limits_of(params, trials)
            )
            runs[name].append(_compared(laboratory, plan))
            context.events.emit(EventType.LOG, f"{name}, seed {seed}: done")
    return compare_document(runs, trials=trials)


def plan_of(params: Mapping[str, Any]) -> Plan:
    strategy, proposer = str(params.get("strategy") or "directional"), str(params.get("proposer") or "auto")
    if strategy not in STRATEGIES:
        raise UsageError(f"--strategy is {strategy!r}; expected one of {', '.join(STRATEGIES)}")
    if proposer not in PROPOSERS:
        raise UsageError(f"--proposer is {proposer!r}; expected one of {', '.join(PROPOSERS)}")
    return Plan(
        strategy=strategy,
        seed=int(params.get("seed") or 0),
        proposer=proposer,
        gate=bool(params.get("gate")),
        limits=limits_of(params, TRIALS),
    )


def limits_of(params: Mapping[str, Any], trials: int) -> Limits:
    """What was set; where nothing is, so many trials."""
    usd, tokens = params.get("budget_usd"), params.get("budget_tokens")
    gpu_s, asked = params.get("budget_gpu_s"), params.get("trials")
    nothing = all(value is None for value in (usd, tokens, gpu_s, asked))
    return Limits(usd=usd, tokens=tokens, gpu_s=gpu_s, trials=trials if nothing else asked)


def resumed_plan(laboratory: Laboratory, params: Mapping[str, Any]) -> Plan:
    """The newest run on the files as they are, or the one named; its limits unless new ones are given."""
    wanted = params["resume"]
    store = laboratory.context.store
    program = laboratory.user_program()
    runs = [run for run in store.runs() if run.terms.root == program]
    found = store.run(wanted) if isinstance(wanted, str) else next(iter(runs), None)
    if found is None:
        raise UsageError("there is no run of these files to resume; `evolverec runs` lists what was run")
    if found.terms.root != program:
        raise UsageError(
            f"run {found.id} started from other files than those on disk; restore them, or start a new run"
        )
    given = any(params.get(n) is not None for n in ("trials", "budget_usd", "budget_tokens", "budget_gpu_s"))
    limits = limits_of(params, TRIALS) if given else stored_limits(found)
    return replace(plan_of_run(found), limits=limits)


def plan_of_run(run: Run) -> Plan:
    terms = run.terms
    return Plan(
        strategy=terms.strategy,
        seed=terms.seed,
        proposer=terms.proposer,
        gate=terms.gate,
        limits=stored_limits(run),
    )


def stored_limits(run: Run) -> Limits:
    values = run.limits
    return Limits(
        usd=values.get("usd"),
        tokens=int(values["tokens"]) if "tokens" in values else None,
        gpu_s=values.get("gpu_s"),
        trials=int(values["trials"]) if "trials" in values else None,
    )


def _evolved(laboratory: Laboratory, plan: Plan) -> Run:
    with opened_tools(laboratory, plan) as opened:
        return start_run(laboratory, opened.plan, tools=opened.tools, model=opened.model).run()


def _compared(laboratory: Laboratory, plan: Plan) -> Run:
    """With the opinion that a comparison asks for where an LLM wrote the best program."""
    with opened_tools(laboratory, plan) as opened:
        run = start_run(laboratory, opened.plan, tools=opened.tools, model=opened.model).run()
        if opened.client is None:
            return run
        model = opened.client.settings.model_of("judge")
        return judge_best(laboratory, run, opened.client.ask, model)


def _replayed(laboratory: Laboratory, wanted: str) -> dict[str, Any]:
    stored = laboratory.context.store.run(wanted)
    if stored is None:
        raise UsageError(f"no single run {wanted!r}; `evolverec runs` lists them")
    laboratory.replays = True
    with opened_tools(laboratory, plan_of_run(stored), stored=stored) as opened:
        evolution = replayed_run(stored, tools=opened.tools)
        try:
            return replay_document(stored, evolution.run())
        except NotStored as error:  # a run that was broken off goes no further
            return replay_document(stored, evolution.run_record, str(error))
