"""The job `test`: evaluates one trial on the test events in a new process, and logs that they were read."""

from dataclasses import replace

from evolution.base.errors import UsageError
from evolution.domain.request import TestRequest
from evolution.domain.trial import Trial, TrialStatus
from evolution.jobs.outcome import Outcome, failed
from evolution.laboratory.context import JobContext
from evolution.laboratory.laboratory import Laboratory
from evolution.store.documents import train_document


def test(context: JobContext, request: TestRequest) -> Outcome:
    """Evaluate the named or the newest complete trial on the test events. Raises UsageError, Cancelled."""
    laboratory = Laboratory(context)
    trial = _named(context, request.trial) if request.trial else _newest(context, laboratory)
    reading = laboratory.read_test(trial)
    measured = replace(trial, metrics=reading.metrics, objective=reading.objective, failure=reading.failure)
    document = train_document(measured, split="test")
    if reading.failure is not None:
        return failed({**document, "status": TrialStatus.FAILED.value}, reading.failure)
    context.store.log_test_read(
        trial.id, {"metrics": document["metrics"], "objective": document["objective"]}
    )
    document["test_reads"] = len(context.store.test_reads(trial.id))
    return Outcome(document=document)


def _named(context: JobContext, wanted: str) -> Trial:
    """The trial with this id. Raises UsageError if there is none, or it is not complete."""
    trial = context.store.trial(wanted)
    if trial is None:
        raise UsageError(f"no single trial {wanted!r}; `evolverec runs` lists them")
    if trial.status is not TrialStatus.COMPLETE:
        raise UsageError(f"trial {trial.id} is {trial.status}; only complete trials are read on test events")
    return trial


def _newest(context: JobContext, laboratory: Laboratory) -> Trial:
    """The newest complete trial of the files on disk, preferably of the configured seed (`propose` trains further
    seeds later). Raises UsageError if there is none."""
    stored = context.store.trials(laboratory.user_program())
    trials = [trial for trial in stored if trial.status is TrialStatus.COMPLETE]
    if not trials:
        raise UsageError(
            "no complete trial of the files on disk; run `evolverec train` first, or name a trial"
        )
    configured = [trial for trial in trials if trial.key.seed == context.config.training.seed]
    return (configured or trials)[0]
