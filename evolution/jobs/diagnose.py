"""The jobs `diagnose` (measurements and findings) and `simulate` (simulated users) for the user's version."""

from typing import Any

from evolution.coevolution.user_probes import with_user_probes
from evolution.domain.healing import with_healings
from evolution.domain.limits import Limits
from evolution.domain.request import DiagnoseRequest, SimulateRequest
from evolution.domain.trial import Trial
from evolution.jobs.hidden import check_baseline, hidden
from evolution.jobs.outcome import Outcome
from evolution.jobs.train import is_trained, trained
from evolution.laboratory.context import JobContext
from evolution.laboratory.interviewer import opened_interviewer
from evolution.laboratory.laboratory import Laboratory
from evolution.laboratory.observer import feedback_of
from evolution.llm.reaching import reach
from evolution.store.documents import diagnose_document, simulate_document
from evolution.trials.checkpoint import Checkpoint, take_checkpoint
from evolution.trials.request import limits_of


def diagnose(context: JobContext, request: DiagnoseRequest) -> Outcome:
    """Train the user's version if needed, or put the checkpoint into it, and measure it.

    Raises RepoError if the trial failed, UsageError if the checkpoint cannot be read, Cancelled.
    """
    check_baseline(context)
    laboratory = Laboratory(context)
    trial = trained(laboratory, _checkpoint(context, request.checkpoint))
    return Outcome(document=diagnosed(laboratory, trial))


def diagnosed(laboratory: Laboratory, trial: Trial) -> dict[str, Any]:
    """The document of a diagnosis of a trial, its model examined."""
    context = laboratory.context
    feedback = with_user_probes(laboratory, trial, feedback_of(laboratory, trial, examined=True))
    feedback = with_healings(feedback, context.store.proposals(feedback.program))
    kept = hidden(context, feedback)
    return diagnose_document(trial, feedback, kept.ids, kept.accepted)


def _checkpoint(context: JobContext, named: str) -> Checkpoint | None:
    """Our copy of the file that the user named, None for none."""
    if not named:
        return None
    most_bytes = limits_of(context.config).memory_bytes
    return take_checkpoint(named, context.repo, context.scratch, most_bytes=most_bytes)


def simulate(context: JobContext, request: SimulateRequest) -> Outcome:
    """Ask statistical personas and, if the user has an LLM endpoint, LLM-played ones.

    Raises RepoError, Cancelled, and LlmUnavailable before a training if the endpoint cannot be used.
    """
    check_baseline(context)
    laboratory = Laboratory(context)
    llm = context.settings.llm
    if llm is not None and request.llm_users and not is_trained(laboratory):
        reach(llm, [llm.model_of("persona")], cancelled=context.cancelled)
    trial = trained(laboratory)
    feedback = feedback_of(laboratory, trial, users=request.users, examined=True)
    if llm is not None and request.llm_users:
        limits = Limits(usd=request.budget_usd)
        with opened_interviewer(context, llm, users=request.llm_users, limits=limits) as interviewer:
            feedback = feedback_of(laboratory, trial, users=feedback.users_asked, interviewer=interviewer)
    return Outcome(document=simulate_document(feedback, hidden(context, feedback).ids))
