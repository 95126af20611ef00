"""The job `improve`: train, diagnose, ask users and propose, as one job with one progress and one document."""

from evolution.domain.feedback import USERS_ASKED
from evolution.domain.job import EventType
from evolution.domain.request import ImproveRequest
from evolution.jobs.diagnose import diagnosed
from evolution.jobs.hidden import check_baseline, hidden
from evolution.jobs.outcome import Outcome
from evolution.jobs.patches import proposed_document
from evolution.jobs.propose import propose_once
from evolution.jobs.train import trained
from evolution.laboratory.context import JobContext
from evolution.laboratory.laboratory import Laboratory
from evolution.laboratory.observer import feedback_of
from evolution.store.documents import simulate_document, train_document

# (what is done, where its share of the job begins and ends); trying patches takes the most by far.
STAGES = {
    "training": (0.0, 0.15),
    "diagnosing": (0.15, 0.2),
    "asking users": (0.2, 0.25),
    "trying patches": (0.25, 1.0),
}


def improve(context: JobContext, request: ImproveRequest) -> Outcome:
    """Measure the files on disk, say why they fail, and try at most `request.trials` patches.

    No LLM is asked. Raises RepoError if the trial failed, Cancelled. What was done before is in the store.
    """
    check_baseline(context)
    laboratory = Laboratory(context)
    _begin(context, "training")
    trial = trained(laboratory)
    _begin(context, "diagnosing")
    diagnosis = diagnosed(laboratory, trial)
    _begin(context, "asking users")
    asked = feedback_of(laboratory, trial, users=USERS_ASKED, examined=True)
    _begin(context, "trying patches")
    found = propose_once(
        laboratory, trials=request.trials, allow_cost=request.allow_cost, accepted=request.accepted
    )
    return Outcome(
        document={
            "trial": trial.id,
            "train": train_document(trial),
            "diagnosis": diagnosis,
            "users": simulate_document(asked, hidden(context, asked).ids),
            **proposed_document(found),
        }
    )


def _begin(context: JobContext, stage: str) -> None:
    """Tell which stage begins, and which share of the whole job the fractions that follow are of."""
    context.events.emit(
        EventType.PROGRESS, stage, trial="", fraction=0.0, left_s=None, span=list(STAGES[stage])
    )
