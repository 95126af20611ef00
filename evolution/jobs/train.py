"""The jobs `train` (train and measure the user's version) and `check` (only try it on one batch)."""

from typing import Any

from evolution.base.errors import Cancelled, RepoError
from evolution.coevolution.user_probes import with_user_probes
from evolution.domain.healing import with_healings
from evolution.domain.request import CheckRequest, TrainRequest
from evolution.domain.trial import ContractCheck, FailureReason, Trial
from evolution.domain.verdict import verdict_on
from evolution.jobs.hidden import check_baseline, hidden
from evolution.jobs.outcome import Outcome, failed
from evolution.laboratory.context import JobContext
from evolution.laboratory.laboratory import Laboratory, complete
from evolution.laboratory.observer import feedback_of
from evolution.store.documents import train_document, verdict_document
from evolution.store.remarks import remarks
from evolution.trials.analysis import AnalysisError
from evolution.trials.checkpoint import Checkpoint


def train(context: JobContext, request: TrainRequest) -> Outcome:
    """The trial of the files on disk, with the verdict on it; a failed trial is an outcome with exit code 1. Raises
    Cancelled.
    """
    check_baseline(context)
    laboratory = Laboratory(context)
    trial = _trial(laboratory, request.seed)
    document = train_document(trial)
    if trial.failure is not None:
        return failed(document, trial.failure)
    return Outcome(document={**document, **_judged(laboratory, trial)})


def _judged(laboratory: Laboratory, trial: Trial) -> dict[str, Any]:
    """The verdict on a trial, for its document; null, with a remark, where what it left cannot be measured."""
    try:
        feedback = with_user_probes(laboratory, trial, feedback_of(laboratory, trial))
    except (AnalysisError, RepoError) as error:
        return {"verdict": None, "remarks": [*remarks(trial), f"not diagnosed: {error}"]}
    context = laboratory.context
    shown = with_healings(feedback, context.store.proposals(feedback.program))
    return {"verdict": verdict_document(verdict_on(trial, shown, hidden(context, shown).ids))}


def trained(laboratory: Laboratory, checkpoint: Checkpoint | None = None) -> Trial:
    """The trial of the user's version, trained or with the weights of a checkpoint, for other jobs to measure.

    Raises RepoError if it failed, Cancelled.
    """
    trial = _trial(laboratory, None, checkpoint)
    if trial.failure is not None:
        failure = trial.failure
        if (
            checkpoint is not None and failure.reason is FailureReason.CONTRACT
        ):  # of the file, not of a line of code
            raise RepoError(f"checkpoint {checkpoint.name}: {failure.message}")
        raise RepoError(
            f"the trial failed ({failure.reason}): {failure.message}", path=failure.path, line=failure.line
        )
    return trial


def is_trained(laboratory: Laboratory) -> bool:
    """Whether `trained` would find the trial of the user's version in the store."""
    return laboratory.has_trial(laboratory.user_program(), seed=laboratory.config.training.seed)


def _trial(laboratory: Laboratory, seed: int | None, checkpoint: Checkpoint | None = None) -> Trial:
    """The stored trial if it is complete; a failed one is run again, because the cause may be gone."""
    seed = laboratory.config.training.seed if seed is None else seed
    label = f"checkpoint {checkpoint.name}" if checkpoint is not None else "your version"
    program = laboratory.user_program()
    return laboratory.trial(program, seed=seed, label=label, accept=complete, checkpoint=checkpoint)


def check(context: JobContext, request: CheckRequest) -> Outcome:
    """Run only the quick checks. Problems that they find are listed in the document; the job itself succeeds."""
    laboratory = Laboratory(context)
    trial = laboratory.smoke(laboratory.user_program(), beside=True)
    if trial.failure is not None and trial.failure.reason is FailureReason.CANCELLED:
        raise Cancelled("cancelled")
    passed = [f"contract: {c.code}" for c in trial.contract if c.passed]
    return Outcome(document={"problems": _problems(trial), "passed": passed})


def _first_place(check: ContractCheck) -> dict[str, Any]:
    place = check.places[0] if check.places else None
    return {"path": place.path if place else "", "line": place.line if place else 0}


def _problems(trial: Trial) -> list[dict[str, Any]]:
    problems = [
        {**_first_place(c), "severity": c.severity, "message": f"{c.code}: {c.message}"}
        for c in trial.contract
        if c.passed is False
    ]
    failure = trial.failure
    if failure is not None and failure.reason is not FailureReason.CONTRACT:
        message = f"{failure.reason}: {failure.message}"
        problems.append({"path": failure.path, "line": failure.line, "severity": "error", "message": message})
    return problems
