"""The job `compare`: evolution runs of several strategies with the same limits, one after the other."""

from evolution.domain.job import EventType
from evolution.domain.request import USUAL_TRIALS, CompareRequest, EvolveRequest
from evolution.domain.run import Run
from evolution.evolving.code_review import judge_best
from evolution.evolving.resources import opened_tools
from evolution.evolving.starting import start_run
from evolution.evolving.strategy_comparison import compare_document
from evolution.jobs.outcome import Outcome
from evolution.laboratory.context import JobContext
from evolution.laboratory.laboratory import Laboratory


def compare(context: JobContext, request: CompareRequest) -> Outcome:
    """Run each strategy with each seed; a trial that several runs need is measured once. Raises UsageError, RepoError, Cancelled."""
    laboratory = Laboratory(context)
    runs: dict[str, list[Run]] = {name: [] for name in request.strategies}
    for seed in range(request.seeds):
        for name in request.strategies:
            runs[name].append(_judged_run(laboratory, request.run_of(name, seed)))
            context.events.emit(EventType.LOG, f"{name}, seed {seed}: done")
    return Outcome(document=compare_document(runs, trials=request.limits.trials or USUAL_TRIALS))


def _judged_run(laboratory: Laboratory, request: EvolveRequest) -> Run:
    """One run. If an LLM endpoint is in use, an LLM also reviews the best program of the run."""
    with opened_tools(laboratory, request) as opened:
        run = start_run(laboratory, opened.request, tools=opened.tools, model=opened.model).run()
        if opened.client is None:
            return run
        model = opened.client.settings.model_of("judge")
        return judge_best(laboratory, run, opened.client.ask, model)
