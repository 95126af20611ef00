"""The examination of a trained program: one more worker, in which it trains for two epochs under the watch, and in which
its trained model is asked what a diagnosis wants to know. The trial itself is not touched, and takes no longer.
"""

import json
import math
import shutil
from pathlib import Path
from typing import Any

from diagnosis.evidence import FILES, load_artifacts
from diagnosis.examination import CHECKS, FOLDER, WATCHED
from evolution.base import serial
from evolution.base.drafts import draft_name, remove_abandoned
from evolution.base.versions import version_of
from evolution.domain.trial import ContractCheck, FailureReason, Trial
from evolution.trials import artifacts
from evolution.trials.asked import CANDIDATES_FAULT, Untrained, batch_of
from evolution.trials.asking_following import with_followed
from evolution.trials.asking_trained import ask_trained
from evolution.trials.failing import TrialFailed
from evolution.trials.request import Supervision, TrialRequest
from evolution.trials.restoring import check_trained_state
from evolution.trials.session import WorkerSession, opened
from evolution.trials.watched import nothing_watched
from seeds.reading import RECORD_BYTES, parse_json, read_text

WATCH_SHARE = 0.07  # of the seconds that fit() took in the trial; the questions and the analyst have the rest of a tenth
SHORTEST_WATCH_S, LONGEST_WATCH_S = 20.0, 60.0
TRAINED_AGAIN_S = (
    60.0  # of fit() in the trial; a model without state is trained again for its questions up to here
)
FOLLOWED_EPOCHS = 4  # at most, of two recommenders
STAMP = "examined.json"
_EXAMINER = ("evolution/worker", "evolution/trials", "diagnosis/examination.py")


def examiner_version() -> str:
    """A hash of the code that examines; an examination by another version is made again."""
    return version_of(*_EXAMINER)


def is_examined(trial_folder: Path) -> bool:
    """Whether this version has examined the trial."""
    try:
        stamp = parse_json(read_text(trial_folder / FOLDER / STAMP, most=RECORD_BYTES, inside=trial_folder))
    except (OSError, ValueError):
        return False
    return isinstance(stamp, dict) and stamp.get("version") == examiner_version()


def examine(request: TrialRequest, trial: Trial, supervision: Supervision) -> str:
    """Examine a complete trial and leave the result in `<trial>/examination/`. Returns why a part of it is missing, or "".

    Raises TrialFailed only where the job is cancelled, UsageError.
    """
    remove_abandoned(request.folder)
    draft = request.folder / draft_name()
    draft.mkdir(parents=True)
    checks: list[ContractCheck] = []
    why = ""
    try:
        try:
            with opened(request, supervision, request.data.worker_inputs()) as session:
                supervision.on_stage("watching a training")
                session.start()
                seconds = min(max(SHORTEST_WATCH_S, WATCH_SHARE * trial.cost.fit_s), LONGEST_WATCH_S)
                watched = session.watch_epochs(seconds=seconds, folder=draft)
                why = _replayed(session, draft)
                checks = _asked(request, trial, session, supervision)
                if checks and FOLLOWED_EPOCHS * _epoch_s(trial, watched) <= SHORTEST_WATCH_S:
                    checks = _followed(request, trial, session, checks)
        except TrialFailed as failed:
            if failed.failure.reason is FailureReason.CANCELLED:
                raise
            why = failed.failure.message
        _finish(draft, checks, why)
        _replace(draft, request.folder / FOLDER)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return why


def checks_of(trial_folder: Path) -> tuple[ContractCheck, ...]:
    """What the trained model was asked, with its answers; () where it was not."""
    path = trial_folder / FOLDER / CHECKS
    try:
        document = parse_json(read_text(path, most=RECORD_BYTES, inside=trial_folder))
    except (OSError, ValueError):
        return ()
    return serial.load(tuple[ContractCheck, ...], document)


