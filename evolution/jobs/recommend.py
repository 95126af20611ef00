"""The job `recommend`: what a measured trial's model would show users next, written as a file in the log's own ids."""

from pathlib import Path

from evolution.base.amounts import listed
from evolution.base.errors import RepoError
from evolution.base.new_files import check_free
from evolution.domain.job import EventType
from evolution.domain.request import RecommendRequest
from evolution.jobs.asked_users import AskedUsers, read_asked_users
from evolution.jobs.list_files import Recommendations, check_suffix, write_lists
from evolution.jobs.measured_trial import measured_trial
from evolution.jobs.outcome import Outcome
from evolution.laboratory.context import JobContext
from evolution.laboratory.laboratory import Laboratory
from evolution.trials.failing import TrialFailed
from evolution.trials.whole_log import questions_of, read_whole_log

SHOWN = 5  # unknown users in a sentence; the document has all


def recommend(context: JobContext, request: RecommendRequest) -> Outcome:
    """Rank for users of the log, given all that the log knows of them, held-out events and all.

    Raises UsageError: nothing can be written at `out`, or `users` names nobody. RepoError: the model did not answer. Cancelled.
    """
    out = context.repo / request.out
    check_suffix(out)
    check_free(out, force=request.force)
    laboratory = Laboratory(context)
    trial = measured_trial(context, laboratory, request.trial)
    log = read_whole_log(context.config, context.repo, laboratory.data)
    number_of = {name: number for number, name in enumerate(log.user_names) if number}
    asked = _asked(context, request, number_of)
    questions = questions_of(log, [number_of[name] for name in asked.known])
    try:
        lists = laboratory.recommend(trial, questions, with_seen=request.seen)
    except TrialFailed as error:
        failure = error.failure
        raise RepoError(
            f"no lists were made ({failure.reason}): {failure.message}", path=failure.path, line=failure.line
        ) from error
    said = Recommendations(
        users=asked.known,
        item_names=log.item_names,
        items=lists.items[:, : request.k].astype("int64"),
        scores=lists.scores[:, : request.k],
    )
    rows = write_lists(out, said, force=request.force)
    document = {"out": str(out), "trial": trial.id, "users": len(asked.known), "rows": rows, "k": request.k}
    return Outcome(document={**document, "seen": request.seen, "unknown": list(asked.unknown)})


def _asked(context: JobContext, request: RecommendRequest, number_of: dict[str, int]) -> AskedUsers:
    """All users of the log where the request names no file. Unknown ones are told, and get no list."""
    if not request.users:
        return AskedUsers(known=tuple(number_of), unknown=())
    asked = read_asked_users(context.repo / Path(request.users), number_of)
    if asked.unknown:
        more = f" and {len(asked.unknown) - SHOWN} more" if len(asked.unknown) > SHOWN else ""
        words = f"no list for users that the log does not have: {listed(asked.unknown[:SHOWN])}{more}"
        context.events.emit(EventType.LOG, words)
    return asked
