"""A trial, from an unknown program to its numbers, trained or with the weights of a checkpoint. A failure is a result: nothing of the candidate's raises here."""

import shutil
import time
from typing import Any

from evolution.base.places import WORKER_LOG
from evolution.domain.objective import parse_expression
from evolution.domain.trial import (
    Cost,
    Failure,
    FailureReason,
    Trial,
    TrialStatus,
)
from evolution.trials import artifacts
from evolution.trials.asked import batch_of
from evolution.trials.asking_again import checked_again, comparable
from evolution.trials.contract import check_contract, unanswered
from evolution.trials.embedding_check import checked_embeddings
from evolution.trials.failing import LONGEST_TRACEBACK, TrialFailed, broken_contract, guarded
from evolution.trials.mode_left import check_mode
from evolution.trials.numbering_check import check_numbering
from evolution.trials.parsing import parse_reachable
from evolution.trials.process import place_in
from evolution.trials.progress import TrialProgress
from evolution.trials.replies import LONGEST_MESSAGE
from evolution.trials.request import Supervision, TrialRequest
from evolution.trials.restoring import check_restoring, once_restored
from evolution.trials.sandbox import NO_SANDBOX_WARNING
from evolution.trials.scoring import (
    OBJECTIVE,
    judged,
    list_figures,
    objective_metric,
    sampled_figures,
    with_intervals,
)
from evolution.trials.session import Built, WorkerSession, opened
from evolution.trials.training import train
from evolution.trials.user_sessions import with_sessions
from seeds.amounts import number


def run_trial(request: TrialRequest, supervision: Supervision) -> Trial:
    """Train and measure one program; artifacts and log go to `request.folder`.

    Raises UsageError: the interpreter cannot be run. All else that can go wrong is in the Trial.
    """
    return _recorded(request, supervision, _train_and_measure)


def checkpoint_trial(request: TrialRequest, supervision: Supervision) -> Trial:
    """Measure a program with the weights in `request.checkpoint`, without training it; otherwise as `run_trial`.

    The trial has no epochs; note["checkpoint"] has the name of the file, and the name within it under which the
    weights lay.
    """
    return _recorded(request, supervision, _load_and_measure)


def smoke_trial(request: TrialRequest, supervision: Supervision) -> Trial:
    """The cheap rungs alone: parse, import, contract on one batch, two training steps, two epochs if they are short.

    COMPLETE has no metrics; note["executed"] has the lines that ran, path -> lines from 1, and note["stopped"] the
    (path, line) pairs beyond which time, not the program, kept its functions from going on.
    """
    return _recorded(request, supervision, _smoke_alone)


def _recorded(request: TrialRequest, supervision: Supervision, work: Any) -> Trial:
    created_at, started = time.time(), time.perf_counter()
    _start_afresh(request)
    progress = TrialProgress(note={"ties": dict(request.data.ties)})
    status, failure = TrialStatus.COMPLETE, None
    try:
        with guarded(request.folder / "work"):
            parse_reachable(request.checkout, request.config.recommender.entry, request.python)
        with opened(request, supervision, request.data.worker_inputs()) as session:
            progress.note["sandbox"] = "bubblewrap" if session.confined else NO_SANDBOX_WARNING
            progress.note["withheld"] = list(session.withheld)
            try:
                status = work(request, supervision, session, progress)
            finally:
                progress.cost = _cost(request, session, progress.cost, time.perf_counter() - started)
    except TrialFailed as failed:
        status, failure = TrialStatus.FAILED, failed.failure
    return Trial(
        id=request.id,
        key=request.key,
        status=status,
        created_at=created_at,
        wall_s=time.perf_counter() - started,
        epochs=tuple(progress.epochs),
        best_epoch=progress.best_epoch,
        metrics=progress.metrics,
        objective=progress.objective,
        cost=progress.cost,
        failure=failure,
        contract=tuple(progress.contract),
        note=progress.note,
    )


def _start_afresh(request: TrialRequest) -> None:
    """Whatever an earlier run of the same trial left, broken off or pruned, is not of this one."""
    shutil.rmtree(request.folder / artifacts.FOLDER, ignore_errors=True)
    for name in (artifacts.STATE, WORKER_LOG):
        (request.folder / name).unlink(missing_ok=True)
    request.folder.mkdir(parents=True, exist_ok=True)


def _train_and_measure(
    request: TrialRequest, supervision: Supervision, session: WorkerSession, progress: TrialProgress
) -> TrialStatus:
    built = _rungs(request, supervision, session, progress)
    untrained = _untrained(request, session, progress)
    supervision.on_stage("training")
    try:
        status = train(request, supervision, session, progress, built)
    except TrialFailed:
        if progress.epochs:
            _keep_epochs(request, progress)
        raise
    _keep_epochs(request, progress)
    assert progress.best is not None
    if status is TrialStatus.PRUNED:
        artifacts.settle(request.folder)
        return status
    supervision.on_stage("measuring")
    _settle_on_best(request, session, progress, built)
    _measure(request, supervision, session, progress, untrained)
    if comparable(progress.contract, "same-answer-twice"):
        batch = batch_of(request.data.validation, request.config.recommender.max_history)
        progress.contract.append(check_mode(session, *batch))
    _keep_reported(request, session, built)
    return TrialStatus.COMPLETE


