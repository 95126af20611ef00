"""The job `test`: evaluates one trial on the test events in a new process, and logs that they were read."""

from dataclasses import replace

from evolution.domain.request import TestRequest
from evolution.domain.trial import TrialStatus
from evolution.jobs.measured_trial import measured_trial
from evolution.jobs.outcome import Outcome, failed
from evolution.laboratory.context import JobContext
from evolution.laboratory.laboratory import Laboratory
from evolution.store.documents import train_document


def test(context: JobContext, request: TestRequest) -> Outcome:
    """Evaluate the named or the newest complete trial on the test events. Raises UsageError, Cancelled."""
    laboratory = Laboratory(context)
    trial = measured_trial(context, laboratory, request.trial)
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
