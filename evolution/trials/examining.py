"""The examination of a trained program: one more worker, in which it trains for two epochs under the watch, and in which
its trained model is asked what a diagnosis wants to know. The trial itself is not touched, and takes no longer.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

from diagnosis.examination import CHECKS, FOLDER, WATCHED
from evolution.base import serial
from evolution.base.drafts import draft_name, remove_abandoned
from evolution.base.versions import version_of
from evolution.domain.trial import ContractCheck, FailureReason, Trial
from evolution.trials import artifacts
from evolution.trials.failing import TrialFailed
from evolution.trials.request import Supervision, TrialRequest
from evolution.trials.session import WorkerSession, opened
from evolution.trials.watched import nothing_watched
from seeds.reading import RECORD_BYTES, parse_json, read_text

WATCH_SHARE = 0.1  # of the seconds that fit() took in the trial
SHORTEST_WATCH_S, LONGEST_WATCH_S = 20.0, 60.0
TRAINED_AGAIN_S = (
    60.0  # of fit() in the trial; a model without state is trained again for its questions up to here
)
STAMP = "examined.json"
_EXAMINER = ("evolution/worker", "evolution/trials", "diagnosis/examination.py")

Ask = Callable[[WorkerSession, TrialRequest, Trial], list[ContractCheck]]


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


def examine(request: TrialRequest, trial: Trial, supervision: Supervision, ask: Ask) -> str:
    """Examine a complete trial and leave the result in `<trial>/examination/`. Returns why a part of it is missing, or "".

    ask: puts further questions to the trained model. Raises TrialFailed only where the job is cancelled, UsageError.
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
                max_epochs = request.config.training.max_epochs
                session.watch_epochs(seconds=seconds, folder=draft, max_epochs=max_epochs)
                if _make_trained(request, trial, session, supervision):
                    supervision.on_stage("asking the trained model")
                    checks = ask(session, request, trial)
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


def _make_trained(
    request: TrialRequest, trial: Trial, session: WorkerSession, supervision: Supervision
) -> bool:
    """Make the session's recommender the trial's trained one; whether that can be had."""
    if artifacts.has_whole_state(request.folder):
        session.build(request.key.seed)
        session.load_state(request.folder / artifacts.STATE)
        return True
    if trial.cost.fit_s > TRAINED_AGAIN_S:
        return False
    supervision.on_stage("training again, for the model has no state")
    session.build(request.key.seed)
    for _ in range(trial.best_epoch):
        session.epoch()
    return True


def _finish(draft: Path, checks: list[ContractCheck], why: str) -> None:
    if not (draft / WATCHED).exists():
        document = {**nothing_watched(why), "max_epochs": 0}
        (draft / WATCHED).write_text(json.dumps(document), encoding="utf-8")
    (draft / CHECKS).write_text(json.dumps(serial.plain(checks)), encoding="utf-8")
    stamp = {"version": examiner_version(), "missing": why}
    (draft / STAMP).write_text(json.dumps(stamp), encoding="utf-8")


def _replace(draft: Path, place: Path) -> None:
    shutil.rmtree(place, ignore_errors=True)
    draft.replace(place)