def _replayed(session: WorkerSession, folder: Path) -> str:
    """Why no further step of the watched training could be looked into, "" where it was; the rest does without."""
    try:
        session.replay(folder=folder)
    except TrialFailed as failed:
        if failed.failure.reason not in CANDIDATES_FAULT:
            raise
        return failed.failure.message
    return ""


def _asked(
    request: TrialRequest, trial: Trial, session: WorkerSession, supervision: Supervision
) -> list[ContractCheck]:
    """What the trial's trained model answers; [] where the session cannot have it."""
    data, max_history = request.data, request.config.recommender.max_history
    has_state = artifacts.has_whole_state(request.folder)
    if not has_state and trial.cost.fit_s > TRAINED_AGAIN_S:
        return []
    session.build(request.key.seed)
    untrained = None
    if trial.contract and trial.contract[0].passed:  # else it can answer nothing yet
        untrained = Untrained.of(session, *batch_of(data.validation, max_history))
    if has_state:
        session.load_state(request.folder / artifacts.STATE)
    else:
        supervision.on_stage("training again, for the model has no state")
        for _ in range(trial.best_epoch):
            session.epoch()
    supervision.on_stage("asking the trained model")
    checks = ask_trained(session, data, max_history, trace=_trace_of(request.folder), untrained=untrained)
    return [*checks, *(_restored(request, trial, session, checks) if has_state else ())]


def _restored(
    request: TrialRequest, trial: Trial, session: WorkerSession, checks: list[ContractCheck]
) -> list[ContractCheck]:
    """Whether the session, given the trained state, scores as the trial did; [] where it cannot answer."""
    trained = load_artifacts(artifacts.artifacts_folder(request.folder))
    width = request.config.recommender.max_history
    known = [*trial.contract, *checks]
    try:
        return check_trained_state(session, request.data, trained, known, max_history=width)
    except TrialFailed as failed:
        if failed.failure.reason not in CANDIDATES_FAULT:
            raise
        return []


def _followed(
    request: TrialRequest, trial: Trial, session: WorkerSession, checks: list[ContractCheck]
) -> list[ContractCheck]:
    """The checks, with whether answers keep up with weights over further epochs."""
    batch = batch_of(request.data.validation, request.config.recommender.max_history)
    epochs = len(trial.epochs) or request.config.training.max_epochs
    return with_followed(checks, lambda: session.follow(*batch, epochs))


def _epoch_s(trial: Trial, watched: dict[str, Any]) -> float:
    """Seconds of an epoch: in the trial, or under the watch where a checkpoint was measured; infinite where unknown.

    Those in which it was running where they are fewer: that other programs were running says nothing of this one.
    """
    if trial.epochs:
        cost = trial.cost
        return min(cost.fit_s, cost.fit_cpu_s or cost.fit_s) / len(trial.epochs)
    return watched["seconds"] / watched["epochs"] if watched["epochs"] else math.inf


def _trace_of(trial_folder: Path) -> dict[str, Any]:
    """The trace of the trial's smoke step; {} where it is not there."""
    path = artifacts.artifacts_folder(trial_folder) / FILES["trace"]
    try:
        document = parse_json(read_text(path, most=RECORD_BYTES, inside=trial_folder))
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}


def _finish(draft: Path, checks: list[ContractCheck], why: str) -> None:
    if not (draft / WATCHED).exists():
        document = {**nothing_watched(why), "max_epochs": 0, "max_history": 0}
        (draft / WATCHED).write_text(json.dumps(document), encoding="utf-8")
    (draft / CHECKS).write_text(json.dumps(serial.plain(checks)), encoding="utf-8")
    stamp = {"version": examiner_version(), "missing": why}
    (draft / STAMP).write_text(json.dumps(stamp), encoding="utf-8")


def _replace(draft: Path, place: Path) -> None:
    shutil.rmtree(place, ignore_errors=True)
    draft.replace(place)
