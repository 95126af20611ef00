"""What a diagnosis asks a trained model: pairs of questions whose answers should agree, or should differ."""

from evolution.domain.trial import ContractCheck, Trial
from evolution.trials.request import TrialRequest
from evolution.trials.session import WorkerSession


def ask_trained(session: WorkerSession, request: TrialRequest, trial: Trial) -> list[ContractCheck]:
    """The checks of the trained model that `session` holds. Raises TrialFailed: it cannot answer, or breaks a limit."""
    return []
