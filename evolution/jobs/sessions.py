"""The job `sessions`: simulated users go through pages of the user's version, and of baselines, until they leave."""

from evolution.domain.request import SessionsRequest
from evolution.jobs.hidden import check_baseline
from evolution.jobs.outcome import Outcome
from evolution.jobs.train import trained
from evolution.laboratory.context import JobContext
from evolution.laboratory.laboratory import Laboratory
from evolution.laboratory.sessions import hold, user_number
from evolution.store.session_document import sessions_document


def sessions(context: JobContext, request: SessionsRequest) -> Outcome:
    """Train the user's version if needed, and hold sessions with it.

    Raises UsageError before a training if there is no such user, RepoError, Cancelled.
    """
    check_baseline(context)
    laboratory = Laboratory(context)
    user = user_number(laboratory, request.user) if request.user else 0
    trial = trained(laboratory)
    held = hold(laboratory, trial, users=request.users, user=user)
    return Outcome(document=sessions_document(trial, held.participants, held.outcome, held.told))
