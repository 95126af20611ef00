"""The epochs of a trial: the caller decides after each whether to go on, and which state is the best."""

import time

from evolution.domain.objective import parse_expression
from evolution.domain.trial import EpochRecord, TrialStatus
from evolution.trials.breaking_off import broken_off, with_first_bad_value
from evolution.trials.failing import TrialFailed, broken_contract
from evolution.trials.progress import TrialProgress
from evolution.trials.request import Supervision, TrialRequest
from evolution.trials.scoring import OBJECTIVE, fingerprint, judged
from evolution.trials.session import Built, WorkerSession


def train(
    request: TrialRequest,
    supervision: Supervision,
    session: WorkerSession,
    progress: TrialProgress,
    built: Built,
) -> TrialStatus:
    """Epoch by epoch, until fit ends, patience runs out, the caller prunes, or the last epoch is reached.

    Raises TrialFailed, which says in which epoch; `progress` then holds the epochs before.
    """
    try:
        return _epochs(request, supervision, session, progress, built)
    except TrialFailed as failed:
        seed, measured = request.key.seed, len(progress.epochs)
        failure = broken_off(
            failed.failure, measured + 1, measured=measured, max_epochs=request.config.training.max_epochs
        )
        supervision.on_stage("looking for what broke the training")
        raise TrialFailed(with_first_bad_value(failure, session, seed=seed, epoch=measured + 1)) from failed


def _epochs(
    request: TrialRequest,
    supervision: Supervision,
    session: WorkerSession,
    progress: TrialProgress,
    built: Built,
) -> TrialStatus:
    settings = request.config.training
    objective = parse_expression(request.config.objective.expression)
    without_gain = 0
    for number in range(1, settings.max_epochs + 1):
        started = time.perf_counter()
        reported = session.epoch()
        if reported is None:
            break
        ranked = number % settings.eval_every == 0 or number == settings.max_epochs
        means, answers = dict[str, float](), ""
        if ranked or not built.has_state:
            ranking = judged(
                session.rank("validation", request.data.validation), request.data.validation, objective
            )
            means, answers = ranking.means, fingerprint(ranking.lists)
            better = progress.best is None or means[OBJECTIVE] > progress.best.means[OBJECTIVE]
            without_gain = 0 if better else without_gain + 1
            if better or not built.has_state:  # what cannot be kept cannot be gone back to
                progress.best, progress.best_epoch = ranking, number
                if built.has_state:
                    session.keep()
        epoch = EpochRecord(
            epoch=number,
            wall_s=time.perf_counter() - started,
            reported=reported,
            metrics=means,
            answers=answers,
        )
        progress.epochs.append(epoch)
        supervision.on_epoch(epoch)
        if without_gain >= settings.patience:
            break
        if number < settings.max_epochs and supervision.prune(tuple(progress.epochs)):
            return _ranked_at_all(request, session, progress, TrialStatus.PRUNED)
    return _ranked_at_all(request, session, progress, TrialStatus.COMPLETE)


def _ranked_at_all(
    request: TrialRequest, session: WorkerSession, progress: TrialProgress, status: TrialStatus
) -> TrialStatus:
    """Where fit ended before any epoch was due to be ranked, the model as it is now is the best one."""
    if not progress.epochs:
        message = "fit() ended without yielding; expected one mapping of floats per epoch, at least one"
        raise broken_contract(message)
    if progress.best is None:
        objective = parse_expression(request.config.objective.expression)
        progress.best = judged(
            session.rank("validation", request.data.validation), request.data.validation, objective
        )
        progress.best_epoch = progress.epochs[-1].epoch
    return status