def _load_and_measure(
    request: TrialRequest, supervision: Supervision, session: WorkerSession, progress: TrialProgress
) -> TrialStatus:
    """As a training would leave it, but without a curve, and without the weights that the training began with."""
    assert request.checkpoint is not None
    told = progress.note["checkpoint"] = {"file": request.checkpoint.name, "within": ""}
    built = _rungs(request, supervision, session, progress)
    supervision.on_stage("loading the checkpoint")
    told["within"] = session.load_checkpoint(request.checkpoint.copy)
    supervision.on_stage("measuring")
    objective = parse_expression(request.config.objective.expression)
    lists = session.rank("validation", request.data.validation)
    progress.best = judged(lists, request.data.validation, objective)
    _keep_epochs(request, progress)
    _measure(request, supervision, session, progress, {})
    _keep_reported(request, session, built)
    return TrialStatus.COMPLETE


def _measure(
    request: TrialRequest,
    supervision: Supervision,
    session: WorkerSession,
    progress: TrialProgress,
    untrained: dict[str, Any],
) -> None:
    """What the model that the session holds answers, as artifacts and figures. progress.best: its lists."""
    assert progress.best is not None
    folder, data = artifacts.artifacts_folder(request.folder), request.data
    dense = session.dense("sample", len(data.sample))
    arrays = {
        "dense_rows": data.sample,
        "dense_scores": dense,
        "dense_shuffled": session.dense(data.shuffled, len(data.sample)),
        **untrained,
        **_embeddings(session, dense, progress),
    }
    progress.note["not_kept"] = session.not_kept
    if any(check.passed is None for check in progress.contract):
        _check_again(request, session, progress)
    supervision.on_stage("asking again")
    progress.contract = checked_again(
        session, data, progress.best.lists, dense, progress.contract, seed=request.key.seed
    )
    progress.contract = once_restored(progress.contract, str(progress.note.get("restored", "")))
    if request.config.objective.holds_sessions:
        supervision.on_stage("sessions of simulated users")
        progress.best, heard = with_sessions(request, session, progress.best, progress.note)
        progress.contract.append(heard)
    _summarise(request, progress)
    progress.metrics |= sampled_figures(dense, data.sample, data.validation, data.training, request.key.seed)
    artifacts.write_per_user(folder, progress.best.per_user)
    artifacts.write_lists(folder, progress.best.lists)
    artifacts.write_arrays(folder, arrays)
    artifacts.write_document(folder, "trace", progress.trace)


def _keep_reported(request: TrialRequest, session: WorkerSession, built: Built) -> None:
    """What the worker says of itself, and the state that it serves with; the trial's folder is settled by it."""
    folder = artifacts.artifacts_folder(request.folder)
    reported = {"parameters": built.parameters, "score_s": session.reported_score_s, **session.memory()}
    artifacts.write_document(folder, "reported", reported)
    if built.has_state:
        session.save_state(request.folder / artifacts.STATE)
    artifacts.settle(request.folder)


def _keep_epochs(request: TrialRequest, progress: TrialProgress) -> None:
    """Write the curves, and what the best epoch so far says of each user."""
    folder = artifacts.artifacts_folder(request.folder)
    artifacts.write_curves(folder, progress.epochs)
    artifacts.write_document(folder, "trace", progress.trace)
    if progress.best is not None:
        _summarise(request, progress)
        artifacts.write_per_user(folder, progress.best.per_user)


def _smoke_alone(
    request: TrialRequest, supervision: Supervision, session: WorkerSession, progress: TrialProgress
) -> TrialStatus:
    session.watch()
    _rungs(request, supervision, session, progress)
    error = str(progress.trace.get("error", ""))
    if error.strip():
        raise TrialFailed(_traced_failure(error, session.root))
    artifacts.write_document(artifacts.artifacts_folder(request.folder), "trace", progress.trace)
    supervision.on_stage("first epochs")
    walk = session.walk(*batch_of(request.data.validation, request.config.recommender.max_history))
    executed = {path: set(lines) for path, lines in walk.executed.items()}
    for path, lines in progress.trace.get("executed", {}).items():
        executed.setdefault(path, set()).update(lines)
    progress.note["executed"] = {path: sorted(lines) for path, lines in executed.items() if lines}
    progress.note["stopped"] = walk.stopped
    return TrialStatus.COMPLETE


def _traced_failure(error: str, root: str) -> Failure:
    """The failure that a traced step met; error: its traceback in the worker, where the program is at root."""
    path, line = place_in(error, root)[-1]
    return Failure(
        reason=FailureReason.CRASH,
        message=f"the first training steps raised {error.strip().splitlines()[-1]}"[:LONGEST_MESSAGE],
        path=path,
        line=line,
        traceback=error[-LONGEST_TRACEBACK:],
    )


