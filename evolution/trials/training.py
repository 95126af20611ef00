"""The epochs of a trial: the caller decides after each whether to go on, and which state is the best."""

import time
from functools import cache

from evolution.domain.objective import Objective, parse_expression
from evolution.domain.trial import EpochRecord, TrialStatus
from evolution.trials import enough
from evolution.trials.breaking_off import broken_off, with_first_bad_value
from evolution.trials.data import TrialData, popularity_lists
from evolution.trials.failing import TrialFailed, broken_contract
from evolution.trials.progress import TrialProgress
from evolution.trials.request import Supervision, TrialRequest
from evolution.trials.scoring import OBJECTIVE, fingerprint, judged
from evolution.trials.session import Built, WorkerSession

MEASURING = 0.1  # of a trial's time limit, kept for what comes after the training


def train(
    request: TrialRequest,
    supervision: Supervision,
    session: WorkerSession,
    progress: TrialProgress,
    built: Built,
) -> TrialStatus:
    """Epoch by epoch, until fit ends, neither loss nor objective moves any more (`trained_enough`), the caller prunes,
    the last epoch is reached, or no time is left for another one.

    progress.note["training"] then says by which of these it ended, and whether the objective was still rising. Raises TrialFailed, which says in which epoch; `progress` then holds the epochs before.
    """
    try:
        return _epochs(request, supervision, session, progress, built)
    except TrialFailed as failed:
        seed, measured = request.key.seed, len(progress.epochs)
        failure = broken_off(
            failed.failure, measured + 1, measured=measured, max_epochs=request.config.training.max_epochs
        )
        failure = with_first_bad_value(
            failure, session, seed=seed, epoch=measured + 1, on_stage=supervision.on_stage
        )
        raise TrialFailed(failure) from failed


def _epochs(
    request: TrialRequest,
    supervision: Supervision,
    session: WorkerSession,
    progress: TrialProgress,
    built: Built,
) -> TrialStatus:
    settings = request.config.training
    objective = parse_expression(request.config.objective.expression)
    ended = enough.Ended.MAX_EPOCHS
    popularity = cache(lambda: _of_popularity(request.data, objective))
    for number in range(1, settings.max_epochs + 1):
        started = time.perf_counter()
        answered = session.epoch()
        if answered is None:
            ended = enough.Ended.FIT
            break
        reported, steps = answered
        ranked = number % settings.eval_every == 0 or number == settings.max_epochs
        means, answers = dict[str, float](), ""
        if ranked or not built.has_state:
            ranking = judged(
                session.rank("validation", request.data.validation), request.data.validation, objective
            )
            means, answers = ranking.means, fingerprint(ranking.lists)
            better = progress.best is None or means[OBJECTIVE] > progress.best.means[OBJECTIVE]
            if better or not built.has_state:  # what cannot be kept cannot be gone back to
                progress.best, progress.best_epoch = ranking, number
                if built.has_state:
                    session.keep()
        epoch = EpochRecord(
            epoch=number,
            wall_s=time.perf_counter() - started,
            reported=reported,
            metrics=means,
            steps=steps,
            answers=answers,
        )
        progress.epochs.append(epoch)
        supervision.on_epoch(epoch)
        if means and enough.trained_enough(
            progress.epochs, patience=settings.patience, popularity=popularity
        ):
            ended = enough.Ended.ENOUGH
            break
        if number < settings.max_epochs and supervision.prune(tuple(progress.epochs)):
            return _ranked_at_all(request, session, progress, TrialStatus.PRUNED)
        if number < settings.max_epochs and _no_time_left(session, progress, settings.timeout_s):
            ended = enough.Ended.TIME
            break
    progress.note[enough.NOTE] = {
        "ended": ended.value,
        "still_improving": enough.still_improving(progress.epochs),
    }
    return _ranked_at_all(request, session, progress, TrialStatus.COMPLETE)


def _of_popularity(data: TrialData, objective: Objective) -> float:
    """The popularity ranker's objective on the validation questions."""
    return judged(popularity_lists(data), data.validation, objective).means[OBJECTIVE]


def _no_time_left(session: WorkerSession, progress: TrialProgress, timeout_s: float) -> bool:
    """Whether one more epoch may leave too little of the trial's time for measuring what was trained by then."""
    longest = max(epoch.wall_s for epoch in progress.epochs)
    return session.left_s() < MEASURING * timeout_s + 2 * longest


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