def _rungs(
    request: TrialRequest, supervision: Supervision, session: WorkerSession, progress: TrialProgress
) -> Built:
    """Import, two traced steps, contract on one batch; what it leaves is a fresh recommender of the trial's seed."""
    supervision.on_stage("importing")
    session.start()
    progress.note["versions"] = session.versions
    supervision.on_stage("smoke test")
    progress.trace = session.smoke(*batch_of(request.data.validation, request.config.recommender.max_history))
    progress.note["trace"] = str(progress.trace.get("note", ""))
    seed = request.key.seed
    first = session.build(seed)
    progress.cost = Cost(parameters=first.parameters)
    try:
        checks, answer = check_contract(session, request.data, request.config.recommender.max_history)
    except TrialFailed as failed:
        if not _may_need_training(first, failed.failure):
            raise
        progress.contract += unanswered(failed.failure)
        return session.build(seed)
    numbering = check_numbering(progress.trace)
    progress.contract += [*checks, *([numbering] if numbering else [])]
    built, further = check_restoring(
        session, request.data, answer, first, seed=seed, state=request.folder / artifacts.STATE
    )
    progress.contract += further
    for check in progress.contract:
        if check.passed is False and check.severity == "error":
            raise broken_contract(check.message)
    return built


def _may_need_training(built: Built, failure: Failure) -> bool:
    """A model without torch parameters may be unable to score before its first epoch, and be none the worse."""
    return built.parameters == 0 and failure.reason in (FailureReason.CRASH, FailureReason.NOT_FINITE)


def _untrained(request: TrialRequest, session: WorkerSession, progress: TrialProgress) -> dict[str, Any]:
    """What the model says before its first epoch; nothing where it cannot say anything yet."""
    if not progress.contract[0].passed:
        return {}
    return {
        "untrained_dense_scores": session.dense("sample", len(request.data.sample)),
        "untrained_item_embeddings": session.embeddings(),
    }


def _settle_on_best(
    request: TrialRequest, session: WorkerSession, progress: TrialProgress, built: Built
) -> None:
    """Go back to the best epoch, rank it once more, and believe only that."""
    data = request.data
    assert progress.best is not None
    if built.has_state and progress.best_epoch != progress.epochs[-1].epoch:
        session.restore()
        objective = parse_expression(request.config.objective.expression)
        again = judged(session.rank("validation", data.validation), data.validation, objective)
        before, after = progress.best.means[OBJECTIVE], again.means[OBJECTIVE]
        if abs(before - after) > 1e-3 * max(before, 1e-9) + 1e-6:
            progress.note["restored"] = (
                f"the best epoch's objective was {number(before)} while training and {number(after)} after its state was "
                "restored; the latter is reported"
            )
        progress.best = again


def _embeddings(session: WorkerSession, dense: Any, progress: TrialProgress) -> dict[str, Any]:
    """The item embeddings as artifacts; those that scores have nothing to do with are none, and the contract says so."""
    table, check = checked_embeddings(session, dense)
    if check is None:
        return {"item_embeddings": table}
    progress.contract.append(check)
    if check.passed is False:
        return dict.fromkeys(("item_embeddings", "untrained_item_embeddings"))
    return {"item_embeddings": table}


def _check_again(request: TrialRequest, session: WorkerSession, progress: TrialProgress) -> None:
    """Checks that an untrained model could not answer, asked of the trained one."""
    again, _ = check_contract(session, request.data, request.config.recommender.max_history)
    answered = {check.code: check for check in again}
    progress.contract = [
        answered.get(check.code, check) if check.passed is None else check for check in progress.contract
    ]


def _summarise(request: TrialRequest, progress: TrialProgress) -> None:
    assert progress.best is not None
    seed = request.key.seed
    progress.metrics = with_intervals(progress.best.per_user, seed)
    progress.metrics |= list_figures(progress.best.lists, request.data.training)
    objective = parse_expression(request.config.objective.expression)
    progress.objective = objective_metric(progress.best.per_user, objective, seed)


def _cost(request: TrialRequest, session: WorkerSession, so_far: Cost, wall_s: float) -> Cost:
    fit, score, theirs = session.fit, session.score_spent, session.theirs
    return Cost(
        fit_s=fit.s,
        fit_cpu_s=fit.cpu_s,
        score_s=score.s,
        score_cpu_s=score.cpu_s,
        other_s=max(0.0, theirs.s - fit.s - score.s),
        other_cpu_s=max(0.0, session.cpu_s() - fit.cpu_s - score.cpu_s),
        rankings=session.answered / max(1, len(request.data.validation)),
        harness_s=max(0.0, wall_s - theirs.s),
        peak_memory_bytes=session.peak_memory_bytes,
        parameters=so_far.parameters,
    )
